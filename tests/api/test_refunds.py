"""Refunds over HTTP, and the page on which a payer says where one goes."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from gateway import db
from gateway.accounts.store import Account
from tests import asking
from tests.api.conftest import Client, Make
from tests.flow import outgoing
from tests.flow.books import USDC, fund

SOMEBODY = "0x000000000000000000000000000000000000bEEF"
MIXED = "0x5FbDB2315678afecb367f032d93F642f64180aa4"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def shop(open_account: Make) -> Client:
    with db.transaction() as session:
        outgoing.chain_rows(session)
    client: Client = open_account("falafel-corner", kind="merchant")
    with db.transaction() as session:
        fund(session, str(client.account_id), 300 * 10**6, asset=USDC, key="u")
    return client


def paid(shop: Client, amount: str = "13", title: str = "Tea & cake") -> str:
    """Return the id of an invoice of 10 USD that was paid."""
    with db.transaction() as session:
        account = session.get_one(Account, shop.account_id)
        facts = asking.asked(session, account, "10", title=title)
        asking.pay(session, facts, amount, deposit=f"dep_{facts.invoice.id}")
        return facts.invoice.id


def promised(shop: Client, **body: Any) -> tuple[Any, str]:
    """Promise a refund to the payer; returns it, and the path of the page."""
    made = shop.post(f"/v1/invoices/{paid(shop)}/refunds", {"to": "payer", **body})
    assert made.status_code == 201, made.text
    found = made.json()
    return found, found["page_url"].partition("://")[2].partition("/")[2].join(("/", ""))


def withdrawn() -> int:
    with db.transaction() as session:
        return session.scalar(text("select count(*) from withdrawal")) or 0


def state(page: Any) -> str:
    """Return which screen a page shows."""
    found = re.search(r'id="refund" data-state="(\w+)"', page.text)
    assert found is not None, page.text
    return found[1]


def send(http: TestClient, path: str, **form: str) -> Any:
    return http.post(path, data=form, follow_redirects=False)


def test_a_refund_is_shown_and_found(shop: Client) -> None:
    invoice = paid(shop)
    made = shop.post(
        f"/v1/invoices/{invoice}/refunds", {"kind": "overpaid", "to_address": SOMEBODY}
    ).json()
    expected = {
        "invoice": invoice,
        "status": "pending",
        "kind": "overpaid",
        "amount": "3.00",
        "currency_amount": "3.00",
        "rate_kind": "quote",
        "rate": "1",
        "to_address": "0x000000000000000000000000000000000000bEEF",
        "page_url": None,
        "expires_at": None,
        "refusal": None,
    }
    assert {name: made[name] for name in expected} == expected
    assert shop.get(f"/v1/refunds/{made['id']}").json() == made
    assert shop.get("/v1/refunds", status="pending").json()["data"] == [made]
    assert shop.get("/v1/refunds", status="expired").json()["data"] == []
    assert shop.get(f"/v1/invoices/{invoice}/refunds").json()["data"] == [made]


def test_the_place_is_named_by_one_of_the_two(shop: Client) -> None:
    path = f"/v1/invoices/{paid(shop)}/refunds"
    for body in ({}, {"to": "payer", "to_address": SOMEBODY}):
        refused = shop.post(path, body)
        assert (refused.status_code, refused.json()["code"]) == (422, "to_address_required")
    assert shop.post(path, {"to": "payer", "expires_in": 59}).status_code == 422
    assert shop.post(path, {"to": "sender"}).status_code == 422


def test_another_merchants_refund_is_not_there(shop: Client, open_account: Make) -> None:
    made, _ = promised(shop)
    rival: Client = open_account("rival", kind="merchant")
    for answer in (
        rival.get(f"/v1/refunds/{made['id']}"),
        rival.post(f"/v1/refunds/{made['id']}/cancel"),
        rival.post(f"/v1/refunds/{made['id']}/page", {}),
    ):
        assert answer.status_code == 404
    assert rival.get("/v1/refunds").json()["data"] == []


def test_the_pages_address_is_told_once(shop: Client) -> None:
    path = f"/v1/invoices/{paid(shop)}/refunds"
    first, again = (shop.post(path, {"to": "payer"}, key="k").json() for _ in range(2))
    assert first["page_url"].startswith("http")
    assert again == first | {"page_url": None}
    assert shop.get(f"/v1/refunds/{first['id']}").json()["page_url"] is None
    fresh = shop.post(f"/v1/refunds/{first['id']}/page", {"expires_in": 7_200}).json()["page_url"]
    assert fresh.startswith("http")
    assert fresh != first["page_url"]
    assert shop.http.get(first["page_url"]).status_code == 404
    assert state(shop.http.get(fresh)) == "ask"


def test_only_the_confirmation_sends_money(shop: Client) -> None:
    made, path = promised(shop)
    for _ in range(3):
        page = shop.http.get(path)
        assert (page.status_code, state(page)) == (200, "ask")
    assert shop.http.head(path).status_code in (200, 405)
    review = send(shop.http, path, address=f"  {SOMEBODY.lower()} ")
    assert (review.status_code, state(review), withdrawn()) == (200, "review", 0)
    assert f">{SOMEBODY}</code>" in review.text
    sent = send(shop.http, path, address=SOMEBODY, confirmed="yes")
    assert (sent.status_code, sent.headers["location"], withdrawn()) == (303, path, 1)
    again = send(shop.http, path, address=MIXED.lower(), confirmed="yes")
    assert (again.status_code, withdrawn()) == (303, 1)
    page = shop.http.get(path)
    assert state(page) == "sending"
    assert SOMEBODY in page.text
    found = shop.get(f"/v1/refunds/{made['id']}").json()
    assert (found["status"], found["to_address"]) == ("pending", SOMEBODY)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("", "not a complete address"),
        ("vitalik.eth", "not a complete address"),
        (SOMEBODY[:-1], "not a complete address"),
        (SOMEBODY.replace("bEEF", "BEEF"), "typing mistake"),
        ("0x" + outgoing.VAULT.hex(), "belongs to the payment system"),
        ("0x" + "0" * 40, "belongs to the payment system"),
    ],
)
def test_a_wrong_address_is_told_in_plain_words(shop: Client, typed: str, word: str) -> None:
    _, path = promised(shop)
    for form in ({"address": typed}, {"address": typed, "confirmed": "yes"}):
        page = send(shop.http, f"{path}?lang=en", **form)
        assert (page.status_code, state(page), withdrawn()) == (422, "ask", 0)
        assert word in page.text
        assert 'aria-invalid="true"' in page.text


def test_what_the_merchant_lacks_is_no_secret_of_the_page(shop: Client) -> None:
    _, path = promised(shop)
    with db.transaction() as session:
        session.execute(text("update account set status = 'frozen'"))
        from gateway.accounts import service as accounts

        accounts.freeze(session, str(shop.account_id))
    page = send(shop.http, path, address=SOMEBODY, confirmed="yes")
    assert (page.status_code, state(page)) == (422, "ask")
    assert "right now" in page.text
    assert "frozen" not in page.text
    assert SOMEBODY in page.text


def test_the_pages_end_with_the_refund(shop: Client) -> None:
    made, path = promised(shop)
    shop.post(f"/v1/refunds/{made['id']}/cancel")
    assert state(shop.http.get(path)) == "cancelled"
    late, other = promised(shop)
    with db.transaction() as session:
        session.execute(
            text("update refund set expires_at = now() - interval '1 hour' where id = :id"),
            {"id": late["id"]},
        )
    gone = shop.http.get(other)
    assert (gone.status_code, state(gone)) == (410, "expired")
    answer = send(shop.http, other, address=SOMEBODY, confirmed="yes")
    assert (answer.status_code, withdrawn()) == (303, 0)
    assert shop.http.get("/refund/nothing").status_code == 404
    assert send(shop.http, "/refund/nothing", address=SOMEBODY).status_code == 404


def test_a_page_speaks_arabic_and_lets_no_script_in(shop: Client) -> None:
    body = {"to": "payer"}
    made = shop.post(f"/v1/invoices/{paid(shop, title=SCRIPT)}/refunds", body).json()
    for language, direction in (("ar", "rtl"), ("en", "ltr")):
        path = f"{made['page_url']}?lang={language}"
        for page in (shop.http.get(path), send(shop.http, path, address=f'"{SCRIPT}')):
            assert f'<html lang="{language}" dir="{direction}">' in page.text
            assert SCRIPT not in page.text
            assert "&lt;script&gt;" in page.text
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["referrer-policy"] == "no-referrer"


def test_no_form_makes_the_page_fall(shop: Client) -> None:
    made, path = promised(shop)
    texts = st.text(max_size=80) | st.sampled_from([SOMEBODY, "\x00", "0x" + "٠" * 40])
    names = st.sampled_from(["address", "confirmed", "amount", "token"])

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(names, texts))
    def fuzz(form: dict[str, str]) -> None:
        form.pop("confirmed", None) if form.get("confirmed") == "yes" else None
        page = send(shop.http, path, **form)
        assert page.status_code in (200, 422), page.text

    fuzz()
    for content in (b"\xff\xfe", b"a=" * 500, b"address=%00%ff", b"{"):
        for kind in ("application/x-www-form-urlencoded", "application/json", "a"):
            answer = shop.http.post(path, content=content, headers={"content-type": kind})
            assert answer.status_code == 422, answer.text
    for query in ("lang=%00", "lang=" + "a" * 900):
        assert shop.http.get(f"{path}?{query}").status_code < 500
    for token in ("%00", "a" * 5_000, "é", "..", "%ff"):
        assert shop.http.get(f"/refund/{token}").status_code in (404, 422)
    assert (withdrawn(), shop.get(f"/v1/refunds/{made['id']}").json()["status"]) == (
        0,
        "awaiting_address",
    )
