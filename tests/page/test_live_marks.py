"""The mark of an open page: what changes while the page is drawn is looked at again."""

import pytest
from sqlalchemy.orm import Session

from gateway import db
from gateway.checkout import marks, stream
from gateway.checkout.view import View, view
from gateway.checkout.visit import Visit
from gateway.checkout.words import words
from gateway.invoices.facts import Facts
from tests import asking


def head_age(age: str) -> None:
    with db.transaction() as session:
        asking.read_up_to_now(session, age=age)


def test_a_change_and_back_while_it_is_drawn_is_not_missed(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction() as session:
        asking.add_chain(session)
        invoice = asking.asked(session, asking.merchant(session)).invoice.id

    def drawn_late(session: Session, facts: Facts) -> View:
        head_age("1 hour")  # the node is away for a moment, just between mark and page
        return view(session, facts)

    monkeypatch.setattr(stream, "view", drawn_late)
    drawn = stream.snapshot(invoice, words("en"), Visit())
    assert drawn is not None
    head_age("1 second")
    with db.transaction() as session:
        now = marks.read(session, [invoice])[invoice]
    assert drawn[0] != now, "the page tells what is over, and nothing would wake it"


def test_a_page_drawn_in_peace_keeps_its_mark(database: str) -> None:
    with db.transaction() as session:
        asking.add_chain(session)
        invoice = asking.asked(session, asking.merchant(session)).invoice.id
    drawn = stream.snapshot(invoice, words("en"), Visit())
    with db.transaction() as session:
        assert drawn is not None
        assert drawn[0] == marks.read(session, [invoice])[invoice]
