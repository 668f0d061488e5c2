"""How an invoice can be paid: every asset asked for that has a price, quoted and locked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.chain.payable import Payable
from gateway.chain.store import chain, chain_asset
from gateway.errors import DependencyAway, Refused, UnknownAsset
from gateway.invoices import rules
from gateway.invoices.store import InvoiceOption
from gateway.money import Money
from gateway.prices import service as prices
from gateway.prices.port import Rate

OPTIONS_MAX = 40


@dataclass(frozen=True, slots=True)
class Quoted:
    """An asset on a chain with its rate and the whole price in it."""

    by: Payable
    rate: Rate
    whole: Money
    places: int

    @property
    def minimum(self) -> Money:
        """The least that is credited on this chain."""
        return Money(self.by.minimum, self.whole.asset)


def wanted(
    session: Session,
    found: Sequence[Payable],
    currency: str,
    assets: Sequence[tuple[str, str]] | None,
) -> list[Payable]:
    """Return what may pay of what is found: what is named as (asset, chain), else all of it.

    An invoice in an asset takes that asset only. Raises UnknownChain, UnknownAsset or Refused.
    """
    if assets is not None:
        known = {(one.asset.code, one.chain): one for one in found}
        found = [known.get(pair) or unknown(session, *pair) for pair in dict.fromkeys(assets)]
    if currency != "USD":
        found = [one for one in found if one.asset.code == currency]
    if not found:
        raise Refused(f"no asset here can pay {currency}", code="unknown_asset", field="assets")
    return list(found[:OPTIONS_MAX])


def unknown(session: Session, asset: str, chain_id: str) -> Payable:
    """Raise UnknownChain or UnknownAsset, whichever it is."""
    chain_asset(session, chain(session, chain_id).id, asset)
    raise UnknownAsset(f"{asset[:20]!r} cannot pay on {chain_id[:40]} now", field="assets")


def quoted(session: Session, price: Money, by: Payable) -> Quoted:
    """Return the price in one asset; raises DependencyAway without a rate."""
    rate = prices.rate(session, by.asset.code, price.asset.code)
    same = by.asset.code == price.asset.code
    shown = by.decimals if same else rules.places(rate.rate, by.decimals)
    return Quoted(by, rate, rules.quote(price, rate.rate, by.asset, shown), shown)


def quotes(
    session: Session,
    payable: Sequence[Payable],
    price: Money,
    assets: Sequence[tuple[str, str]] | None,
) -> list[Quoted]:
    """Return every way to pay that has a price and by which the whole of it would be credited.

    Raises DependencyAway when nothing has a price, Refused when it is too small for every way.
    Assets worth one unit of the currency come first, unless the merchant gave an order.
    """
    found = []
    missing: DependencyAway | None = None
    for by in wanted(session, payable, price.asset.code, assets):
        try:
            found.append(quoted(session, price, by))
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
        least = ", ".join(f"{one.minimum} {one.by.asset.code} on {one.by.chain}" for one in found)
        raise Refused(f"less than is credited: {least}"[:500], code="below_minimum", field="amount")
    return good


def offers(session: Session, *, invoice_id: str, asset: str) -> bool:
    """True if an asset pays an invoice: on another of its chains it counts as on its own."""
    query = select(InvoiceOption.position).where(
        InvoiceOption.invoice_id == invoice_id,
        InvoiceOption.asset == asset,
        InvoiceOption.dropped_at.is_(None),
    )
    return session.scalar(query.limit(1)) is not None
