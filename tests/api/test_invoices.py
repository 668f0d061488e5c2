"""Invoices, refunds and payment links over HTTP."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.invoices import service
from gateway.settings import settings
from tests import asking
from tests.api.conftest import Client, Make

NOBODY = "0x000000000000000000000000000000000000beef"


@pytest.fixture
def shop(open_account: Make) -> Client:
    with db.transaction() as session:
        asking.add_chain(session)
    client: Client = open_account("falafel-corner", kind="merchant")
    return client


@pytest.fixture
def rival(open_account: Make) -> Client:
    client: Client = open_account("rival", kind="merchant")
    return client


def opened(client: Client, **body: Any) -> Any:
    answer = client.post("/v1/invoices", {"amount": "12.50", "currency": "USD", **body})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def test_an_invoice_is_what_the_contract_says(shop: Client) -> None:
    made = opened(shop, order_id="1042", metadata={"table": "4"})
    assert made["id"].startswith("inv_")
    assert made["url"].endswith(f"/pay/{made['id']}")
    expected = {
        "status": "open",
        "paid_state": "none",
        "late": False,
        "amount": "12.50",
        "currency": "USD",
        "amount_paid": "0.00",
        "amount_due": "12.50",
        "order_id": "1042",
        "payments": [],
        "metadata": {"table": "4"},
    }
    assert {key: made[key] for key in expected} == expected
    first = made["payment_options"][0]
    assert (first["asset"], first["chain"], first["amount"]) == ("USDC", asking.CHAIN, "12.50")
    assert first["address"].startswith("0x")
    assert first["quote_expires_at"] == made["expires_at"]
    found = shop.get(f"/v1/invoices/{made['id']}").json()
    signed = {one["payload"]["address"] for one in found.pop("instructions")}
    assert signed == {option["address"] for option in made["payment_options"]}
    assert found == made


def test_a_chain_we_are_not_up_to_date_with_is_not_offered(shop: Client) -> None:
    def reading(age: str) -> None:
        with db.transaction() as session:
            asking.read_up_to_now(session, age=age)

    def places(answer: Any) -> set[tuple[bool, bool]]:
        return {(one["paused"], one["address"] is None) for one in answer["payment_options"]}

    before = opened(shop)
    reading("1 minute")
    made = opened(shop)
    page = f"/pay/{before['id']}"
    for answer in (made, shop.get(f"/v1/invoices/{before['id']}").json()):
        assert places(answer) == {(True, True)}
    assert places(shop.get(f"{page}/status").json()) == {(True, True)}
    assert before["payment_options"][0]["address"] not in shop.get(page).text
    assert shop.post(f"{page}/test", {}).status_code == 424
    reading("1 second")
    again = shop.get(f"/v1/invoices/{made['id']}").json()
    assert places(again) == places(shop.get(f"{page}/status").json()) == {(False, False)}


def test_readiness_and_metrics_tell_of_a_chain_that_is_late(shop: Client) -> None:
    with db.transaction() as session:
        asking.read_up_to_now(session, age="1 minute")
        session.execute(
            text(
                "update watch_cursor set number = 7, node_head = 12, endpoints = 3,"
                " endpoints_benched = 2"
            )
        )
    ready = shop.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"][asking.CHAIN].startswith("head is 6")
    told = shop.get("/metrics").text
    figures = {"head_stale": 1, "blocks_behind": 5, "endpoints": 3, "endpoints_benched": 2}
    for name, value in figures.items():
        assert f'mizan_{name}{{chain="{asking.CHAIN}"}} {value}.0\n' in told
    with db.transaction() as session:
        asking.read_up_to_now(session, age="1 second")
    assert shop.get("/readyz").json()["checks"][asking.CHAIN] == "ok"


def test_the_same_order_answers_200_and_another_409(shop: Client) -> None:
    body = {"amount": "12.50", "order_id": "7"}
    first, again = (shop.post("/v1/invoices", body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = shop.post("/v1/invoices", body | {"amount": "13"})
    assert (other.status_code, other.json()["code"]) == (409, "order_id_taken")


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "1e3"},
        {"amount": "1.234"},
        {"amount": 5},
        {"amount": "9" * 61},
        {"amount": "1" * 100},
        {"amount": "1", "currency": "EUR"},
        {"amount": "1", "currency": "US\x00D"},
        {"amount": "1", "expires_in": 4},
        {"amount": "1", "expires_in": 604_801},
        {"amount": "1", "assets": []},
        {"amount": "1", "assets": [{"asset": "DOGE", "chain": asking.CHAIN}]},
        {"amount": "1", "assets": [{"asset": "USDC", "chain": "eip155:9"}]},
        {"amount": "1", "currency": "ETH", "assets": [{"asset": "USDC", "chain": asking.CHAIN}]},
        {"amount": "1", "success_url": "javascript:alert(1)"},
        {"amount": "1", "success_url": "https://a@b.example/"},
        {"amount": "1", "success_url": "//shop.example"},
        {"amount": "1", "unknown": 1},
    ],
)
def test_what_cannot_be_is_refused(shop: Client, body: dict[str, Any]) -> None:
    answer = shop.post("/v1/invoices", body)
    assert answer.status_code == 422, answer.text


def test_a_price_no_asset_can_express_is_refused(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "ETH=0.0001")
    settings.cache_clear()
    answer = shop.post("/v1/invoices", {"amount": "9" * 60})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_amount")


def test_without_a_rate_it_is_424(shop: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "")
    settings.cache_clear()
    answer = shop.post("/v1/invoices", {"amount": "1"})
    assert (answer.status_code, answer.json()["code"]) == (424, "rate_unavailable")


def test_without_a_rate_the_same_order_is_still_its_invoice(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"amount": "12.50", "order_id": "7"}
    first = shop.post("/v1/invoices", body)
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "")
    settings.cache_clear()
    again = shop.post("/v1/invoices", body)
    assert (again.status_code, again.json()) == (200, first.json())
    other = shop.post("/v1/invoices", body | {"amount": "13"})
    assert (other.status_code, other.json()["code"]) == (409, "order_id_taken")


def test_another_merchants_invoice_is_not_there(shop: Client, rival: Client) -> None:
    made = opened(shop)
    assert rival.get(f"/v1/invoices/{made['id']}").status_code == 404
    assert rival.post(f"/v1/invoices/{made['id']}/void").status_code == 404
    refund = {"to_address": NOBODY}
    assert rival.post(f"/v1/invoices/{made['id']}/refunds", refund).status_code == 404
    assert rival.get("/v1/invoices").json()["data"] == []
    asked = rival.post("/v1/invoices", {"amount": "1", "account": shop.account_id})
    assert asked.status_code == 404


def test_an_operator_names_the_merchant(shop: Client, operator: Client) -> None:
    assert operator.post("/v1/invoices", {"amount": "1"}).status_code == 400
    made = opened(operator, account="@falafel-corner")
    assert made["account"] == shop.account_id
    assert operator.get("/v1/invoices", account=shop.account_id).json()["data"] == [made]


def test_lists_are_filtered_and_newest_first(shop: Client) -> None:
    made = [opened(shop, order_id=str(number)) for number in range(3)]
    shop.post(f"/v1/invoices/{made[0]['id']}/void")

    def ids(**query: Any) -> list[str]:
        return [row["id"] for row in shop.get("/v1/invoices", **query).json()["data"]]

    assert ids() == [row["id"] for row in reversed(made)]
    assert ids(status="void") == [made[0]["id"]]
    assert ids(order_id="1") == [made[1]["id"]]
    assert ids(asset="ETH", chain=asking.CHAIN, limit=1) == [made[2]["id"]]
    assert ids(asset="XYZ") == []
    assert ids(starting_after=made[1]["id"]) == [made[0]["id"]]
    assert shop.get("/v1/invoices", starting_after="inv_x").status_code == 422


def test_void_then_paid_is_409(shop: Client) -> None:
    made = opened(shop)
    assert shop.post(f"/v1/invoices/{made['id']}/void").json()["status"] == "void"
    paid = opened(shop)
    with db.transaction() as session:
        asking.pay(session, service.get(session, paid["id"]), "12.5")
    answer = shop.post(f"/v1/invoices/{paid['id']}/void")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


def test_a_refund_needs_a_key_and_an_address(shop: Client) -> None:
    path = f"/v1/invoices/{opened(shop)['id']}/refunds"
    bare = shop.http.post(path, json={}, headers=shop.headers())
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_required")
    lost = shop.post(path, {})
    assert (lost.status_code, lost.json()["code"]) == (422, "to_address_required")
    early = shop.post(path, {"to_address": NOBODY})
    assert (early.status_code, early.json()["code"]) == (422, "nothing_to_refund")
    assert shop.get(path).json() == {"data": [], "has_more": False}


def new_link(client: Client, **body: Any) -> Any:
    answer = client.post("/v1/payment_links", {"title": "Tea", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def invoices() -> int:
    with db.transaction() as session:
        return session.scalar(text("select count(*) from invoice")) or 0


def test_a_link_is_opened_for_nothing_and_paid_by_an_invoice(shop: Client) -> None:
    link = new_link(shop, amount="5", metadata={"secret": "margin 40%"})
    path = f"/l/{link['id']}"
    page = shop.http.get(path)
    assert page.status_code == 200
    assert "5.00" in page.text
    assert invoices() == 0
    sent = shop.http.post(path, follow_redirects=False)
    assert sent.status_code == 303
    paid = shop.http.get(sent.headers["location"])
    assert (invoices(), paid.status_code) == (1, 200)
    for answer in (page, paid, shop.http.get(f"{sent.headers['location']}/status")):
        assert "margin" not in answer.text
    assert shop.get(f"/v1/payment_links/{link['id']}").json()["uses"] == 1


def test_a_program_pays_a_link_with_json(shop: Client) -> None:
    link = new_link(shop)
    accept = {"accept": "application/json"}
    path = f"/l/{link['id']}"
    made = shop.http.post(path, json={"amount": "3.50"}, headers=accept)
    assert (made.status_code, made.json()["amount"]) == (201, "3.50")
    assert "metadata" not in made.json()
    for body, status in (({}, 400), ({"amount": "0"}, 422), ({"amount": 3}, 400), ([], 400)):
        answer = shop.http.post(path, json=body, headers=accept)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_payer_who_mistypes_is_told_so_in_their_language(shop: Client) -> None:
    link = new_link(shop)
    answer = shop.http.post(f"/l/{link['id']}?lang=ar", data={"amount": "<b>"})
    assert answer.status_code == 422
    assert 'dir="rtl"' in answer.text
    assert "<b>" not in answer.text
    assert 'id="wrong"' in answer.text


def test_a_link_is_switched_off_and_used_up(shop: Client, rival: Client) -> None:
    link = new_link(shop, amount="5", max_uses=1)
    path, page = f"/v1/payment_links/{link['id']}", f"/l/{link['id']}"
    assert shop.http.post(page, follow_redirects=False).status_code == 303
    assert shop.http.post(page, follow_redirects=False).status_code == 409
    assert (
        rival.http.patch(path, json={"active": False}, headers=rival.headers()).status_code == 404
    )
    off = shop.http.patch(path, json={"active": False}, headers=shop.headers())
    assert off.json()["active"] is False
    assert shop.get("/v1/payment_links", active=True).json()["data"] == []
    assert len(shop.get("/v1/payment_links", active=False).json()["data"]) == 1


def test_pages_of_nothing_are_kind_and_safe(http: TestClient, shop: Client) -> None:
    for path in ("/pay/inv_x", "/l/link_x", "/pay/%00"):
        answer = http.get(path)
        assert answer.status_code in (404, 422), path
    assert http.get("/pay/inv_x/status").json()["code"] == "not_found"
    assert http.get("/pay/inv_x/events").status_code == 404
    assert http.post("/pay/inv_x/test").status_code == 404
    assert http.post("/l/link_x").status_code == 404
    assert http.get("/checkout/../settings.py").status_code == 404


def test_the_page_lets_no_foreign_script_in(http: TestClient, shop: Client) -> None:
    answer = http.get(f"/pay/{opened(shop, title='<script>x</script>')['id']}")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "<script>x" not in answer.text
    assert " style=" not in answer.text
    assert not re.findall(r"""(src|href|action)=["']?(https?:)?//""", answer.text)


def test_there_is_no_test_payment_in_production(
    http: TestClient, shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = opened(shop)
    production = settings().model_copy(update={"environment": "production"})
    for module in ("gateway.checkout.trial", "gateway.checkout.view"):
        monkeypatch.setattr(f"{module}.settings", lambda: production)
    assert 'id="test-pay"' not in http.get(f"/pay/{made['id']}").text
    assert http.post(f"/pay/{made['id']}/test").status_code == 404


def test_without_a_node_a_test_payment_says_try_later(http: TestClient, shop: Client) -> None:
    answer = http.post(f"/pay/{opened(shop)['id']}/test", follow_redirects=False)
    assert answer.status_code == 424
    assert 'data-state="try_later"' in answer.text


def test_the_first_option_is_shown_unless_another_is_chosen(http: TestClient, shop: Client) -> None:
    made = opened(shop)
    first, second = made["payment_options"]
    page = http.get(f"/pay/{made['id']}").text
    assert f">{first['address']}<" in page
    assert f">{first['amount']}<" in page
    chosen = http.get(f"/pay/{made['id']}", params={"option": "ETH"}).text
    assert f">{second['amount']}<" in chosen
    assert http.get(f"/pay/{made['id']}", params={"option": "x"}).status_code == 200
    shown = http.get(f"/pay/{made['id']}/status").json()
    assert shown["payment_options"][0]["address"] == first["address"]
    assert (shown["screen"], shown["merchant"]) == ("open", "falafel-corner")
