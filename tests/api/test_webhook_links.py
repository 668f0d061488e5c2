"""An endpoint for one payment link: it hears of its invoices and refunds, and of no other."""

from typing import Any

import pytest
from sqlalchemy import text

from gateway import db
from gateway.invoices import service as invoices
from gateway.webhooks import service
from tests import asking
from tests.api.conftest import Client, Make
from tests.flow import outgoing
from tests.flow.books import USDC, fund

URL = "https://shop.example/hooks"
ENDPOINTS = "/v1/webhook_endpoints"
SOMEBODY = "0x000000000000000000000000000000000000bEEF"
NO_LINK = "link_00000000000000000000000000"


@pytest.fixture
def shop(open_account: Make) -> Client:
    with db.transaction() as session:
        outgoing.chain_rows(session)
    made: Client = open_account("falafel-corner", "merchant")
    return made


def new_link(client: Client) -> str:
    answer = client.post("/v1/payment_links", {"title": "Tea", "amount": "12.50"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def listen(client: Client, link: str | None, **more: Any) -> str:
    answer = client.post(ENDPOINTS, {"url": URL, "payment_link": link, **more})
    assert answer.status_code == 201, answer.text
    assert answer.json()["payment_link"] == link
    return str(answer.json()["id"])


def patch(client: Client, endpoint: str, **body: Any) -> Any:
    return client.http.patch(f"{ENDPOINTS}/{endpoint}", json=body, headers=client.headers())


def tell(account: str, kind: str, **data: Any) -> None:
    with db.transaction() as session:
        service.emit(session, type=kind, account_id=account, object_id="obj_1", data=data)


def heard(client: Client, endpoint: str) -> list[str]:
    """Return what was sent to an endpoint: the type and the object of each event."""
    rows = client.get(f"{ENDPOINTS}/{endpoint}/deliveries").json()["data"]
    return [f"{row['type']} {row['object']}" for row in reversed(rows)]


def pay(client: Client, link: str) -> str:
    """Take the link and pay its invoice in full; return the invoice."""
    answer = client.http.post(f"/l/{link}", headers={"accept": "application/json"})
    invoice = str(answer.json()["id"])
    with db.transaction() as session:
        asking.pay(session, invoices.get(session, invoice), "12.5", deposit=f"dep_{invoice}")
    return invoice


def test_each_link_s_endpoint_hears_of_its_own_invoices(shop: Client) -> None:
    one, two = new_link(shop), new_link(shop)
    first, second, all_of_it = listen(shop, one), listen(shop, two), listen(shop, None)
    picky = listen(shop, one, events=["refund.*"])
    mine, others = pay(shop, one), pay(shop, two)
    alone = shop.post("/v1/invoices", {"amount": "12.50", "currency": "USD"}).json()["id"]
    with db.transaction() as session:
        asking.pay(session, invoices.get(session, alone), "12.5", deposit="dep_alone")
    tell(shop.account_id or "", "withdrawal.confirmed", id="wdr_1")
    assert heard(shop, first) == [f"invoice.paid {mine}"]
    assert heard(shop, second) == [f"invoice.paid {others}"]
    assert heard(shop, picky) == []
    everything = [f"invoice.paid {one}" for one in (mine, others, alone)]
    assert heard(shop, all_of_it) == [*everything, "withdrawal.confirmed obj_1"]


def test_a_refund_is_told_to_its_link_s_endpoint(shop: Client) -> None:
    one, two = new_link(shop), new_link(shop)
    first, second = listen(shop, one), listen(shop, two)
    invoice = pay(shop, one)
    with db.transaction() as session:
        fund(session, shop.account_id or "", 300 * 10**6, asset=USDC, key="u")
    answer = shop.post(f"/v1/invoices/{invoice}/refunds", {"to_address": SOMEBODY})
    assert answer.status_code == 201, answer.text
    refund = answer.json()["id"]
    (event,) = shop.get("/v1/events", object=refund).json()["data"]
    assert event["data"]["payment_link"] == one
    assert heard(shop, first) == [f"invoice.paid {invoice}", f"{event['type']} {refund}"]
    assert heard(shop, second) == []


def test_a_replay_keeps_to_the_link(shop: Client) -> None:
    one, two = new_link(shop), new_link(shop)
    mine = pay(shop, one)
    pay(shop, two)
    tell(shop.account_id or "", "transfer.completed", id="tr_1")
    late = listen(shop, one)
    assert heard(shop, late) == []
    answer = shop.post(f"{ENDPOINTS}/{late}/replay", {"from_time": "2026-01-01T00:00:00Z"})
    assert answer.json() == {"queued": 1, "next_event": None}
    assert heard(shop, late) == [f"invoice.paid {mine}"]


def test_a_test_event_reaches_an_endpoint_of_a_link(shop: Client) -> None:
    endpoint = listen(shop, new_link(shop))
    assert shop.post(f"{ENDPOINTS}/{endpoint}/test").status_code == 201
    assert heard(shop, endpoint) == [f"webhook.test {endpoint}"]


def test_the_link_is_shown_changed_and_taken_away(shop: Client) -> None:
    one, two = new_link(shop), new_link(shop)
    endpoint = listen(shop, one)
    assert shop.get(f"{ENDPOINTS}/{endpoint}").json()["payment_link"] == one
    assert shop.get(ENDPOINTS).json()["data"][0]["payment_link"] == one
    assert patch(shop, endpoint, payment_link=two).json()["payment_link"] == two
    assert patch(shop, endpoint, events=["invoice.*"]).json()["payment_link"] == two
    tell(shop.account_id or "", "invoice.paid", payment_link=one)
    assert heard(shop, endpoint) == []
    assert patch(shop, endpoint, payment_link=None).json()["payment_link"] is None
    tell(shop.account_id or "", "invoice.paid", payment_link=one)
    assert heard(shop, endpoint) == ["invoice.paid obj_1"]


def test_a_link_that_is_not_the_account_s_is_refused(
    shop: Client, operator: Client, open_account: Make
) -> None:
    mine, rival = new_link(shop), open_account("rival", "merchant")
    endpoint, foreign = listen(rival, None), {"url": URL, "payment_link": mine}
    refused = [
        rival.post(ENDPOINTS, {"url": URL, "payment_link": NO_LINK}),
        rival.post(ENDPOINTS, foreign),
        operator.post(ENDPOINTS, foreign | {"account": rival.account_id}),
        patch(rival, endpoint, payment_link=mine),
        patch(rival, endpoint, payment_link=NO_LINK),
    ]
    told = {(r.status_code, r.json()["code"], r.json()["detail"]) for r in refused}
    assert told == {(422, "unknown_payment_link", "no such payment link of this account")}
    assert rival.get(f"{ENDPOINTS}/{endpoint}").json()["payment_link"] is None
    listen(operator, mine)
    with db.transaction() as session:
        query = text("select count(*) from webhook_endpoint where payment_link is not null")
        assert session.scalar(query) == 1
