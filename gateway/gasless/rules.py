"""When a signed payment may be sent for its payer. Pure: facts in, an answer out.

Amounts are base units of the token, times seconds since 1970. Source: EIP-3009.
"""

from dataclasses import dataclass
from typing import Literal

from gateway.errors import Conflict, GatewayError, Refused

Status = Literal["queued", "sent", "mined", "confirmed", "failed"]
LIVE: tuple[Status, ...] = ("queued", "sent", "mined")

VALID_SECONDS = 900
"""How long a payer is asked to let a signature be good."""
VALID_SECONDS_MAX = 2 * VALID_SECONDS
"""For longer it is not taken: while it is good anybody may send it, and no other is asked for."""
VALID_SECONDS_MIN = 60
"""With less left it is not taken: it must be signed, sent and mined meanwhile."""
OVER_SECONDS = 60
"""How far a block's time may be behind ours: so long after its end a signature may be used."""
SEND_SECONDS_MIN = 20
"""With less left nothing is signed for it any more."""
ATTEMPTS_MAX = 5
"""Authorizations of one invoice: the gas of those that revert is ours."""
PAYER_FAILURES_MAX = 2
"""A payer whose signatures reverted so often in a day pays the gas alone."""
GAS_EXPECTED = 100_000
"""What a transfer by signature is taken to need before a node was asked."""
GAS_MAX = 250_000
"""A token that needs more is not sent for anybody."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an invoice asks by one way: `due` to `to`, where `least` is worth its gas."""

    to: bytes
    due: int
    least: int
    payable: bool
    attempts: int
    payer_failures: int
    live: bool
    listed: bool


@dataclass(frozen=True, slots=True)
class Given:
    """What was signed, and by whose key; None when it is nobody's signature."""

    payer: bytes
    signer: bytes | None
    to: bytes
    value: int
    valid_after: int
    valid_before: int


def refusal(asked: Asked, given: Given, now: int) -> GatewayError | None:
    """Return why a signed payment is not taken, None if it is."""
    return (
        wrong_state(asked) or wrong_signature(asked, given) or wrong_value(asked, given)
    ) or wrong_time(given, now)


def wrong_state(asked: Asked) -> GatewayError | None:
    """Refuse by what the invoice and its payer did before."""
    if not asked.payable:
        return Conflict("the invoice asks for nothing now", code="wrong_state")
    if asked.live:
        return Conflict("a signed payment is on its way", code="authorization_pending")
    if asked.attempts >= ATTEMPTS_MAX:
        return Refused("too many signed payments failed: pay from a wallet", code="too_many")
    if asked.payer_failures >= PAYER_FAILURES_MAX:
        return Refused("signatures of this payer failed: pay from a wallet", code="too_many")
    if asked.listed:
        return Refused("this payer's money cannot be taken", code="payer_refused", field="from")
    return None


def wrong_signature(asked: Asked, given: Given) -> GatewayError | None:
    """Refuse what is signed by another, or sends the money elsewhere."""
    if given.to != asked.to:
        return Refused("it pays another address than the invoice's", code="wrong_to", field="to")
    if given.signer != given.payer:
        return Refused(
            "the signature is not of the payer's key over this token's domain",
            code="wrong_signature",
            field="signature",
        )
    return None


def wrong_value(asked: Asked, given: Given) -> GatewayError | None:
    """Refuse another amount than what is due, and what is not worth its gas."""
    if given.value < asked.due:
        return Refused("it pays less than is due", code="value_too_small", field="value")
    if given.value > asked.due:
        return Refused(
            "it pays more than is due: sign what is due now", code="value_too_large", field="value"
        )
    if given.value < asked.least:
        return Refused(
            "it is not worth the gas of sending it: pay from a wallet",
            code="not_worth_gas",
            field="value",
        )
    return None


def wrong_time(given: Given, now: int) -> GatewayError | None:
    """Refuse what is not good yet, or not for long enough."""
    if given.valid_after >= now:
        return Refused("it is not valid yet", code="not_valid_yet", field="validAfter")
    if given.valid_before < now + VALID_SECONDS_MIN:
        return Refused(
            f"it must be valid for {VALID_SECONDS_MIN} seconds more",
            code="valid_too_short",
            field="validBefore",
        )
    if given.valid_before > now + VALID_SECONDS_MAX:
        return Refused(
            f"it must not be valid for more than {VALID_SECONDS_MAX} seconds",
            code="valid_too_long",
            field="validBefore",
        )
    return None
