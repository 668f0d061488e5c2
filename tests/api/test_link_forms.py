"""The form of a payment link sent twice, and the link as a program reads it."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from sqlalchemy import text

from gateway import db
from gateway.invoices import service
from tests import asking
from tests.api.conftest import Client, Make
from tests.api.linked import FUTURE, JSON, invoices, new, open_shop, patch


@pytest.fixture
def shop(open_account: Make) -> Client:
    return open_shop(open_account)


def token(shop: Client, path: str) -> str:
    """Return what the form of a page carries, which is another one each time."""
    found = re.findall(r'name="once" value="([^"]+)"', shop.http.get(path).text)
    assert found
    return str(found[0])


def press(shop: Client, path: str, **typed: str) -> httpx2.Response:
    answer: httpx2.Response = shop.http.post(path, data=typed, follow_redirects=False)
    return answer


@pytest.mark.parametrize("place", ["l", "pos"])
def test_a_form_sent_twice_makes_one_invoice(shop: Client, place: str) -> None:
    path = f"/{place}/{new(shop, amount='5', max_uses=1)['id']}"
    once = token(shop, path)
    assert once != token(shop, path)
    first, second = (press(shop, path, once=once) for _ in range(2))
    assert first.status_code == second.status_code == 303, second.text
    assert first.headers["location"] == second.headers["location"]
    assert press(shop, path).status_code == 409, "another payer finds it used up"
    assert invoices() == 1


def test_a_form_sent_twice_at_the_same_moment_makes_one_invoice(shop: Client) -> None:
    path = f"/l/{new(shop, amount='5', max_uses=1)['id']}"
    once = token(shop, path)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: press(shop, path, once=once), range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert invoices() == 1


def test_another_wish_on_the_same_form_is_another_invoice(shop: Client) -> None:
    path = f"/l/{new(shop)['id']}"
    once = token(shop, path)
    for amount in ("3", "4", "3"):
        assert press(shop, path, once=once, amount=amount).status_code == 303
    assert invoices() == 2
    other = f"/l/{new(shop)['id']}"
    assert press(shop, other, once=once, amount="3").status_code == 303
    assert invoices() == 3


def test_a_till_that_goes_back_to_its_form_sells_anew_once_something_came(shop: Client) -> None:
    path = f"/pos/{new(shop, amount='5')['id']}"
    once = token(shop, path)
    sale = press(shop, path, once=once).headers["location"]
    with db.transaction() as session:
        asking.pay(session, service.get(session, sale.rpartition("/")[2]), "5")
    assert press(shop, path, once=once).headers["location"] != sale
    assert invoices() == 2


def test_what_is_refused_claims_nothing(shop: Client) -> None:
    made = new(shop, amount="5", active=False)
    path = f"/l/{made['id']}"
    assert press(shop, path, once="a-token-of-mine").status_code == 409
    patch(shop, made, active=True)
    assert press(shop, path, once="a-token-of-mine").status_code == 303
    for odd in ("", "x" * 500, "\0", "é"):
        assert press(shop, path, once=odd).status_code == 303
    with db.transaction() as session:
        kept = session.scalars(
            text("select key from idempotency_key where principal like 'link_%'")
        )
        assert all("a-token-of-mine" not in key for key in kept)


def test_a_program_reads_what_a_link_offers_and_can_go_on(shop: Client) -> None:
    made = new(shop, title="Tea", min_amount="2", max_amount="50", expires_at=FUTURE)
    path = f"/l/{made['id']}"
    answer = shop.http.get(path, headers=JSON)
    assert answer.status_code == 200
    assert "Accept" in answer.headers["vary"]
    told = answer.json()
    facts = ("title", "merchant", "amount", "min_amount", "max_amount", "currency", "status")
    assert [told[name] for name in facts] == [
        "Tea", "falafel-corner", None, "2.00", "50.00", "USD", "active",
    ]  # fmt: skip
    assert (told["url"], told["max_quantity"]) == (made["url"], None)
    assert "metadata" not in told, "the merchant's notes are not a payer's to read"
    assert invoices() == 0
    paid = shop.http.post(path, json={"amount": "3"}, headers=JSON | {"prefer": "return=minimal"})
    assert paid.status_code == 402
    assert invoices() == 1
    gone = shop.http.get("/l/link_none", headers=JSON)
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    patch(shop, made, active=False)
    assert shop.http.get(path, headers=JSON).json()["status"] == "inactive"


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("application/json;q=0.9, text/html;q=0.5", True),
        ("text/html, application/json;q=0.5", False),
        ("text/html, application/json", False),
        ("application/json;q=0", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("", False),
    ],
)
def test_what_is_preferred_is_answered(shop: Client, accept: str, *, json: bool) -> None:
    path = f"/l/{new(shop, amount='5')['id']}"
    kind = "application/json" if json else "text/html; charset=utf-8"
    answer = shop.http.get(path, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    sale = press(shop, path).headers["location"]
    page = shop.http.get(sale, headers={"accept": accept})
    assert page.status_code == (402 if json else 200)
