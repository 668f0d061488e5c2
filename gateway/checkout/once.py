"""A payer's form sent twice makes one invoice: a double click, a page that loads too slowly."""

import hashlib
import json

from sqlalchemy.orm import Session

from gateway.checkout.wish import Wish
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts
from gateway.links import service as links
from gateway.web import once
from gateway.web.once import Token


def pay(session: Session, link_id: str, wish: Wish) -> Facts:
    """Make the invoice a form asks for, or return the one it made. Raises as links.pay.

    Only while nothing came for that: a till that goes back to its form sells anew.
    """
    digest = hashlib.sha256(json.dumps([wish.once, wish.amount, wish.pieces]).encode()).digest()
    token = Token(link_id, f"wish {digest.hex()}")
    before = once.claim(session, token, digest) if wish.once else None
    if before is not None and before.body:
        made = invoices.get(session, before.body["invoice"])
        if made.stored.status == "open" and made.stored.paid_state == "none":
            return made
    made = links.pay(session, link_id=link_id, amount=wish.amount, quantity=wish.quantity)
    if wish.once:
        once.done(session, token, {"invoice": made.invoice.id})
    return made
