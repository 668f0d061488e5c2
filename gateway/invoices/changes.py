"""What a reader is told when the state of an invoice changes. Pure."""

from gateway.invoices.rules import Outcome, Terms

COVERED = ("processing", "paid")


def events(terms: Terms, old: Outcome, new: Outcome, *, left: bool = True) -> list[str]:
    """Return the events of a transition, in the order a reader should hear them.

    `left` says that a payment left the chain; else what came was only weighed anew.
    """
    told = []
    if left and reverted(old, new):
        told.append("invoice.payment_reverted")
    if new.paid_state == "partial" and old.paid_state == "none" and new.status != "void":
        told.append("invoice.partially_paid")
    if new.status == "processing" and old.status not in COVERED:
        told.append("invoice.processing")
    if new.status == "paid" and old.status != "paid":
        told.append("invoice.paid")
    if is_over(terms, new) and not is_over(terms, old):
        told.append("invoice.overpaid")
    if is_late(terms, new) and not is_late(terms, old):
        told.append("invoice.paid_late")
    if new.status == "expired" and old.status != "expired":
        told.append("invoice.expired")
    return told


def reverted(old: Outcome, new: Outcome) -> bool:
    """True if money that had counted is gone: it was covered and is not, or less is final."""
    fell = old.status in COVERED and new.status not in (*COVERED, "void")
    return fell or new.credited < old.credited


def is_over(terms: Terms, state: Outcome) -> bool:
    """True once more than is tolerated above the price is final."""
    return state.status == "paid" and state.credited > terms.too_much


def is_late(terms: Terms, state: Outcome) -> bool:
    """True once enough is final and some of it came after the end, whether it settles or not."""
    waits = state.late_action is not None and state.credited >= terms.enough
    return waits or (state.status == "paid" and state.late)
