"""One way to pay, as the page offers it: amount, address, and what a wallet needs to pay it."""

from functools import lru_cache
from typing import Annotated

import segno
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from gateway.chain.store import ChainAsset
from gateway.checkout.calls import Payment, WalletCall, deep_link, wallet_call
from gateway.checkout.instructions import Instruction, instruction
from gateway.checkout.places import Places, shown_contract
from gateway.invoices.facts import Facts
from gateway.invoices.store import InvoiceOption
from gateway.web.shapes import Time

QUIET_MODULES = 4
QR_CACHE_MAX = 2_000


class OptionView(BaseModel):
    """One way to pay: `amount` remains to be paid, `key` chooses it in ?option=.

    While `paused` the network takes no payments, and there is no address and nothing to send.
    `at_least` is there when `amount` is less than one payment must be to be credited.
    """

    key: str
    asset: str
    chain: str
    network: str
    contract: Annotated[str | None, Field(description="null for native coin")]
    address: str | None
    paused: bool
    amount: str
    at_least: str | None
    rate: str
    rate_source: str
    rate_at: Time
    quote_expires_at: Time
    call: Annotated[WalletCall | None, Field(description="for `eth_sendTransaction`")]
    deep_link: Annotated[str | None, Field(description="EIP-681, for a wallet on the same phone")]
    instruction: Annotated[
        Instruction | None, Field(description="null where the gateway has no key to sign with")
    ]


def option_view(facts: Facts, row: InvoiceOption, places: Places) -> OptionView:
    """Show one way to pay."""
    remaining, minimum = facts.remaining(row), facts.minimum(row)
    on_chain = places.assets[row.chain, row.asset]
    address = facts.place(row)
    asked = address is not None and remaining.units > 0 and facts.invoice.status == "open"
    payment = Payment(
        chain_id=places.chains[row.chain].chain_id,
        contract=on_chain.contract,
        to=row.address,
        units=on_chain.to_chain(remaining),
    )
    return OptionView.model_validate(
        {
            "key": f"{row.asset}.{row.chain}",
            "asset": row.asset,
            "chain": row.chain,
            "network": places.name(row.chain),
            "contract": shown_contract(on_chain),
            "address": address,
            "paused": row.chain in facts.paused,
            "amount": str(remaining),
            "at_least": str(minimum) if 0 < remaining.units < minimum.units else None,
            "rate": f"{row.rate.normalize():f}",
            "rate_source": row.rate_source,
            "rate_at": row.rate_at,
            "quote_expires_at": facts.invoice.expires_at,
            "call": wallet_call(payment, places.added(row.chain)) if asked else None,
            "deep_link": deep_link(payment) if asked else None,
            "instruction": instruction_of(facts, row, on_chain),
        }
    )


def signed(session: Session, facts: Facts) -> list[Instruction]:
    """Sign every way by which the invoice can be paid now."""
    made = []
    for row in facts.options:
        on_chain = session.get(ChainAsset, (row.chain, row.asset))
        assert on_chain is not None, f"{row.asset} on {row.chain} was offered"
        one = instruction_of(facts, row, on_chain)
        if one is not None:
            made.append(one)
    return made


def instruction_of(facts: Facts, row: InvoiceOption, on_chain: ChainAsset) -> Instruction | None:
    """Sign what remains to be paid by one way; None while nothing is asked of it."""
    address, remaining = facts.place(row), facts.remaining(row)
    if address is None or remaining.units == 0 or facts.invoice.status != "open":
        return None
    return instruction(
        invoice=facts.invoice.id,
        chain=row.chain,
        asset=row.asset,
        contract=on_chain.contract,
        address=address,
        amount=str(remaining),
        expires_at=facts.invoice.expires_at,
    )


@lru_cache(maxsize=QR_CACHE_MAX)
def qr(address: str) -> str:
    """Return the QR code of a plain address as SVG.

    Not ERC-681: some wallets pay a token's contract when its transfer is in a QR code.
    """
    code = segno.make(address, error="m", micro=False)
    svg: str = code.svg_inline(
        border=QUIET_MODULES,
        dark="#10151c",
        light="#fff",
        omitsize=True,
        svgclass=None,
        lineclass=None,
    )
    return svg
