"""The merchant's console in a browser: every page and list, for whom, and live."""

import csv
import io
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from gateway import db
from gateway.accounts import service as accounts
from gateway.invoices import service as invoices
from gateway.scopes import OPERATOR_SCOPES
from tests import asking
from tests.page.shop_visits import Form, Visit, submit
from tests.page.shop_world import EVIL, Shop, key_of

PAGES = (
    "",
    "/invoices",
    "/links",
    "/payments",
    "/refunds",
    "/payouts",
    "/webhooks",
    "/settlement",
    "/invoices/{paid}",
    "/invoices/{open}",
    "/webhooks/{endpoint}",
    "/deliveries/{delivery}",
    "/new/link",
    "/new/refund?of={paid}",
    "/new/payout",
    "/new/schedule",
    "/new/address",
    "/new/endpoint",
    "/new/terms",
    "/new/replay?of={endpoint}",
    "/nothing",
)


def path_of(path: str, made: Shop) -> str:
    return f"/shop{path}".format(
        paid=made.paid, open=made.open, endpoint=made.endpoint, delivery=made.delivery
    )


def rows(answer: Any) -> list[dict[str, str]]:
    assert answer.status == 200, answer.text()
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text())))


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_everybody_can_read_every_page(shop: Shop, visit: Visit, language: str, theme: str) -> None:
    page = visit(
        shop.key, locale=language, color_scheme=theme, java_script_enabled=True, bypass_csp=True
    )
    page.set_viewport_size({"width": 360, "height": 740})
    for path in PAGES:
        page.goto(path_of(path, shop))
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        found = Axe().run(page).response["violations"]
        assert not found, (path, [(one["id"], one["nodes"][0]["html"]) for one in found])
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} scrolls sideways by {wide}"


def test_every_list_shows_its_rows_and_exports_them(shop: Shop, visit: Visit) -> None:
    page = visit(shop.key)
    expect(page.locator("#tab-balances")).to_have_attribute("aria-current", "page")
    expected = {
        "balances": ("asset", "USDC"),
        "invoices": ("id", shop.paid),
        "payments": ("invoice", shop.paid),
        "refunds": ("id", shop.refund),
        "payouts": ("id", shop.payout),
        "webhooks": ("id", shop.endpoint),
        "settlement": ("account", shop.account),
        "links": ("title", ""),
    }
    for name, (column, value) in expected.items():
        page.goto(f"/shop/{name}")
        found = rows(page.request.get(f"/shop/{name}.csv")) if name != "links" else []
        assert all(column in row for row in found)
        assert name == "links" or value in {row[column] for row in found}, name
        if name not in ("balances", "settlement", "links"):
            assert page.locator(f"tr[id='{found[0]['id']}']").count() == 1, name
    sent = rows(page.request.get(f"/shop/webhooks/{shop.endpoint}/deliveries.csv"))
    assert "invoice.paid" in {row["type"] for row in sent}
    moved = rows(page.request.get("/shop/report.csv"))
    assert {row["type"] for row in moved} == {"deposit"}


def test_text_is_never_markup_nor_a_formula(own: Shop, visit: Visit) -> None:
    page = visit(own.key, f"/invoices/{own.open}", java_script_enabled=True)
    expect(page.locator("main dl").first).to_contain_text(EVIL)
    assert page.locator("main script").count() == 0
    for title in ("=1+1", "@sum", "-x", "+x", "\tx"):
        page.goto("/shop/new/link")
        submit(page, title=f"{title} tea", amount="3")
    titles = [row["title"] for row in rows(page.request.get("/shop/links.csv"))]
    assert all(one.startswith("'") for one in titles if one[0] not in "x")
    assert "'=1+1 tea" in titles


def test_invoices_are_filtered_and_paged(own: Shop, visit: Visit) -> None:
    with db.transaction() as session:
        merchant = accounts.get(session, own.account)
        for number in range(30):
            asking.asked(session, merchant, order_id=f"order {number}")
    page = visit(own.key, "/invoices")
    expect(page.locator("tbody tr")).to_have_count(25)
    page.click("#older")
    expect(page.locator("tbody tr")).to_have_count(7)
    page.click("#newest")
    page.select_option("#status", "paid")
    page.click("#filter")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert len(rows(page.request.get("/shop/invoices.csv?status=paid"))) == 1
    assert len(rows(page.request.get("/shop/invoices.csv"))) == 32
    page.goto("/shop/invoices?order_id=order 7")
    expect(page.locator("tbody tr")).to_have_count(1)
    for query in ("from=2000-01-01&to=2000-01-02", "to=2000-01-01"):
        page.goto(f"/shop/invoices?{query}")
        expect(page.locator(".empty")).to_be_visible()
    for query in ("status=%00", "after=x", "from=x&to=9999-12-31", "order_id=%00&lang=xx"):
        assert page.request.get(f"/shop/invoices?{query}").status in (200, 404)


def test_the_page_follows_what_waits(own: Shop, visit: Visit) -> None:
    still = visit(own.key, "/invoices?status=open")
    assert "http-equiv" in still.content()
    page = visit(own.key, java_script_enabled=True)
    page.clock.install()
    page.goto(f"/shop/invoices/{own.open}")
    expect(page.locator("#live")).to_have_attribute("data-waits", "")
    with db.transaction() as session:
        asking.pay(session, invoices.get(session, own.open), "12.5", deposit=f"dep_{own.open}")
    page.clock.run_for(6_000)
    expect(page.locator("#live .head .is-paid")).to_be_visible()
    expect(page.locator("#announce")).not_to_be_empty()
    still.goto(f"/shop/invoices/{own.open}")
    assert "http-equiv" not in still.content()


def test_a_merchant_sees_nothing_of_another(shop: Shop, own: Shop, visit: Visit) -> None:
    page = visit(own.key)
    for path in ("/invoices/{paid}", "/webhooks/{endpoint}", "/deliveries/{delivery}"):
        assert page.request.get(path_of(path, shop)).status == 404
    assert page.request.get(f"/shop/new/refund?of={shop.paid}").status == 404
    assert page.request.get(f"/shop/webhooks/{shop.endpoint}/deliveries.csv").status == 404
    token = page.locator("[name=form]").first.input_value()
    for number, path in enumerate((f"void/{shop.open}", f"redeliver/{shop.delivery}")):
        answer = page.request.post(f"/shop/do/{path}", form={"form": token, "once": f"n{number}"})
        assert answer.status == 404
    for name in ("invoices", "refunds", "payments", "payouts", "webhooks", "settlement"):
        found = page.request.get(f"/shop/{name}.csv").text()
        assert shop.account not in found, name


def test_a_key_shows_and_does_only_what_its_scopes_allow(shop: Shop, visit: Visit) -> None:
    _, key = key_of(shop.account, frozenset({"invoices:read"}))
    page = visit(key)
    tabs = page.locator(".tabs a")
    expect(tabs).to_have_count(3)
    expect(page.locator("#tab-invoices")).to_have_attribute("aria-current", "page")
    for path in ("payouts", "payments.csv", "report.csv", "new/link", f"webhooks/{shop.endpoint}"):
        assert page.request.get(f"/shop/{path}").status == 403
    page.goto(f"/shop/invoices/{shop.open}")
    assert page.locator("#void, #refund").count() == 0
    token = page.locator("[name=form]").first.input_value()
    whole: Form = {"form": token, "title": "Tea", "currency": "USD", "kind": "full", "to": "payer"}
    for path in (f"do/void/{shop.open}", "new/link", f"new/refund?of={shop.paid}"):
        answer = page.request.post(f"/shop/{path}", form={**whole, "once": path})
        assert answer.status == 403, path
    with db.transaction() as session:
        assert invoices.get(session, shop.open).invoice.voided_at is None
    assert page.request.get("/shop/links.csv").text().count("\n") == 1


def test_only_a_merchants_key_opens_it_and_no_session_opens_the_other_console(
    shop: Shop, site: str, visit: Visit
) -> None:
    with db.transaction() as session:
        person = accounts.open_account(
            session, handle=f"p-{shop.account[-9:].lower()}", kind="person"
        )
        _, house = accounts.issue_key(session, account_id=None, name="op", scopes=OPERATOR_SCOPES)
    _, theirs = key_of(person.id)
    for wrong in ("sk_wrong", house, theirs):
        page = visit(wrong)
        expect(page.locator("[role=alert]")).to_be_visible()
        assert page.context.cookies() == []
    page = visit(shop.key)
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/shop")
    page.context.add_cookies([{"name": "mizan_console", "value": cookie["value"], "url": site}])
    page.goto("/console")
    expect(page.locator("#sign-in")).to_be_visible()
    with page.expect_navigation():
        page.fill("#key", house)
        page.click("#sign-in button")
    operator = next(one for one in page.context.cookies() if one["name"] == "mizan_console")
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "mizan_shop", "value": operator["value"], "url": site}])
    page.goto("/shop/invoices")
    expect(page.locator("#sign-in")).to_be_visible()


def test_a_form_without_the_sessions_token_changes_nothing(own: Shop, visit: Visit) -> None:
    page = visit(own.key)
    for token in ("", "guessed"):
        form: Form = {"form": token, "once": "a", "title": "Tea", "currency": "USD"}
        assert page.request.post("/shop/new/link", form=form).status == 403
        assert page.request.post(f"/shop/do/void/{own.open}", form=form).status == 403
    page.click("#sign-out")
    expect(page.locator("#sign-in")).to_be_visible()
    page.goto("/shop/invoices")
    expect(page.locator("#sign-in")).to_be_visible()
    gone = page.request.post("/shop/new/link", form={"form": "x"}, max_redirects=0)
    assert gone.status == 303
    with db.transaction() as session:
        assert invoices.get(session, own.open).invoice.voided_at is None


def test_a_revoked_key_is_signed_out_and_a_chosen_language_stays(own: Shop, visit: Visit) -> None:
    page = visit(own.key)
    page.click("#lang-ar")
    page.goto("/shop/invoices")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    with db.transaction() as session:
        accounts.revoke_key(session, own.account, own.key_id)
    page.reload()
    expect(page.locator("#sign-in")).to_be_visible()
