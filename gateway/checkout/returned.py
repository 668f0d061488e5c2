"""What of an invoice went back to its payer, is on its way, or waits for the payer's word."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.invoices.facts import Facts
from gateway.money import Money
from gateway.refunds import rules
from gateway.refunds.store import Refund


@dataclass(frozen=True, slots=True)
class Returned:
    """In the invoice's currency: what the network has confirmed, what is promised or sent, and what
    waits until the payer says where to.
    """

    there: Money
    on_its_way: Money
    awaited: Money


def returned(session: Session, facts: Facts) -> Returned:
    """Add up an invoice's refunds."""
    query = (
        select(Refund.status, func.sum(Refund.currency_amount))
        .where(Refund.invoice_id == facts.invoice.id, Refund.status.in_(rules.COUNTED))
        .group_by(Refund.status)
    )
    sums = {status: int(units) for status, units in session.execute(query)}
    there, awaited = sums.pop(rules.CONFIRMED, 0), sums.pop(rules.AWAITING, 0)
    kinds = (there, sum(sums.values()), awaited)
    return Returned(*(Money(units, facts.currency) for units in kinds))
