"""What a merchant sets in its console: a link again, the terms of payment, events sent again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gateway import db
from gateway.invoices import terms
from gateway.links import service as links
from gateway.links.rules import Offer
from gateway.links.store import offer_of
from gateway.money import USD, Money
from tests.page.shop_visits import Form, Visit, submit
from tests.page.shop_world import Shop, build, key_of
from tests.page.sound import sound

PHONE = {"width": 360, "height": 740}
ENDS = datetime(2099, 1, 31, 10, 0, 30, 123_000, tzinfo=UTC)
SECRET = {"room": "back"}


def link_of(account: str, **more: Any) -> str:
    """Make a payment link of three dollars."""
    offer = Offer(title="Tea", currency=USD, amount=Money(300, USD), metadata=SECRET, **more)
    with db.transaction() as session:
        return links.create(session, account_id=account, offer=offer).id


def offered(link: str) -> Offer:
    """Return what a link offers."""
    with db.transaction() as session:
        return offer_of(session, links.get(session, link))


def agreed(account: str) -> dict[str, Any]:
    """Return a merchant's terms."""
    with db.transaction() as session:
        return dict(terms.of_merchant(session, account)[0])


def filled(page: Page) -> Form:
    """Return what the page's form would send."""
    found: Form = {}
    for one in page.locator("main form [name]").all():
        if one.get_attribute("type") != "checkbox" or one.is_checked():
            found[one.get_attribute("name") or ""] = one.input_value()
    return found


def deliveries(endpoint: str) -> dict[str, int]:
    """Return how many deliveries of an endpoint are in each status."""
    with db.transaction() as session:
        query = text(
            "select status, count(*) as many from delivery where endpoint_id = :endpoint group by 1"
        )
        rows = session.execute(query, {"endpoint": endpoint}).all()
    return {row.status: row.many for row in rows}


def taken(endpoint: str) -> None:
    """Let the receiver have taken all that was sent."""
    with db.transaction() as session:
        session.execute(
            text("update delivery set status = 'delivered' where endpoint_id = :endpoint"),
            {"endpoint": endpoint},
        )


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_link_is_edited(own: Shop, visit: Visit, language: str) -> None:
    said = "Back\non Sunday"
    link = link_of(own.account, max_uses=9, expires_at=ENDS, inactive_message=said)
    page = visit(own.key, "/links", locale=language)
    page.click(f"tr[id='{link}'] a[href*=edit_link]")
    shown = {"title": "Tea", "amount": "3.00", "max_uses": "9", "success_url": ""}
    for name, value in {**shown, "expires_at": "2099-01-31T10:00:30"}.items():
        expect(page.locator(f"#{name}")).to_have_value(value)
    assert page.locator("#currency").count() == 0
    submit(page, title="Mint tea", success_url="not an address")
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#success_url")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#title")).to_have_value("Mint tea")
    submit(page, success_url="", suggested_amounts="5, 10")
    expect(page.locator("#suggested_amounts")).to_have_attribute("aria-invalid", "true")
    assert offered(link).title == "Tea"
    page.fill("#amount", "")
    form = filled(page)
    page.click("#send")
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator(f"tr[id='{link}']")).to_contain_text("Mint tea")
    found = offered(link)
    assert (found.title, found.amount, found.max_uses) == ("Mint tea", None, 9)
    assert found.suggested == (Money(500, USD), Money(1_000, USD))
    assert (found.expires_at, found.metadata, found.inactive_message) == (ENDS, SECRET, said)

    page.goto(f"/shop/new/edit_link?of={link}")
    submit(page, suggested_amounts="", max_uses="", expires_at="2099-02-01T08:30")
    found = offered(link)
    assert (found.suggested, found.max_uses) == ((), None)
    assert found.expires_at == datetime(2099, 2, 1, 8, 30, tzinfo=UTC)
    again = page.request.post(f"/shop/new/edit_link?of={link}", form=form, max_redirects=0)
    assert (again.status, again.headers["location"]) == (303, "/shop/links?done=edit_link")
    assert offered(link) == found


@pytest.mark.parametrize("language", ["en", "ar"])
def test_terms_are_set_as_a_whole(own: Shop, visit: Visit, language: str) -> None:
    page = visit(own.key, "/invoices", locale=language)
    page.click("#terms")
    for name, value in terms.DEFAULTS.items():
        expect(page.locator(f"#{name}")).to_have_value(str(value))
    submit(page, under_percent="60", over_amount="0.05", late_hours="")
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#under_percent")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#late_hours")).to_have_value("")
    assert agreed(own.account) == terms.DEFAULTS
    page.fill("#under_percent", "1.5")
    page.select_option("#late", "refund")
    form = filled(page)
    page.click("#send")
    expect(page.locator("#done")).to_be_visible()
    wanted = {"under_percent": "1.5", "over_amount": "0.05", "late_hours": None, "late": "refund"}
    assert agreed(own.account) == {**terms.DEFAULTS, "under_amount": "0.00", **wanted}

    page.goto("/shop/new/terms")
    expect(page.locator("#late")).to_have_value("refund")
    asked_at = "mailto:help@falafel.example"
    submit(page, under_percent="0", late_percent="", late_hours="48", support_url=asked_at)
    later = agreed(own.account)
    assert (later["under_percent"], later["late_percent"], later["late_hours"]) == ("0", None, 48)
    page.goto("/shop/new/terms")
    expect(page.locator("#support_url")).to_have_value(asked_at)
    again = page.request.post("/shop/new/terms", form=form, max_redirects=0)
    assert (again.status, again.headers["location"]) == (303, "/shop/invoices?done=terms")
    assert agreed(own.account) == later
    form["once"] = "another"
    form["under_percent"] = ""
    assert page.request.post("/shop/new/terms", form=form).status == 422
    assert agreed(own.account) == later


@pytest.mark.parametrize("language", ["en", "ar"])
def test_events_are_sent_again(own: Shop, visit: Visit, language: str) -> None:
    taken(own.endpoint)
    every = deliveries(own.endpoint)["delivered"]
    page = visit(own.key, f"/webhooks/{own.endpoint}", locale=language)
    page.click("#replay")
    for wrong in ({}, {"from_event": "evt_x", "from_time": "2026-01-31T10:00"}):
        submit(page, **wrong)
        expect(page.locator("#problem")).to_be_visible()
        expect(page.locator("#from_time")).to_have_attribute("aria-invalid", "true")
    submit(page, from_time="", from_event="evt_x")
    expect(page.locator("#problem")).to_be_visible()
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    submit(page, from_time=yesterday, from_event="")
    expect(page.locator("#done bdi")).to_have_text("0")
    assert deliveries(own.endpoint) == {"delivered": every}
    page.click("#replay")
    page.fill("#from_time", yesterday)
    page.check("#include_delivered")
    form = filled(page)
    page.click("#send")
    expect(page.locator("#done bdi")).to_have_text(str(every))
    assert deliveries(own.endpoint) == {"pending": every}
    taken(own.endpoint)
    where = f"/shop/new/replay?of={own.endpoint}"
    again = page.request.post(where, form=form)
    assert (again.status, f"<bdi>{every}</bdi>" in again.text()) == (200, True)
    assert deliveries(own.endpoint) == {"delivered": every}
    page.click("#toggle")
    assert page.locator("#replay").count() == 0
    off = page.request.post(where, form={**form, "once": "another"})
    assert (off.status, 'id="problem"' in off.text()) == (409, True)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_is_wrong_is_readable(own: Shop, visit: Visit, language: str) -> None:
    link = link_of(own.account)
    options = {"locale": language, "viewport": PHONE, "java_script_enabled": True}
    page = visit(own.key, "/links", bypass_csp=True, **options)
    sound(page, "a link that can be edited")
    for path, wrong in (
        (f"edit_link?of={link}", {"success_url": "x", "suggested_amounts": "5"}),
        ("terms", {"under_percent": "51", "late_hours": "999999"}),
        (f"replay?of={own.endpoint}", {"from_event": "evt_x"}),
    ):
        page.goto(f"/shop/new/{path}")
        sound(page, path)
        over = "one => one.scrollWidth - one.clientWidth"
        assert page.locator("main .card").evaluate(over) <= 0, f"{path} is wider than its card"
        submit(page, **wrong)
        expect(page.locator("#problem")).to_be_visible()
        sound(page, f"{path}, refused")
    page.goto(f"/shop/webhooks/{own.endpoint}?done=replay&count=2000&next=evt_x")
    sound(page, "a replay that is not at its end")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_wide_table_scrolls_by_itself(own: Shop, visit: Visit, language: str) -> None:
    link_of(own.account)
    page = visit(own.key, locale=language, viewport={"width": 800, "height": 600})
    for path in ("links", f"webhooks/{own.endpoint}"):
        page.goto(f"/shop/{path}")
        inner = page.locator(".scroll").evaluate("one => one.scrollWidth - one.clientWidth")
        assert inner > 0, f"{path} is not wide: this proves nothing"
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_nothing_of_another_is_set_and_nothing_without_the_scope(own: Shop, visit: Visit) -> None:
    other = build()
    theirs = link_of(other.account)
    page = visit(own.key, "/new/terms")
    whole: Form = {**filled(page), "title": "Mine", "from_event": "evt_x"}
    for path in (f"edit_link?of={theirs}", f"replay?of={other.endpoint}", "edit_link", "replay"):
        assert page.request.get(f"/shop/new/{path}").status == 404, path
        assert page.request.post(f"/shop/new/{path}", form=whole).status == 404, path
    assert offered(theirs).title == "Tea"
    mine = link_of(own.account)
    _, key = key_of(own.account, frozenset({"invoices:read", "webhooks:read"}))
    page = visit(key, "/links")
    assert page.locator("a[href*=edit_link]").count() == 0
    whole["form"] = page.locator("[name=form]").first.input_value()
    for path in (f"edit_link?of={mine}", f"replay?of={own.endpoint}", "terms"):
        assert page.request.get(f"/shop/new/{path}").status == 403, path
        assert page.request.post(f"/shop/new/{path}", form=whole).status == 403, path
    page.goto("/shop/invoices")
    assert page.locator("#terms").count() == 0
    page.goto(f"/shop/webhooks/{own.endpoint}")
    assert page.locator("#replay").count() == 0
    assert (offered(mine).title, agreed(own.account)) == ("Tea", terms.DEFAULTS)
