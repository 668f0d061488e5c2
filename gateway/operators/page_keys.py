"""The key that signs payment instructions: make it, make the next one, show what is published."""

from gateway.checkout import keyring
from gateway.checkout.keyring import base64url, key_id


def rotate() -> str:
    """Make a new key, which signs from now on; those before it stay published."""
    path = keyring.place()
    keys = keyring.rotate(path)
    return f"{key_id(keys.public[0])} signs now; its file is {path}: let the API alone read it"


def show() -> list[str]:
    """Return a line for each published key, the one that signs first."""
    keys = keyring.keyring().public
    return [f"{key_id(public)}  {base64url(public)}" for public in keys]
