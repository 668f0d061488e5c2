"""The sandbox over HTTP: a merchant's own things, in development, and nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway import db
from gateway.invoices import service as invoices
from gateway.settings import settings
from gateway.webhooks import endpoints
from tests import asking
from tests.api.conftest import Client, Make


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant with an open invoice and an endpoint."""

    client: Client
    invoice: str
    endpoint: str

    def do(self, what: str, **more: Any) -> Any:
        path = f"/v1/sandbox/invoices/{self.invoice}/simulate"
        return self.client.post(path, {"what": what, **more})

    def stick(self, seconds: int) -> Any:
        path = f"/v1/sandbox/webhook_endpoints/{self.endpoint}/stick"
        return self.client.post(path, {"seconds": seconds})

    def status(self) -> str:
        return str(self.client.get(f"/v1/invoices/{self.invoice}").json()["status"])


@pytest.fixture
def shop(open_account: Make) -> Shop:
    client: Client = open_account("falafel-corner", "merchant")
    assert client.account_id is not None
    with db.transaction() as session:
        asking.add_chain(session)
    made = client.post("/v1/invoices", {"amount": "12.50", "currency": "USD"})
    assert made.status_code == 201, made.text
    with db.transaction() as session:
        endpoint = endpoints.create(
            session, account_id=client.account_id, url="https://shop.example/hooks", events=None
        )
        return Shop(client, made.json()["id"], endpoint.id)


def stuck_until(endpoint: str) -> datetime | None:
    with db.transaction() as session:
        return endpoints.find(session, endpoint).stuck_until


def test_an_endpoint_sticks_and_is_let_go(shop: Shop) -> None:
    before = datetime.now(UTC)
    answer = shop.stick(600)
    assert (answer.status_code, answer.json()["endpoint"]) == (200, shop.endpoint)
    until = datetime.fromisoformat(answer.json()["stuck_until"])
    assert timedelta(seconds=590) < until - before < timedelta(seconds=610)
    assert stuck_until(shop.endpoint) == until
    assert shop.stick(0).status_code == 200
    let_go = stuck_until(shop.endpoint)
    assert let_go is not None
    assert let_go <= datetime.now(UTC)


def test_it_sticks_for_a_week_at_most(shop: Shop) -> None:
    for seconds in (-1, 7 * 86_400 + 1):
        assert shop.stick(seconds).status_code in (400, 422)
    assert stuck_until(shop.endpoint) is None


def test_time_runs_out_and_what_is_paid_then_is_late(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def send(listed: object, *, to: bytes, amount: object) -> str:
        sent.append(str(amount))
        return "0x" + "ab" * 32

    monkeypatch.setattr("gateway.checkout.trial.pay", send)  # the node that is not here
    answer = shop.do("late", seconds=60)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["what"], told["tx_hash"], sent) == ("late", "0x" + "ab" * 32, ["12.50"])
    assert "invoice.paid_late" in told["expect"]
    assert shop.status() == "expired"
    with db.transaction() as session:
        facts = invoices.get(session, shop.invoice)
        over = datetime.now(UTC) - facts.invoice.expires_at
        assert timedelta(seconds=60) < over < timedelta(seconds=90)
        asking.pay(session, facts, "12.5")
    found = shop.client.get(f"/v1/invoices/{shop.invoice}").json()
    assert (found["status"], found["late"]) == ("paid", True)


def test_a_node_that_is_away_changes_nothing(shop: Shop) -> None:
    answer = shop.do("late")
    assert answer.status_code == 424, answer.text
    assert shop.status() == "open"


def test_production_knows_no_sandbox(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    production = settings().model_copy(update={"environment": "production"})
    monkeypatch.setattr("gateway.sandbox.deeds.settings", lambda: production)
    assert shop.do("expire").status_code == 404
    assert shop.stick(30).status_code == 404
    assert (shop.status(), stuck_until(shop.endpoint)) == ("open", None)


def test_the_payers_page_has_deeds_in_development_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, http = f"/pay/{shop.invoice}", shop.client.http
    assert 'id="test-expire"' in http.get(page).text
    away = http.post(f"{page}/sandbox", data={"what": "confirm"})
    assert (away.status_code, 'data-state="try_later"' in away.text) == (424, True), "no node"
    assert http.post(f"{page}/sandbox", data={"what": "reorg"}).status_code == 422
    assert http.post("/pay/inv_none/sandbox", data={"what": "expire"}).status_code == 404
    production = settings().model_copy(update={"environment": "production"})
    monkeypatch.setattr("gateway.sandbox.deeds.settings", lambda: production)
    monkeypatch.setattr("gateway.checkout.view.settings", lambda: production)
    shown = http.get(page).text
    assert 'id="address"' in shown
    assert "test-" not in shown
    assert http.post(f"{page}/sandbox", data={"what": "expire"}).status_code == 404
    assert shop.status() == "open"
    monkeypatch.undo()
    done = http.post(f"{page}/sandbox?lang=ar", data={"what": "expire"}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, f"{page}?lang=ar")
    assert shop.status() == "expired"


def test_what_another_merchant_owns_is_not_there(shop: Shop, open_account: Make) -> None:
    other = Shop(open_account("spice-souk", "merchant"), shop.invoice, shop.endpoint)
    nothing = Shop(shop.client, "inv_none", "whe_none")
    for stranger in (other, nothing):
        assert stranger.do("expire").status_code == 404
        assert stranger.stick(30).status_code == 404
    assert other.do("expire").json()["detail"] == nothing.do("expire").json()["detail"]
    assert (shop.status(), stuck_until(shop.endpoint)) == ("open", None)


@pytest.mark.parametrize(
    "body", [{"what": "rob"}, {}, {"what": "advance", "seconds": -1}, {"what": "expire", "x": 1}]
)
def test_no_other_deed_is_taken(shop: Shop, body: dict[str, Any]) -> None:
    path = f"/v1/sandbox/invoices/{shop.invoice}/simulate"
    assert shop.client.post(path, body).status_code in (400, 422)
    assert shop.do("pay", asset="XYZ").status_code == 404
    assert shop.status() == "open"
