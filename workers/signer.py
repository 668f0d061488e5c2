"""The only code that touches a key that moves money. It needs the database and a keystore, no node.

It signs what rows say, worked out here again, and nothing else.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from eth_account import Account
from eth_account.signers.local import LocalAccount

from gateway import db
from gateway.chain import store as chains
from gateway.chain.address import show_address
from gateway.sending import signing, sweeps
from gateway.sending.signing import Encode, Signed, SignerRefuses
from gateway.settings import settings
from gateway.withdrawals import payload
from workers.app import worker_task

INTENTS_MAX = 20
ENCODE: dict[str, Encode] = {"payout": payload.encode, "sweep": sweeps.encode}

log = structlog.get_logger()


@worker_task()
def sign(chain_id: str) -> None:
    """Sign what the chain's signers may sign now; beat rings for the rest."""
    for _ in range(INTENTS_MAX):
        if not sign_next(chain_id):
            break
    raise_next(chain_id)


def sign_next(chain_id: str) -> bool:
    """Sign or refuse one intent, in one transaction; False when there is none to sign."""
    with db.transaction() as session:
        intent = signing.next_intent(session, chain_id)
        if intent is None:
            return False
        place = chains.chain(session, chain_id)
        return signing.sign_intent(
            session, intent, place, encode=ENCODE[intent.kind], sign=sign_fields
        )


def raise_next(chain_id: str) -> bool:
    """Sign one stuck transaction again for higher fees; False when there is none."""
    with db.transaction() as session:
        found = signing.next_raise(session, chain_id)
        if found is None:
            return False
        intent, transaction = found
        place = chains.chain(session, chain_id)
        try:
            signing.sign_raise(
                session,
                intent,
                transaction,
                place,
                encode=ENCODE[intent.kind],
                sign=sign_fields,
            )
        except SignerRefuses as refusal:
            intent.refusal = str(refusal)
            log.error("intent.not_raised", intent=intent.id, reason=str(refusal))
        return True


def sign_fields(address: bytes, fields: dict[str, Any]) -> Signed:
    """Sign a transaction's fields. Raises SignerRefuses without a key for the address."""
    to_sign: dict[str, Any] = {**fields, "to": show_address(fields["to"])}
    signed = key_of(address).sign_transaction(to_sign)
    return Signed(raw=bytes(signed.raw_transaction), hash=bytes(signed.hash))


@lru_cache(maxsize=64)
def key_of(address: bytes) -> LocalAccount:
    """Return the key of an address, decrypted on first use and kept in memory only."""
    password = settings().keystore_secret
    for file in keystore_files(settings().keystore):
        kept = json.loads(file.read_text())
        if bytes.fromhex(str(kept.get("address", "")).removeprefix("0x")) == address:
            account: LocalAccount = Account.from_key(Account.decrypt(kept, password))
            log.info("key.loaded", address=show_address(address))
            return account
    raise SignerRefuses("no_key")


def keystore_files(place: Path | None) -> list[Path]:
    """Return the keystore's files: a folder of them, or one."""
    if place is None:
        return []
    return sorted(place.glob("*.json")) if place.is_dir() else [place]
