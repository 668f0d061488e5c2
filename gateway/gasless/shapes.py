"""A signed payment as its payer and programs see it, and what they send."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints

from gateway.chain.address import parse_address, show_address
from gateway.chain.eip3009 import SIGNATURE_BYTES, UINT256_MAX, Authorization
from gateway.chain.port import tohex
from gateway.errors import Refused
from gateway.gasless import rules
from gateway.gasless.store import PaymentAuthorization
from gateway.web.shapes import Text, Time

NONCE_BYTES = 32
Number = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,77})$")]
Hex = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]+$", max_length=200)]
PLAIN = re.compile(r"0x[0-9a-f]+", re.ASCII)


class AuthorizationBody(BaseModel):
    """The message of an EIP-3009 authorization; numbers are decimal strings."""

    payer: Annotated[Hex, Field(alias="from")]
    to: Hex
    value: Number
    valid_after: Annotated[Number, Field(alias="validAfter")]
    valid_before: Annotated[Number, Field(alias="validBefore")]
    nonce: Hex


class Signature(BaseModel):
    """An authorization with its signature: 65 bytes r, s, v."""

    authorization: AuthorizationBody
    signature: Hex

    @property
    def signed(self) -> Authorization:
        """Return what was signed; raises InvalidAddress, Refused."""
        given = self.authorization
        return Authorization(
            payer=address(given.payer, "from"),
            to=address(given.to, "to"),
            value=number(given.value, "value"),
            valid_after=number(given.valid_after, "validAfter"),
            valid_before=number(given.valid_before, "validBefore"),
            nonce=exactly(NONCE_BYTES, given.nonce, "nonce"),
        )

    @property
    def key(self) -> bytes:
        """Return the signature's bytes; raises Refused."""
        return exactly(SIGNATURE_BYTES, self.signature, "signature")


class SignedBody(Signature):
    """What the page sends: by which way, and what was signed."""

    chain: Annotated[Text, Field(max_length=80)]
    asset: Annotated[Text, Field(max_length=20)]


def address(text: str, field: str) -> bytes:
    """Read an address; raises InvalidAddress."""
    return parse_address(text, field)


def number(text: str, field: str) -> int:
    """Read a uint256; raises Refused for more."""
    found = int(text)
    if found > UINT256_MAX:
        raise Refused("it is more than 256 bits", code="invalid_number", field=field)
    return found


def exactly(size: int, text: str, field: str) -> bytes:
    """Read so many bytes; raises Refused for any other length."""
    if not PLAIN.fullmatch(text.lower()) or len(text) != 2 + 2 * size:
        raise Refused(f"it has {size} bytes as 0x text", code="invalid_bytes", field=field)
    return bytes.fromhex(text[2:])


class TypedData(BaseModel):
    """What a wallet is asked to sign by eth_signTypedData_v4 (EIP-712), and on which chain."""

    chain: str
    asset: str
    chain_id: Annotated[str, Field(description="0x text, as wallet_switchEthereumChain wants it")]
    typed_data: dict[str, Any]


class AuthorizationShape(BaseModel):
    """A signed payment. `failed` and `confirmed` are its ends; before them it may still settle."""

    id: str
    invoice: str
    chain: str
    asset: str
    payer: str
    value: Annotated[str, Field(description="base units of the token")]
    nonce: str
    status: Literal["queued", "sent", "mined", "confirmed", "failed"]
    settlement: Literal["settlement_pending", "settled", "failed"]
    reason: Annotated[str | None, Field(description="why it failed, or what it waits for")]
    tx_hash: str | None
    created_at: Time

    @classmethod
    def of(cls, row: PaymentAuthorization) -> Self:
        """Show a signed payment."""
        return cls.model_validate(
            {
                "id": row.id,
                "invoice": row.invoice_id,
                "chain": row.chain,
                "asset": row.asset,
                "payer": show_address(bytes(row.payer)),
                "value": str(int(row.value)),
                "nonce": tohex(bytes(row.nonce)),
                "status": row.status,
                "settlement": settlement(row.status),
                "reason": row.reason,
                "tx_hash": None if row.tx_hash is None else tohex(bytes(row.tx_hash)),
                "created_at": row.created_at,
            }
        )


def settlement(status: str) -> str:
    """Return what a status means to a payer: settled once mined, never failed while it may be."""
    if status in ("mined", "confirmed"):
        return "settled"
    return "failed" if status not in rules.LIVE else "settlement_pending"
