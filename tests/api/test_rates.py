"""What assets are worth, over HTTP: fixed, made of sources, or nobody's guess."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from gateway import db
from gateway.ids import new_id
from gateway.money import Asset
from gateway.prices import reading, service
from gateway.prices.port import Rate
from gateway.prices.store import PricePolicy, PriceSource
from tests import asking
from tests.api.conftest import Client, Make
from tests.api.test_accounts import problem
from tests.flow.books import new_asset

NAMES = ("bitstamp", "kraken")


@pytest.fixture
def shop(open_account: Make) -> Client:
    made: Client = open_account("falafel-corner", "merchant")
    return made


def market(*said: str | None) -> None:
    """Let ETH have two sources that said so much; None is one that is away."""
    now = datetime.now(UTC)
    with db.transaction() as session:
        policy = PricePolicy(
            asset="ETH", currency="USD", minimum=2, spread_percent=Decimal(2), set_by="test"
        )
        session.add(policy)
        session.flush()
        rows = [
            PriceSource(
                id=new_id("psrc"),
                asset="ETH",
                currency="USD",
                name=name,
                kind=name,
                symbol="ethusd",
                age_seconds=60,
                set_by="test",
            )
            for name in NAMES
        ]
        session.add_all(rows)
        session.flush()
        answers = [
            reading.Said(
                row.id,
                now,
                Rate("ETH", "USD", Decimal(price), row.name, now) if price else None,
                None if price else "it answered 503",
            )
            for row, price in zip(rows, said, strict=True)
        ]
        reading.record(session, answers)
        reading.settle(session, now)
    service.board.forget()


def test_a_fixed_price_says_so_and_no_price_too(shop: Client) -> None:
    with db.transaction() as session:
        new_asset(session, Asset("XYZ", 18))
    found = {rate["asset"]: rate for rate in shop.get("/v1/rates").json()["data"]}
    assert list(found) == ["ETH", "USDC", "XYZ"]
    ether = found["ETH"]
    assert (ether["status"], ether["rate"], ether["source"]) == ("ok", "2000", "fixed")
    assert (ether["currency"], ether["expires_at"], ether["sources"]) == ("USD", None, [])
    nothing = found["XYZ"]
    assert (nothing["status"], nothing["rate"], nothing["at"]) == ("unpriced", None, None)
    assert shop.get("/v1/rates/XYZ").json() == nothing
    problem(shop.get("/v1/rates/BTC"), 404, "not_found")
    problem(shop.http.get("/v1/rates"), 401, "unauthorized")


def test_a_price_of_sources_is_shown_with_them_and_its_quote(shop: Client) -> None:
    market("2001", "2000")
    rate = shop.get("/v1/rates/ETH").json()
    assert (rate["status"], rate["rate"]) == ("ok", "2000.5")
    assert rate["source"] == "median(bitstamp,kraken)"
    assert [(one["source"], one["rate"], one["fresh"]) for one in rate["sources"]] == [
        ("bitstamp", "2001", True),
        ("kraken", "2000", True),
    ]
    left = datetime.fromisoformat(rate["expires_at"]) - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(seconds=60)
    quote = shop.get(f"/v1/rate_quotes/{rate['quote']}").json()
    assert (quote["rate"], quote["at"]) == ("2000.5", rate["at"])
    assert [(one["source"], one["rate"]) for one in quote["readings"]] == [
        ("bitstamp", "2001"),
        ("kraken", "2000"),
    ]
    problem(shop.get("/v1/rate_quotes/rate_nothing"), 404, "not_found")


def test_a_source_that_is_away_takes_its_asset_with_it_and_no_other(shop: Client) -> None:
    market("2001", None)
    rate = shop.get("/v1/rates/ETH").json()
    assert (rate["status"], rate["rate"], rate["quote"]) == ("away", None, None)
    assert rate["detail"] == "1 of 2 sources have a fresh rate"
    kraken = rate["sources"][1]
    assert (kraken["fresh"], kraken["error"]) == (False, "it answered 503")
    assert kraken["failing_since"]
    with db.transaction() as session:
        asking.add_chain(session)
    body = {"amount": "20", "assets": [{"asset": "ETH", "chain": asking.CHAIN}]}
    problem(shop.post("/v1/invoices", body), 424, "rate_unavailable")
    opened = shop.post("/v1/invoices", {"amount": "20"}).json()
    assert [option["asset"] for option in opened["payment_options"]] == ["USDC"]


def test_sources_that_differ_and_prices_that_ran_out_are_told_apart(shop: Client) -> None:
    market("2001", "1000")
    rate = shop.get("/v1/rates/ETH").json()
    assert (rate["status"], rate["rate"]) == ("disagreement", None)
    with db.transaction() as session:
        session.execute(text("delete from price_policy"))
    market("2001", "2000")
    with db.transaction() as session:
        session.execute(text("update rate_state set expires_at = now() - interval '1 second'"))
    rate = shop.get("/v1/rates/ETH").json()
    assert (rate["status"], rate["rate"]) == ("away", None)
    assert rate["detail"] == "what was read last is too old"


def test_the_quote_stands_on_the_invoice(shop: Client) -> None:
    with db.transaction() as session:
        asking.add_chain(session)
    market("2001", "2000")
    opened = shop.post("/v1/invoices", {"amount": "20"}).json()
    ether = next(one for one in opened["payment_options"] if one["asset"] == "ETH")
    assert (ether["rate"], ether["rate_source"]) == ("2000.5", "median(bitstamp,kraken)")
    quote = shop.get(f"/v1/rate_quotes/{ether['rate_quote']}").json()
    assert (quote["rate"], quote["at"]) == (ether["rate"], ether["rate_at"])
