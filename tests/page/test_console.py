"""The operators' page in a browser: sign in, decide, stop everything; both languages, no script."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.ids import new_id
from gateway.pauses.store import Pause
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from gateway.withdrawals import service as withdrawals
from gateway.withdrawals.store import Withdrawal
from tests.flow.books import CHAIN, fund
from tests.flow.outgoing import DOLLAR, ask

LANGUAGES = ("en", "ar")


def operator(name: str, scopes: frozenset[str] = OPERATOR_SCOPES) -> tuple[str, str]:
    """Make an operator's key; returns its id and secret."""
    with db.transaction() as session:
        key, secret = accounts.issue_key(session, account_id=None, name=name, scopes=scopes)
        return key.id, secret


def held(asked_by: str, dollars: int = 2_000) -> str:
    """Ask for a withdrawal that is held."""
    with db.transaction() as session:
        handle = new_id("p").lower()[-12:]
        account = accounts.open_account(session, handle=handle, kind="person").id
        fund(session, account, 9_000 * DOLLAR, key=account)
        session.execute(
            text(
                "insert into fee_level (chain, base_fee, tip) values (:chain, 1000000000, 1)"
                " on conflict do nothing"
            ),
            {"chain": CHAIN},
        )
        return ask(session, account, dollars * DOLLAR, by=asked_by).id


def row(withdrawal_id: str) -> Withdrawal:
    with db.transaction() as session:
        return withdrawals.get(session, withdrawal_id)


@pytest.fixture(params=LANGUAGES)
def page(site: str, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser without script, in one of the languages, at the console."""
    context = browser.new_context(java_script_enabled=False, base_url=site, locale=request.param)
    with db.transaction() as session:  # nothing is left over from the test before
        session.execute(
            text("update pause set lifted_at = now(), lifted_by = 'test' where lifted_at is null")
        )
        for case in session.execute(text("select subject from held_case where status = 'open'")):
            withdrawals.reject(session, case.subject, by="key_test")
    opened = context.new_page()
    opened.goto(f"/console?lang={request.param}")
    yield opened
    context.close()


def sign_in(page: Page, secret: str) -> None:
    page.fill("#key", secret)
    page.click("#sign-in button")


def test_an_operator_approves_what_another_asked_for(page: Page) -> None:
    other, _ = operator("other")
    _, secret = operator("noor")
    large, small = held(other), held(other, 1_500)
    sign_in(page, secret)
    expect(page.locator(".hold")).to_have_count(2)
    expect(page.locator(".hold").first).to_contain_text("2000.00 USDC")
    page.locator(".hold").first.locator("form[action*=approve] button").click()
    expect(page.locator(".hold")).to_have_count(1)
    assert (row(large).status, row(small).status) == ("approved", "held")
    page.locator(".hold form[action*=take] button").click()
    expect(page.locator(".hold form[action*=take]")).to_have_count(0)
    page.locator(".hold form[action*=reject] button").click()
    expect(page.locator(".hold")).to_have_count(0)
    assert row(small).status == "rejected"


def test_who_asked_for_it_sees_no_way_to_approve_it(page: Page) -> None:
    mine, secret = operator("noor")
    asked = held(mine)
    sign_in(page, secret)
    expect(page.locator(".hold")).to_have_count(1)
    expect(page.locator("form[action*=approve]")).to_have_count(0)
    assert row(asked).status == "held"


def test_why_it_is_held_is_said_in_words(page: Page) -> None:
    _, secret = operator("noor")
    held(operator("other")[0])
    sign_in(page, secret)
    language = str(page.locator("html").get_attribute("lang"))
    told = {"en": "more than leaves without a person", "ar": "المبلغ أكبر مما يخرج دون موافقة شخص"}
    expect(page.locator(".hold .reason")).to_have_text(told[language])


def test_one_stops_everything_and_another_starts_it(page: Page) -> None:
    _, secret = operator("noor")
    sign_in(page, secret)
    page.fill("#reason", "a <b>drill</b>")
    page.click("#stop-all")
    expect(page.locator(".stopped")).to_contain_text("a <b>drill</b>")
    page.locator(".stopped form button").click()
    expect(page.locator("#problem")).to_be_visible()  # the same operator may not
    with db.transaction() as session:
        assert session.query(Pause).filter(Pause.lifted_at.is_(None)).count() == 1
    page.locator(".who-is-here button").click()
    _, second = operator("karim")
    sign_in(page, second)
    page.locator(".stopped form button").click()
    expect(page.locator(".stopped")).to_have_count(0)


def test_no_key_of_an_account_and_no_wrong_key_signs_in(page: Page) -> None:
    with db.transaction() as session:
        account = accounts.open_account(session, handle=new_id("m").lower()[-12:], kind="person")
        _, own = accounts.issue_key(
            session, account_id=account.id, name="own", scopes=ACCOUNT_SCOPES
        )
    _, reader = operator("reader", frozenset({"operations:read"}))
    for wrong in ("sk_wrong", own, reader):
        sign_in(page, wrong)
        expect(page.locator("[role=alert]")).to_be_visible()
    assert page.context.cookies() == []


def test_a_form_without_the_sessions_token_changes_nothing(page: Page, site: str) -> None:
    _, secret = operator("noor")
    sign_in(page, secret)
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/console")
    for token in ("", "guessed"):
        answer = page.request.post(f"{site}/console/pauses", form={"form": token, "reason": "x"})
        assert answer.status == 403
    page.context.clear_cookies()
    assert page.request.post(f"{site}/console/pauses", form={"reason": "x"}).status == 401
    with db.transaction() as session:
        assert session.query(Pause).filter(Pause.lifted_at.is_(None)).count() == 0


def test_a_revoked_key_is_signed_out(page: Page) -> None:
    key_id, secret = operator("noor")
    sign_in(page, secret)
    expect(page.locator("#sign-in")).to_have_count(0)
    with db.transaction() as session:
        session.execute(
            text("update api_key set revoked_at = now() where id = :id"), {"id": key_id}
        )
    page.reload()
    expect(page.locator("#sign-in")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_read_it(site: str, browser: Browser, language: str, scheme: str) -> None:
    other, _ = operator("other")
    _, secret = operator("noor")
    held(other)
    context = browser.new_context(base_url=site, color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"/console?lang={language}")
    assert not Axe().run(page).response["violations"]
    sign_in(page, secret)
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], one["nodes"][0]["html"]) for one in found]
    context.close()
