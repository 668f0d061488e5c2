"""An open page tells of one moment, and its mark is that moment's: later changes draw it again."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway import db
from gateway.checkout import marks, stream
from gateway.checkout.visit import Visit
from gateway.checkout.words import words
from gateway.invoices import facts, service
from gateway.invoices.store import InvoicePayment, payments_of
from tests import asking
from tests.page.serve import app


@pytest.fixture
def invoice(database: str) -> str:
    with db.transaction() as session:
        asking.add_chain(session)
        return str(asking.asked(session, asking.merchant(session)).invoice.id)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Let something happen once, after an invoice's row is read and before its payments are."""

    def happen(change: Callable[[], None]) -> None:
        waiting = [change]

        def later(session: Session, ids: Sequence[str]) -> Sequence[InvoicePayment]:
            if waiting:
                waiting.pop()()
            return payments_of(session, ids)

        monkeypatch.setattr(facts, "payments_of", later)

    return happen


def pays(invoice: str) -> Callable[[], None]:
    def pay() -> None:
        with db.transaction() as session:
            asking.pay(session, service.get(session, invoice), "12.5")

    return pay


def mark_of(invoice: str) -> str:
    with db.transaction() as session:
        return marks.read(session, [invoice])[invoice]


def drawn(invoice: str) -> tuple[str, dict[str, Any]]:
    found = stream.drawn(invoice, words("en"), Visit())
    assert found is not None
    return found


def test_a_payment_that_comes_while_a_page_is_drawn_is_told_by_the_next(
    invoice: str, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    meanwhile(pays(invoice))
    mark, shown = drawn(invoice)
    assert shown["state"] == "open"
    assert mark != mark_of(invoice), "nothing would wake the page"
    mark, shown = drawn(invoice)
    assert (shown["state"], mark) == ("paid", mark_of(invoice))


@pytest.mark.parametrize("path", ["/pay/{}", "/pay/{}/status"])
def test_what_is_read_over_http_is_of_one_moment(
    invoice: str, meanwhile: Callable[[Callable[[], None]], None], path: str
) -> None:
    meanwhile(pays(invoice))
    browser = {"accept": "text/html"}
    with TestClient(app) as http:
        before = http.get(path.format(invoice), headers=browser)
        after = http.get(path.format(invoice), headers=browser)
    assert (before.status_code, after.status_code) == (200, 200)
    told = ('data-status="open"', '"status":"open"', 'data-status="paid"', '"status":"paid"')
    assert any(one in before.text for one in told[:2])
    assert any(one in after.text for one in told[2:])


def test_a_change_and_back_while_it_is_drawn_is_not_shown(
    invoice: str, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    def away() -> None:
        with db.transaction() as session:
            asking.read_up_to_now(session, age="1 hour")

    calm = drawn(invoice)
    meanwhile(away)
    assert drawn(invoice) == calm
    with db.transaction() as session:
        asking.read_up_to_now(session, age="1 second")
    assert mark_of(invoice) == calm[0]


def test_what_only_reads_can_change_nothing(invoice: str) -> None:
    with db.snapshot() as session, pytest.raises(DBAPIError, match="read-only"):
        db.ask(session, "update invoice set title = null")
