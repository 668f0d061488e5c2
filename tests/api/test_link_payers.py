"""The pages of payment links over HTTP: what payers, programs and previews get."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.api.conftest import Client, Make
from tests.api.linked import JSON, PAST, PREVIEWERS, SCRIPT, invoices, new, open_shop, patch


@pytest.fixture
def shop(open_account: Make) -> Client:
    return open_shop(open_account)


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
        assert "<img src=x" not in answer.text
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
    assert "phone.svg?lang=ar" in page.text, "the page for the customer's phone"
    assert f'href="{path}?lang=ar"' in page.text
    invoice = sale.rpartition("/")[2].partition("?")[0]
    other = new(shop)
    assert shop.http.get(f"/pos/{other['id']}/{invoice}").status_code == 404
    assert shop.http.get(f"{path}/inv_x").status_code == 404
    assert shop.http.get("/pos/link_x").status_code == 404
    assert shop.http.post("/pos/link_x").status_code == 404


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
