"""The one door to the signer's keys: an encrypted file where there is one, else a remote signer."""

from typing import Any

from eth_account.signers.local import LocalAccount

from gateway.sending.call import Signed, SignerRefuses
from gateway.settings import settings
from workers.keys import keystore, remote
from workers.keys.checked import checked


def sign_fields(address: bytes, fields: dict[str, Any]) -> Signed:
    """Sign a transaction's fields with the key of an address.

    Raises SignerRefuses without a key, or when something else came back; SignerAway while the key
    is out of reach.
    """
    key = key_of(address)
    if key is not None:
        return checked(keystore.sign_transaction(key, fields), address, fields)
    url = settings().remote_signers.get(f"eip155:{fields['chainId']}")
    if url is None:
        raise SignerRefuses("no_key")
    return checked(remote.at(url).sign_transaction(address, fields), address, fields)


def key_of(address: bytes) -> LocalAccount | None:
    """Return the key of an address if the keystore has it."""
    return keystore.find(address, settings().keystore, settings().keystore_secret)
