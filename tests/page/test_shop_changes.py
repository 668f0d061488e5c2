"""What a merchant changes in its console, once however often a form is sent."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from playwright.sync_api import expect
from sqlalchemy import select, text

from gateway import db
from gateway.links.store import PaymentLink
from gateway.payouts.store import Payout, PayoutSchedule
from gateway.refunds.store import Refund
from gateway.withdrawals.store import Withdrawal
from tests.page.shop_visits import Form, Visit, submit
from tests.page.shop_world import EVIL, SOMEBODY, Shop

RACERS = 8


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_link_is_made_and_switched(own: Shop, visit: Visit, language: str) -> None:
    page = visit(own.key, "/links", locale=language)
    page.click("#new-link")
    submit(page, title="Mint tea", amount="3", max_uses="9", success_url="not an address")
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#success_url")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#title")).to_have_value("Mint tea")
    submit(page, success_url="https://shop.example/thanks")
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Mint tea")
    expect(row).to_contain_text("3.00 USD")
    expect(row.locator(".state")).to_have_class(re.compile("is-active"))
    row.locator("form[action*=switch] button").click()
    expect(row.locator(".state")).to_have_class(re.compile("is-inactive"))
    row.locator("form[action*=switch] button").click()
    expect(row.locator(".state")).to_have_class(re.compile("is-active"))


def test_money_goes_back_once_however_often_the_form_is_sent(own: Shop, visit: Visit) -> None:
    page = visit(own.key, f"/invoices/{own.paid}")
    page.click("#refund")
    submit(page, kind="partial", amount="1000", to="address", to_address=SOMEBODY)
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#amount")).to_have_value("1000")
    fields: Form = {}
    for one in page.locator("main form [name]").all():
        fields[one.get_attribute("name") or ""] = one.input_value()
    fields |= {"amount": "2", "kind": "partial", "to": "address", "to_address": SOMEBODY}
    submit(page, amount="2")
    page.wait_for_url(f"**/shop/invoices/{own.paid}")
    expect(page.locator(".refund")).to_have_count(2)
    again = page.request.post(f"/shop/new/refund?of={own.paid}", form=fields, max_redirects=0)
    assert (again.status, again.headers["location"]) == (303, f"/shop/invoices/{own.paid}")
    fields["amount"] = "3"
    changed = page.request.post(f"/shop/new/refund?of={own.paid}", form=fields, max_redirects=0)
    assert changed.status == 409
    with db.transaction() as session:
        sums = [int(row.amount) for row in session.query(Refund).filter_by(invoice_id=own.paid)]
    assert sorted(sums) == [2_000_000, 5_000_000]


def test_a_form_sent_many_times_at_once_acts_once(own: Shop, visit: Visit, site: str) -> None:
    page = visit(own.key, "/new/link")
    form = {
        one.get_attribute("name") or "": one.input_value()
        for one in page.locator("main form [name]").all()
    } | {"title": "Tea", "amount": "3"}
    cookies = {one["name"]: one["value"] for one in page.context.cookies()}

    def send(_: int) -> tuple[int, str]:
        with httpx2.Client(base_url=site, cookies=cookies) as client:
            answer = client.post("/shop/new/link", data=form)
        return answer.status_code, answer.headers.get("location", "")

    with ThreadPoolExecutor(RACERS) as pool:
        assert set(pool.map(send, range(RACERS))) == {(303, "/shop/links")}
    page.goto("/shop/links")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_payer_is_asked_where_the_money_goes(own: Shop, visit: Visit) -> None:
    page = visit(own.key, f"/new/refund?of={own.paid}")
    submit(page, kind="full", to="payer")
    expect(page.locator("#secret")).to_contain_text("/refund/")
    page.click("#noted")
    expect(page.locator(".refund .is-awaiting_address")).to_be_visible()
    page.locator("form[action*=take_back] button").click()
    expect(page.locator(".refund .is-cancelled")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_balance_is_paid_out_now_and_by_schedule(own: Shop, visit: Visit, language: str) -> None:
    page = visit(own.key, "/payouts", locale=language)
    page.click("#new-address")
    submit(page, label="Cold", address="0x" + "12" * 20)
    expect(page.locator("section .item", has_text="Cold")).to_be_visible()
    page.click("#new-payout")
    submit(page, address_entry=own.entry, asset="USDC", amount="100000")
    expect(page.locator("#problem")).not_to_contain_text("USDC are")
    submit(page, amount="25")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.click("#new-schedule")
    submit(page, address_entry=own.entry, asset="USDC", every="day", hour="6", minimum="70")
    with db.transaction() as session:
        (schedule,) = session.query(PayoutSchedule).filter_by(account_id=own.account)
        assert (schedule.every, schedule.hour, int(schedule.minimum)) == ("day", 6, 70_000_000)
        paid = session.query(Payout).filter_by(account_id=own.account).order_by(Payout.id.desc())
        newest = session.get_one(Withdrawal, paid.first().withdrawal_id)  # type: ignore[union-attr]
        assert (int(newest.amount), newest.requested_by) == (25_000_000, own.key_id)
    page.locator("form[action*=call_off] button").first.click()
    expect(page.locator("tbody .is-cancelled")).to_have_count(1)


def test_a_webhook_endpoint_may_hear_of_one_link(own: Shop, visit: Visit) -> None:
    page = visit(own.key, "/links")
    page.click("#new-link")
    submit(page, title="Mint tea", amount="3")
    page.goto("/shop/webhooks")
    page.click("#new-endpoint")
    submit(page, url="https://shop.example/one", payment_link="link_of_nobody")
    expect(page.locator("#payment_link")).to_have_attribute("aria-invalid", "true")
    with db.transaction() as session:
        link = session.scalars(select(PaymentLink.id).filter_by(account_id=own.account)).one()
    submit(page, payment_link=link)
    page.click("#noted")
    expect(page.locator("main")).to_contain_text(link)


def test_webhooks_are_tried_sent_again_and_switched(own: Shop, visit: Visit) -> None:
    page = visit(own.key, "/webhooks")
    page.click("#new-endpoint")
    submit(page, url="https://shop.example/other", events="invoice.*, refund.*")
    expect(page.locator("#secret")).to_have_text(re.compile("^whsec_"))
    page.click("#noted")
    expect(page.locator("main")).to_contain_text("invoice.*, refund.*")
    expect(page.locator("main")).not_to_contain_text("link_")
    page.click("#try")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("#toggle")
    expect(page.locator("#try")).to_have_count(0)
    with db.transaction() as session:
        session.execute(
            text("update delivery set status = 'failed', attempts = 9 where id = :id"),
            {"id": own.delivery},
        )
    page.goto(f"/shop/deliveries/{own.delivery}")
    expect(page.locator(".attempt pre").last).to_contain_text(EVIL)
    page.click("#redeliver")
    with db.transaction() as session:
        query = text("select status, attempts from delivery where id = :id")
        found = session.execute(query, {"id": own.delivery}).one()
    assert tuple(found) == ("pending", 0)
