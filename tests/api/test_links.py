"""Payment links over HTTP: what a merchant sets, and takes along to its own page and paper."""

import re
from typing import Any

import pytest

from tests import asking
from tests.api.conftest import Client, Make
from tests.api.linked import FUTURE, new, open_shop, patch


@pytest.fixture
def shop(open_account: Make) -> Client:
    return open_shop(open_account)


@pytest.fixture
def rival(open_account: Make) -> Client:
    client: Client = open_account("rival", kind="merchant")
    return client


def test_a_link_is_what_was_asked_for(shop: Client) -> None:
    body = {
        "min_amount": "2",
        "max_amount": "50.00",
        "suggested_amounts": ["5", "10", "20"],
        "max_uses": 9,
        "expires_at": FUTURE,
        "invoice_expires_in": 900,
        "inactive_message": "Back on Sunday.",
        "metadata": {"table": "4"},
        "assets": [{"asset": "USDC", "chain": asking.CHAIN}],
    }
    made = new(shop, **body)
    wanted = body | {
        "min_amount": "2.00",
        "suggested_amounts": ["5.00", "10.00", "20.00"],
        "amount": None,
        "max_quantity": None,
        "status": "active",
        "active": True,
        "uses": 0,
        "paid": 0,
        "amount_credited": "0.00",
        "currency": "USD",
    }
    assert {key: made[key] for key in wanted} == wanted
    assert made["url"].endswith(f"/l/{made['id']}")
    assert made["pos_url"].endswith(f"/pos/{made['id']}")
    assert shop.get(f"/v1/payment_links/{made['id']}").json() == made
    assert shop.get("/v1/payment_links").json()["data"] == [made]


def test_all_but_account_and_currency_changes_and_the_rest_stays(shop: Client) -> None:
    made = new(shop, min_amount="2", max_uses=3, metadata={"a": "b"})
    steps: list[dict[str, Any]] = [
        {"title": "Coffee"},
        {"max_amount": "9.00", "suggested_amounts": ["4.00"]},
        {"max_uses": None, "expires_at": FUTURE, "inactive_message": "Closed"},
        {"min_amount": None, "max_amount": None, "suggested_amounts": []},
        {"amount": "4.00", "max_quantity": 6, "invoice_expires_in": 60},
        {"success_url": "https://shop.example/ok", "metadata": {"c": "d"}},
        {"assets": [{"asset": "ETH", "chain": asking.CHAIN}]},
        {"assets": None, "expires_at": None},
        {"active": False},
    ]
    for step in steps:
        answer = patch(shop, made, **step)
        assert answer.status_code == 200, answer.text
        made |= step | ({"status": "inactive"} if "active" in step else {})
        assert answer.json() == made
    assert patch(shop, made).json() == made
    for nothing in ("title", "active", "metadata"):
        assert patch(shop, made, **{nothing: None}).status_code == 422
    assert shop.get(f"/v1/payment_links/{made['id']}").json() == made


NONSENSE: list[tuple[dict[str, Any], str, str | None]] = [
    ({"amount": "5", "min_amount": "1"}, "link_contradiction", "min_amount"),
    ({"amount": "5", "suggested_amounts": ["5"]}, "link_contradiction", "suggested_amounts"),
    ({"min_amount": "5", "max_amount": "4"}, "link_contradiction", "min_amount"),
    ({"max_quantity": 3}, "link_contradiction", "max_quantity"),
    ({"min_amount": "1.234"}, "invalid_amount", None),
    ({"suggested_amounts": ["0"]}, "invalid_amount", None),
    ({"suggested_amounts": ["1"] * 7}, "invalid_request", "suggested_amounts"),
    ({"amount": "5", "max_quantity": 1}, "invalid_request", "max_quantity"),
    ({"amount": "5", "max_quantity": 10_001}, "invalid_request", "max_quantity"),
    ({"amount": "5", "max_quantity": True}, "invalid_request", "max_quantity"),
    ({"expires_at": "tomorrow"}, "invalid_request", "expires_at"),
    ({"expires_at": 1_900_000_000}, "invalid_request", "expires_at"),
    ({"expires_at": "2099-01-01T00:00:00"}, "invalid_request", "expires_at"),
    ({"invoice_expires_in": 4}, "invalid_request", "invoice_expires_in"),
    ({"inactive_message": "a\0b"}, "invalid_request", "inactive_message"),
    ({"inactive_message": "x" * 501}, "invalid_request", "inactive_message"),
    ({"title": ""}, "invalid_request", "title"),
    ({"order_id": "1"}, "invalid_request", "order_id"),
]


def test_what_makes_no_sense_is_refused_when_made_and_when_changed(shop: Client) -> None:
    made = new(shop)
    for body, code, field in NONSENSE:
        answer = shop.post("/v1/payment_links", {"title": "Tea", **body})
        for refusal in (answer, patch(shop, made, **body)):
            assert refusal.status_code == 422, (body, refusal.text)
            assert refusal.json()["code"] == code, (body, refusal.text)
            if field:
                named = [error["field"].partition(".")[0] for error in refusal.json()["errors"]]
                assert named[:1] == [field], (body, refusal.text)
    assert shop.get(f"/v1/payment_links/{made['id']}").json() == made


def test_another_merchants_link_is_not_there(shop: Client, rival: Client) -> None:
    made = new(shop)
    path = f"/v1/payment_links/{made['id']}"
    for tail in ("", "/button", "/qr"):
        assert rival.get(path + tail).status_code == 404
        assert rival.http.get(path + tail).status_code == 401
    assert patch(rival, made, title="Mine").status_code == 404
    assert shop.get(path).json()["title"] == "Tea"


def test_a_button_is_html_without_script_and_pays(shop: Client) -> None:
    fixed, free = new(shop, amount="5"), new(shop, suggested_amounts=["7"])
    pieces = new(shop, amount="5", max_quantity=3)
    for link, kind, lang, text_ in (
        (fixed, "link", "en", "Pay 5.00 USD to @falafel-corner"),
        (fixed, "form", "ar", "ادفع 5.00 USD إلى @falafel-corner"),
        (free, "link", "ar", "ادفع إلى @falafel-corner"),
        (pieces, "form", "en", "Pay @falafel-corner"),
    ):
        path = f"/v1/payment_links/{link['id']}/button"
        answer = shop.get(path, kind=kind, lang=lang)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert f">{text_}</" in answer.text
        assert f"{link['url']}?lang={lang}" in answer.text
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        assert ('dir="rtl"' in answer.text) == (lang == "ar")
    html = shop.get(f"/v1/payment_links/{free['id']}/button", kind="form").text
    fields = dict(re.findall(r'name="(\w+)".*?value="([^"]*)"', html))
    assert fields == {"amount": "7.00"}
    action = re.search(r'action="([^"]+)"', html)[1]  # type: ignore[index]
    sent = shop.http.post(action, data=fields, follow_redirects=False)
    assert sent.status_code == 303
    assert shop.get(path, kind="script").status_code == 422


def test_a_qr_code_is_the_links_own_address(shop: Client) -> None:
    made = new(shop, amount="5")
    path = f"/v1/payment_links/{made['id']}/qr"
    svg, png = shop.get(path), shop.get(path, format="png", scale=4)
    assert svg.headers["content-type"] == "image/svg+xml"
    assert svg.text.lstrip().startswith("<?xml")
    assert png.headers["content-type"] == "image/png"
    assert png.content.startswith(b"\x89PNG")
    assert shop.get(path, pos=True).text != svg.text
    for wrong in ({"format": "gif"}, {"scale": 0}, {"scale": 41}):
        assert shop.get(path, **wrong).status_code == 422
