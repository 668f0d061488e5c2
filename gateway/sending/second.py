"""A nonce has one payload: what is signed for it again is that call for more, or a cancel. Pure.

A cancel is a transfer of nothing from the signer to itself. Once one is signed the call is not
signed again: of two that replace each other nobody could say which is meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.sending.rules import raised


@dataclass(frozen=True, slots=True)
class Offer:
    """A payload with its price; `call` identifies target, data and value, which is in wei."""

    to: bytes
    data: bytes
    value: int
    tip: int
    cap: int
    call: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed for the nonce before, by its price."""

    tip: int
    cap: int
    cancels: bool


def refusal(
    offer: Offer, *, signer: bytes, first_call: bytes, before: Sequence[Signed]
) -> str | None:
    """Return why an offer may not be signed for a nonce that is used, None if it may."""
    cancels = offer.to == signer and offer.data == b"" and offer.value == 0
    if not cancels and offer.call != first_call:
        return "call_differs_from_first"
    if not cancels and any(one.cancels for one in before):
        return "already_cancelled"
    if any(offer.tip < raised(one.tip) or offer.cap < raised(one.cap) for one in before):
        return "does_not_replace"
    return None
