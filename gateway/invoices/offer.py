"""How an invoice can be paid: every asset asked for that has a price, quoted and locked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.addresses import service as addresses
from gateway.chain.store import ChainAsset, chain, chain_asset, chain_assets, chains
from gateway.errors import DependencyAway, Refused
from gateway.invoices import rules
from gateway.invoices.store import Invoice, InvoiceOption
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.prices import service as prices
from gateway.prices.port import Rate

OPTIONS_MAX = 40


@dataclass(frozen=True, slots=True)
class Quoted:
    """An asset on a chain with its rate and the whole price in it."""

    on_chain: ChainAsset
    rate: Rate
    whole: Money
    places: int

    @property
    def minimum(self) -> Money:
        """The least that is credited on this chain."""
        return Money(int(self.on_chain.minimum_deposit), self.whole.asset)


def wanted(
    session: Session, currency: str, assets: Sequence[tuple[str, str]] | None
) -> list[ChainAsset]:
    """Return the assets that may pay: those named as (asset, chain), else all that are active.

    An invoice in an asset takes that asset only. Raises UnknownChain, UnknownAsset or Refused.
    """
    if assets is None:
        found = [on for c in chains(session) for on in chain_assets(session, c.id)]
    else:
        found = []
        for asset, chain_id in dict.fromkeys(assets):
            found.append(chain_asset(session, chain(session, chain_id).id, asset))
    if currency != "USD":
        found = [on for on in found if on.asset == currency]
    if not found:
        raise Refused(f"no asset here can pay {currency}", code="unknown_asset", field="assets")
    return found[:OPTIONS_MAX]


def quoted(session: Session, price: Money, on_chain: ChainAsset) -> Quoted:
    """Return the price in one asset; raises DependencyAway without a rate."""
    rate = prices.rate(session, on_chain.asset, price.asset.code)
    asset = ledger.asset(session, on_chain.asset)
    same = on_chain.asset == price.asset.code
    shown = on_chain.decimals if same else rules.places(rate.rate, on_chain.decimals)
    return Quoted(on_chain, rate, rules.quote(price, rate.rate, asset, shown), shown)


def quotes(
    session: Session, price: Money, assets: Sequence[tuple[str, str]] | None
) -> list[Quoted]:
    """Return every way to pay that has a price and by which the whole of it would be credited.

    Raises DependencyAway when nothing has a price, Refused when it is too small for every way.
    Assets worth one unit of the currency come first, unless the merchant gave an order.
    """
    found = []
    missing: DependencyAway | None = None
    for on_chain in wanted(session, price.asset.code, assets):
        try:
            found.append(quoted(session, price, on_chain))
        except DependencyAway as error:
            missing = error
    if not found:
        raise missing or DependencyAway("no rate now", code="rate_unavailable")
    found = large_enough(found)
    if assets is None:
        found.sort(key=lambda one: one.rate.rate != 1)
    return found


def large_enough(found: list[Quoted]) -> list[Quoted]:
    """Return the ways whose amount reaches the chain's minimum; raises Refused when none does."""
    good = [one for one in found if one.whole >= one.minimum]
    if not good:
        least = ", ".join(
            f"{one.minimum} {one.whole.asset.code} on {one.on_chain.chain}" for one in found
        )
        raise Refused(f"less than is credited: {least}"[:500], code="below_minimum", field="amount")
    return good


def attach(session: Session, invoice: Invoice, offered: Sequence[Quoted]) -> list[InvoiceOption]:
    """Store the quotes as the invoice's options, with the invoice's own address on each chain."""
    places = {
        chain_id: addresses.allocate(
            session, account_id=invoice.account_id, chain=chain_id, invoice_id=invoice.id
        ).address
        for chain_id in dict.fromkeys(one.on_chain.chain for one in offered)
    }
    options = [
        InvoiceOption(
            invoice_id=invoice.id,
            position=position,
            chain=one.on_chain.chain,
            asset=one.on_chain.asset,
            address=places[one.on_chain.chain],
            amount=one.whole.units,
            minimum=one.minimum.units,
            places=one.places,
            rate=one.rate.rate,
            rate_source=one.rate.source,
            rate_at=one.rate.at,
        )
        for position, one in enumerate(offered)
    ]
    session.add_all(options)
    session.flush()
    return options


def offers(session: Session, *, invoice_id: str, chain: str, asset: str) -> bool:
    """True if an asset on a chain is among the ways to pay an invoice."""
    query = select(InvoiceOption.position).where(
        InvoiceOption.invoice_id == invoice_id,
        InvoiceOption.chain == chain,
        InvoiceOption.asset == asset,
    )
    return session.scalar(query.limit(1)) is not None
