"""What clients type stays text: in the statement, on the merchant's pages, in every CSV."""

import csv
import io

import pytest
from fastapi.testclient import TestClient

from gateway import db
from gateway.accounts import service as accounts
from gateway.scopes import ACCOUNT_SCOPES
from gateway.shop.export import FORMULA_STARTS
from gateway.shop.listings import LISTINGS
from tests.api.conftest import Client, Make
from tests.api.page_world import CSV, EVIL, RUNNING, Pages, build, check

FORMULAS = ("=HYPERLINK(0)", "+1+cmd", "-1+cmd", "@SUM(A1)", "\tx", "\rx")


@pytest.fixture
def pages(http: TestClient) -> Pages:
    return build(http)


def key_of(account: str) -> str:
    with db.transaction() as session:
        return accounts.issue_key(session, account_id=account, name="own", scopes=ACCOUNT_SCOPES)[1]


def dangerous(cell: str) -> bool:
    """True if a spreadsheet would run a cell; a negative amount is none."""
    amount = cell.removeprefix("-").replace(".", "", 1).isdigit()
    return cell.startswith(FORMULA_STARTS) and not amount


@pytest.mark.parametrize("memo", [EVIL, *FORMULAS])
def test_a_memo_is_kept_as_it_is_and_shown_as_text(
    pages: Pages, open_account: Make, memo: str
) -> None:
    other: Client = open_account("amira")
    shop = Client(pages.http, key_of(pages.account), pages.account)
    body = {"from": "@falafel-corner", "to": "@amira", "asset": "USDC", "amount": "1", "memo": memo}
    made = shop.post("/v1/transfers", body)
    assert made.status_code == 201, made.text
    told = other.get(f"/v1/transfers/{made.json()['id']}")
    assert told.json()["memo"] == memo
    assert told.headers["content-type"] == "application/json"
    for client in (shop, other):
        lines = client.get(f"/v1/accounts/{client.account_id}/entries")
        assert made.json()["id"] in {line["caused_by"] for line in lines.json()["data"]}
        assert memo not in {str(value) for line in lines.json()["data"] for value in line.values()}
        found = client.get("/v1/reports/settlement", format="csv")
        assert found.status_code == 200, found.text
        cells = [cell for row in csv.reader(io.StringIO(found.text)) for cell in row]
        assert not [cell for cell in cells if dangerous(cell)]
    for name in LISTINGS:
        check(pages.shop.get(f"/shop/{name}"))


@pytest.mark.parametrize("handle", [EVIL[:32], "=1+1", "+a", "-a", "@@a", '"onerror=', "a<b", "ａ"])
def test_no_handle_can_be_markup_or_a_formula(operator: Client, handle: str) -> None:
    made = operator.post("/v1/accounts", {"handle": handle, "kind": "person"})
    assert made.status_code == 422, made.text
    assert made.headers["content-type"] == "application/problem+json"


def test_titles_and_orders_are_text_on_every_page_and_in_every_csv(pages: Pages) -> None:
    shop = Client(pages.http, key_of(pages.account), pages.account)
    for number, text in enumerate(FORMULAS):
        order = {"title": text, "order_id": f"{text}{number}", "metadata": {text: text}}
        for path, body in (
            ("/v1/payment_links", {"title": text, "metadata": {text: text}}),
            ("/v1/invoices", {"amount": "2", "currency": "USD", **order}),
        ):
            made = shop.post(path, body)
            assert made.status_code == 201, made.text
    seen = set()
    for name in LISTINGS:
        html = pages.shop.get(f"/shop/{name}")
        check(html)
        found = pages.shop.get(f"/shop/{name}.csv")
        check(found)
        if found.headers["content-type"] != CSV:
            continue
        assert found.headers["content-disposition"].startswith("attachment")
        assert found.headers["x-content-type-options"] == "nosniff"
        cells = [cell for row in csv.reader(io.StringIO(found.text, newline="")) for cell in row]
        assert not [cell for cell in cells if dangerous(cell)], name
        seen |= set(cells)
    assert {f"'{text}" for text in FORMULAS} <= seen
    assert EVIL in seen, "what is no formula stays as it was typed"


def test_every_page_of_a_payer_shows_the_title_as_text(pages: Pages) -> None:
    paths = (
        *(f"/pay/{pages.open}", f"/pay/{pages.paid}", f"/pay/{pages.paid}/receipt"),
        *(f"/l/{pages.link}", f"/pos/{pages.link}", f"/refund/{pages.token}"),
    )
    for path in paths:
        answer = pages.http.get(path, headers={"accept": "text/html"})
        check(answer)
        assert answer.status_code == 200, path
        if not path.startswith("/pos"):
            assert "&lt;script&gt;x&lt;/script&gt;" in answer.text, path
        assert not [mark for mark in RUNNING if mark in answer.text.lower()]
