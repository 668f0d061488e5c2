"""Payment links over HTTP: what a merchant sets, what payers and programs get."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from gateway import db
from tests import asking
from tests.api.conftest import Client, Make

PAST, FUTURE = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
JSON = {"accept": "application/json"}
SCRIPT = "<script>alert(1)</script>"
PREVIEWERS = ("facebookexternalhit/1.1", "WhatsApp/2.23", "TelegramBot (like TwitterBot)")


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


def new(client: Client, **body: Any) -> Any:
    answer = client.post("/v1/payment_links", {"title": "Tea", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def patch(client: Client, link: Any, **body: Any) -> Any:
    path = f"/v1/payment_links/{link['id']}"
    return client.http.patch(path, json=body, headers=client.headers())


def invoices() -> int:
    with db.transaction() as session:
        return session.scalar(text("select count(*) from invoice")) or 0


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


def test_looking_at_a_link_creates_nothing_and_spends_no_use(shop: Client) -> None:
    made = new(shop, amount="5", max_uses=1)
    page = f"/l/{made['id']}"
    for agent in PREVIEWERS:
        for method in ("GET", "HEAD"):
            answer = shop.http.request(method, page, headers={"user-agent": agent})
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
    for path in (f"/pos/{made['id']}", f"/pos/{made['id']}?amount=1&key=5"):
        assert shop.http.get(path).status_code == 200
    assert invoices() == 0
    assert shop.get(f"/v1/payment_links/{made['id']}").json()["uses"] == 0
    assert shop.http.post(page, follow_redirects=False).status_code == 303
    assert invoices() == 1


def test_a_preview_tells_what_the_link_is(shop: Client) -> None:
    made = new(shop, title='Tea & "cake"', amount="5")
    html = shop.http.get(f"/l/{made['id']}").text
    tags = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', html))
    assert tags["title"] == "Pay @falafel-corner"
    assert tags["url"] == made["url"]
    assert "5.00 USD for Tea &amp; &#34;cake&#34;" in tags["description"]
    arabic = shop.http.get(f"/l/{made['id']}", headers={"accept-language": "ar"}).text
    assert 'property="og:locale" content="ar"' in arabic
    patch(shop, made, active=False)
    assert "takes no payments now" in shop.http.get(f"/l/{made['id']}").text


def test_a_payer_is_told_how_to_mend_it(shop: Client) -> None:
    bounded = new(shop, min_amount="2", max_amount="50")
    pieces = new(shop, amount="5", max_quantity=4)
    for link, form, told in (
        (bounded, {"amount": "1"}, "From"),
        (bounded, {"amount": "51"}, "50.00"),
        (bounded, {"amount": "tea"}, "such as 12.50"),
        (bounded, {}, "such as 12.50"),
        (pieces, {"quantity": "5"}, "from 1 to"),
        (pieces, {"quantity": "0"}, "from 1 to"),
        (pieces, {"quantity": "two"}, "from 1 to"),
        (pieces, {"quantity": "9" * 5_000}, "from 1 to"),
    ):
        for page in ("l", "pos"):
            answer = shop.http.post(f"/{page}/{link['id']}", data=form)
            assert answer.status_code in (400, 422), (form, answer.text)
            wrong = re.search(r'id="wrong" role="alert">(.*?)</p>', answer.text, re.DOTALL)
            assert wrong, (page, form)
            assert told in wrong[1]
    assert invoices() == 0


def test_what_a_payer_types_in_arabic_is_understood(shop: Client) -> None:
    made = new(shop)
    answer = shop.http.post(f"/l/{made['id']}", data={"amount": "٣٫٥٠"}, follow_redirects=False)
    assert answer.status_code == 303
    status = shop.http.get(f"{answer.headers['location']}/status").json()
    assert status["amount"] == "3.50"
    pieces = new(shop, amount="2", max_quantity=9)
    answer = shop.http.post(f"/l/{pieces['id']}", data={"quantity": "٣"}, follow_redirects=False)
    status = shop.http.get(f"{answer.headers['location']}/status").json()
    assert (status["amount"], status["title"]) == ("6.00", "Tea × 3")


def test_a_program_pays_with_json_and_is_refused_by_code(shop: Client) -> None:
    pieces = new(shop, amount="5", max_quantity=4)
    path = f"/l/{pieces['id']}"
    made = shop.http.post(path, json={"quantity": 4}, headers=JSON)
    assert (made.status_code, made.json()["amount"], made.json()["quantity"]) == (201, "20.00", 4)
    bounded = f"/l/{new(shop, min_amount='2')['id']}"
    for where, body, status, code in (
        (path, '{"quantity": 5}', 422, "quantity_refused"),
        (path, '{"quantity": -1}', 422, "quantity_refused"),
        (path, '{"quantity": ' + "9" * 4_000 + "}", 422, "quantity_refused"),
        (path, '{"quantity": "2"}', 400, "bad_request"),
        (path, '{"quantity": 1.5}', 400, "bad_request"),
        (path, '{"quantity": true}', 400, "bad_request"),
        (bounded, '{"amount": "1.99"}', 422, "amount_too_small"),
        (bounded, '{"amount": "9", "quantity": 2}', 422, "quantity_refused"),
        (bounded, "{}", 400, "amount_required"),
    ):
        headers = JSON | {"content-type": "application/json"}
        answer = shop.http.post(where, content=body, headers=headers)
        told = answer.status_code, answer.json()["code"]
        assert told == (status, code), (body, answer.text)


CLOSING: list[tuple[dict[str, Any], str, str, str]] = [
    ({"active": False}, "inactive", "link_inactive", "takes no payments now"),
    ({"expires_at": PAST}, "expired", "link_expired", "has expired"),
    ({"max_uses": 1}, "used_up", "link_used_up", "has been used up"),
]


def test_a_closed_link_says_why_in_the_merchants_words(shop: Client) -> None:
    for change, status, code, head in CLOSING:
        made = new(shop, amount="5")
        page = f"/l/{made['id']}"
        assert shop.http.post(page, headers=JSON).status_code == 201
        assert patch(shop, made, **change).json()["status"] == status
        for path in (page, f"/pos/{made['id']}"):
            shown = shop.http.get(path)
            assert shown.status_code == 200
            assert head in shown.text
            assert "<form" not in shown.text
            assert shop.http.post(path).status_code == 409
        answer = shop.http.post(page, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
        patch(shop, made, inactive_message=f"Back on Sunday {SCRIPT}")
        shown = shop.http.get(page)
        assert "Back on Sunday" in shown.text
        assert SCRIPT not in shown.text


def test_no_text_of_a_merchant_becomes_markup(shop: Client) -> None:
    evil = f'"><img src=x onerror=alert(1)>{SCRIPT}'
    made = new(shop, title=evil, suggested_amounts=["5"])
    paths = [f"/l/{made['id']}", f"/pos/{made['id']}"]
    sent = shop.http.post(paths[1], data={"amount": "5"}, follow_redirects=False)
    for path in (*paths, sent.headers["location"], f"{paths[1]}?amount={evil}&key=1"):
        answer = shop.http.get(path)
        assert answer.status_code in (200, 422), path
        assert SCRIPT not in answer.text
        assert "<img" not in answer.text
        assert " style=" not in answer.text
        assert "unsafe" not in answer.headers.get("content-security-policy", "")
    for kind in ("link", "form"):
        answer = shop.get(f"/v1/payment_links/{made['id']}/button", kind=kind)
        assert "<img" not in answer.text
        assert SCRIPT not in answer.text


def test_the_till_works_key_by_key_without_a_script(shop: Client) -> None:
    made = new(shop)
    path, typed = f"/pos/{made['id']}", ""
    for key in ("1", "2", ".", "5", "0", "9", "back", "5"):
        html = shop.http.get(path, params={"amount": typed, "key": key, "lang": "ar"}).text
        typed = re.search(r'name="amount"[^>]* value="([^"]*)"', html)[1]  # type: ignore[index]
    assert typed == "12.55"
    assert 'name="lang" value="ar"' in html
    assert invoices() == 0
    sent = shop.http.post(f"{path}?lang=ar", data={"amount": typed}, follow_redirects=False)
    assert sent.status_code == 303
    sale = sent.headers["location"]
    assert re.fullmatch(rf"/pos/{made['id']}/inv_\w+\?lang=ar", sale)
    page = shop.http.get(sale)
    assert "12.55" in page.text
    assert page.text.count("<svg") >= 2, "the address, and the page for the customer's phone"
    assert f'href="{path}?lang=ar"' in page.text
    invoice = sale.rpartition("/")[2].partition("?")[0]
    other = new(shop)
    assert shop.http.get(f"/pos/{other['id']}/{invoice}").status_code == 404
    assert shop.http.get(f"{path}/inv_x").status_code == 404
    assert shop.http.get("/pos/link_x").status_code == 404
    assert shop.http.post("/pos/link_x").status_code == 404


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


def test_two_hundred_payers_at_once_by_http(shop: Client) -> None:
    made = new(shop, amount="5", max_uses=5)

    def pay(_: int) -> httpx2.Response:
        answer: httpx2.Response = shop.http.post(f"/l/{made['id']}", headers=JSON)
        return answer

    with ThreadPoolExecutor(32) as pool:
        answers = [answer.status_code for answer in pool.map(pay, range(200))]
    assert {status: answers.count(status) for status in set(answers)} == {201: 5, 409: 195}
    assert invoices() == 5


def test_no_form_and_no_key_makes_a_page_fall(shop: Client) -> None:
    links = [new(shop)["id"], new(shop, amount="5", max_quantity=3)["id"], "%00"]
    forms = ("", "amount", "amount=%00", "amount=%ff", "quantity=%00", "&" * 5_000, "amount=1" * 99)
    bodies = [one.encode() for one in forms] + [b"\xff\xfe", b"{", b"[]", b'{"amount":' + b"[" * 9]
    kinds = ("application/x-www-form-urlencoded", "application/json")
    for link in links:
        for page in ("l", "pos"):
            for body in bodies:
                for kind in kinds:
                    headers = {"content-type": kind}
                    answer = shop.http.post(f"/{page}/{link}", content=body, headers=headers)
                    assert answer.status_code < 500, (page, link, body, kind, answer.text)
                    assert "Traceback" not in answer.text
        for typed in ("%00", "%ff", "1" * 61, "٣", "1e9", "-1", "<b>"):
            for key in ("", "7", "back", "%00", "x" * 11):
                answer = shop.http.get(f"/pos/{link}?amount={typed}&key={key}")
                assert answer.status_code < 500, (link, typed, key, answer.text)
                assert "<b>" not in answer.text
