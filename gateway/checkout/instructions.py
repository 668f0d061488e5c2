"""Payment instructions that anybody can verify: where to pay how much, signed by the gateway.

A page can be changed on its way: by an extension, a plugin, a copied link. The signature is over
the canonical JSON (RFC 8785) of what to pay, and the key is published apart from the page, so that
whoever noted the key once sees that an address was swapped.
"""

import json
from typing import Literal

from pydantic import BaseModel, Field

from gateway.chain.address import show_address
from gateway.checkout.keyring import Keyring, base64url, key_id, keyring
from gateway.invoices.facts import InvoiceShape
from gateway.web.shapes import Time

KIND: Literal["mizan.payment-instruction.v1"] = "mizan.payment-instruction.v1"


class Payload(BaseModel):
    """What is signed. Every value is text or null; `contract` is null for native coin."""

    type: Literal["mizan.payment-instruction.v1"] = KIND
    invoice: str
    chain: str
    asset: str
    contract: str | None
    address: str
    amount: str
    expires_at: Time


class Instruction(BaseModel):
    """One way to pay, signed. Verify: canonical JSON (RFC 8785) of `payload`, Ed25519, `key_id`.

    The keys are at /.well-known/mizan-keys.json; note them once, from somewhere you trust.
    """

    payload: Payload
    algorithm: Literal["Ed25519"] = "Ed25519"
    key_id: str
    signature: str = Field(description="base64url without padding")


class SignedInvoice(InvoiceShape):
    """An invoice with a signed instruction for each way to pay that takes payments now."""

    instructions: list[Instruction]


class PublishedKey(BaseModel):
    """An Ed25519 public key as a JWK (RFC 8037); the one that signs now is `current`."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    kid: str
    x: str
    current: bool


class PublishedKeys(BaseModel):
    """The keys that sign payment instructions, newest first (a JWK set, RFC 7517)."""

    keys: list[PublishedKey]


def canonical(payload: Payload) -> str:
    """Return the JSON that is signed (RFC 8785): keys in order, no space, text as it is.

    Python writes the same for an object of ASCII keys whose values are text or null.
    """
    facts = payload.model_dump(mode="json")
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def instruction(
    *,
    invoice: str,
    chain: str,
    asset: str,
    contract: bytes | None,
    address: str,
    amount: str,
    expires_at: Time,
) -> Instruction | None:
    """Sign one way to pay; None where this gateway has no key."""
    payload = Payload(
        invoice=invoice,
        chain=chain,
        asset=asset,
        contract=show_address(contract) if contract else None,
        address=address,
        amount=amount,
        expires_at=expires_at,
    )
    signed = keyring().sign(canonical(payload).encode())
    if signed is None:
        return None
    name, signature = signed
    return Instruction(payload=payload, key_id=name, signature=base64url(signature))


def published(keys: Keyring) -> PublishedKeys:
    """Show the public halves."""
    shown = [
        PublishedKey(kid=key_id(public), x=base64url(public), current=place == 0)
        for place, public in enumerate(keys.public)
    ]
    return PublishedKeys(keys=shown)
