"""Encrypted key files (the Web3 Secret Storage format): made at set-up, opened only by the signer.

The one exception is the contracts' cold owner, whose file `mizan chain add` opens once to deploy.
"""

import getpass
import json
import os
from pathlib import Path

import typer
from eth_account import Account
from eth_account.signers.local import LocalAccount

PBKDF2_ROUNDS = 262_144


def seal(account: LocalAccount, folder: Path, password: str) -> Path:
    """Write an account's key into the folder, encrypted; a file that is there already stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{account.address.lower()}.json"
    if not file.exists():
        sealed = Account.encrypt(account.key, password, kdf="pbkdf2", iterations=PBKDF2_ROUNDS)
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(sealed))
        os.replace(draft, file)
    return file


def open_owner(file: Path) -> LocalAccount:
    """Return the cold owner's account; asks for the password on the terminal."""
    sealed = json.loads(file.read_text())
    password = os.environ.get("MIZAN_OWNER_PASSWORD") or getpass.getpass("owner's password: ")
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(sealed, password))
    except ValueError as error:
        raise typer.BadParameter(f"{file} does not open with this password") from error
    return account


def new_signer(folder: Path, password: str) -> str:
    """Make a hot key in the keystore and return its address."""
    account = Account.create()
    seal(account, folder, password)
    return str(account.address)
