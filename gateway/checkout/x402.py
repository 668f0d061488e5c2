"""How an invoice asks programs for payment: 402 in the shape of x402, versions 2 and 1, scheme
"exact" by EIP-3009. Headers carry JSON in base64. Source: the x402 specification.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from gateway.chain.address import parse_address, show_address
from gateway.checkout.view import View
from gateway.errors import BadRequest
from gateway.gasless import rules
from gateway.gasless.service import Way
from gateway.gasless.shapes import AuthorizationShape, Signature

SCHEME = "exact"
REQUIRED, GIVEN, ANSWERED = "PAYMENT-REQUIRED", "PAYMENT-SIGNATURE", "PAYMENT-RESPONSE"
GIVEN_V1, ANSWERED_V1 = "X-PAYMENT", "X-PAYMENT-RESPONSE"
HEADER_LENGTH_MAX = 16_384
NAMES_V1 = {
    "eip155:8453": "base",
    "eip155:84532": "base-sepolia",
    "eip155:137": "polygon",
    "eip155:80002": "polygon-amoy",
    "eip155:43114": "avalanche",
    "eip155:43113": "avalanche-fuji",
    "eip155:42220": "celo",
}
"""Networks as version 1 names them; others it cannot name."""


class Accepted(BaseModel):
    """Which of the ways a program chose (version 2)."""

    scheme: Literal["exact"]
    network: Annotated[str, Field(max_length=80)]
    asset: Annotated[str, Field(max_length=42)]


class Second(BaseModel):
    """A payment in version 2."""

    x402_version: Annotated[Literal[2], Field(alias="x402Version")]
    payload: Signature
    accepted: Accepted


class First(BaseModel):
    """A payment in version 1."""

    x402_version: Annotated[Literal[1], Field(alias="x402Version")]
    scheme: Literal["exact"]
    network: Annotated[str, Field(max_length=40)]
    payload: Signature


@dataclass(frozen=True, slots=True)
class Payment:
    """What a program signed; `contract` is None where its version names none."""

    version: int
    chain: str
    contract: bytes | None
    given: Signature


def payment_of(headers: Mapping[str, str]) -> Payment | None:
    """Return the payment of a request, None if it carries none. Raises BadRequest, Refused."""
    for name, read in ((GIVEN, second), (GIVEN_V1, first)):
        text = headers.get(name)
        if text is not None:
            try:
                return read(decoded(text))
            except ValidationError as error:
                raise BadRequest(f"{name} holds no payment by {SCHEME!r} and EIP-3009") from error
    return None


def second(facts: bytes) -> Payment:
    """Read version 2."""
    found = Second.model_validate_json(facts)
    contract = parse_address(found.accepted.asset.lower(), "asset")
    return Payment(2, found.accepted.network, contract, found.payload)


def first(facts: bytes) -> Payment:
    """Read version 1; raises BadRequest for a network that it does not name."""
    found = First.model_validate_json(facts)
    chain = next((chain for chain, name in NAMES_V1.items() if name == found.network), None)
    if chain is None:
        raise BadRequest(f"no network {found.network!r} here")
    return Payment(1, chain, None, found.payload)


def decoded(text: str) -> bytes:
    """Return what a header carries. Raises BadRequest for what is too long or no base64."""
    if len(text) > HEADER_LENGTH_MAX:
        raise BadRequest("the payment's header is too long")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("the payment's header is no base64") from error


def encoded(facts: Mapping[str, Any]) -> str:
    """Return JSON as a header carries it."""
    return base64.b64encode(json.dumps(facts).encode()).decode()


def resource(view: View, url: str) -> dict[str, Any]:
    """Say what is paid for."""
    purpose = f"{view.title}: " if view.title else ""
    return {
        "url": url,
        "description": f"{purpose}{view.amount} {view.currency} to @{view.merchant}",
        "mimeType": "application/json",
    }


def requirement(way: Way) -> dict[str, Any]:
    """Say one way to pay (version 2)."""
    return {
        "scheme": SCHEME,
        "network": way.option.chain,
        "asset": show_address(way.contract),
        "amount": str(way.due),
        "payTo": show_address(bytes(way.option.address)),
        "maxTimeoutSeconds": rules.VALID_SECONDS,
        "extra": {"name": way.token.name, "version": way.token.version},
    }


def required(view: View, url: str, ways: Sequence[Way], error: str) -> dict[str, Any]:
    """Return what PAYMENT-REQUIRED carries (version 2)."""
    return {
        "x402Version": 2,
        "error": error,
        "resource": resource(view, url),
        "accepts": [requirement(way) for way in ways],
    }


def required_v1(view: View, url: str, ways: Sequence[Way], error: str) -> dict[str, Any]:
    """Return the body of version 1; networks it cannot name are left out."""
    accepts = []
    for way in ways:
        if way.option.chain in NAMES_V1:
            asked, about = requirement(way), resource(view, url)
            accepts.append(
                {
                    **asked,
                    "network": NAMES_V1[way.option.chain],
                    "maxAmountRequired": asked.pop("amount"),
                    "resource": about["url"],
                    "description": about["description"],
                    "mimeType": about["mimeType"],
                }
            )
    return {"x402Version": 1, "error": error, "accepts": accepts}


def settled(shape: AuthorizationShape) -> dict[str, Any]:
    """Return what PAYMENT-RESPONSE carries: what is on its way is never called failed."""
    done = shape.settlement == "settled"
    facts: dict[str, Any] = {
        "success": done,
        "payer": shape.payer,
        "transaction": shape.tx_hash or "",
        "network": shape.chain,
        "amount": shape.value,
    }
    if not done:
        pending = shape.settlement == "settlement_pending"
        facts["errorReason"] = shape.settlement if pending else (shape.reason or "failed")
    return facts


def answer_header(version: int, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the header that tells a payment's end, by the version it came in."""
    if version == 1:
        network = NAMES_V1.get(facts["network"], facts["network"])
        return {ANSWERED_V1: encoded({**facts, "network": network})}
    return {ANSWERED: encoded(facts)}
