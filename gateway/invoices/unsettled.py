"""Why money that came for an invoice settles nothing. Pure."""

from typing import Literal

from gateway.invoices import rules
from gateway.invoices.rules import Payment, Terms

Why = Literal["void", "wrong_asset", "too_late"]


def why(terms: Terms, payment: Payment) -> Why | None:
    """Return what keeps a payment from settling; None when it settles, or nothing came."""
    if payment.status not in rules.SEEN:
        return None
    if terms.voided:
        return "void"
    if payment.counted_rate is None and rules.option_of(terms.options, payment) is None:
        return "wrong_asset"
    return None if rules.settles(terms, payment) else "too_late"
