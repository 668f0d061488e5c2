"""What is signed, who signs it, and how a signer says no or not now."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy.orm import Session

from gateway.chain.store import Chain
from gateway.sending.store import Intent

WORD = 32


@dataclass(frozen=True, slots=True)
class Call:
    """A call: its target, its data, and wei where coin goes from the signer itself.

    `approval_id` names the second key's word that the data carries.
    """

    to: bytes
    data: bytes
    approval_id: str | None = None
    value: int = 0

    @property
    def hash(self) -> bytes:
        """Return what identifies the call."""
        return keccak(
            self.to + self.data + (self.value.to_bytes(WORD, "big") if self.value else b"")
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed bytes and the transaction hash they will have."""

    raw: bytes
    hash: bytes


Sign = Callable[[bytes, dict[str, Any]], Signed]
Encode = Callable[[Session, Intent, Chain, int], Call]


class SignerRefuses(Exception):
    """The intent is not what its rows say, or beyond the signer's limits; `args[0]` names why."""


class SignerWaits(Exception):
    """What signing needs is not there now; `args[0]` names it. It is tried again by itself."""


class SignerAway(SignerWaits):
    """The key is in another process that does not answer."""

    def __init__(self) -> None:
        super().__init__("signer_unreachable")
