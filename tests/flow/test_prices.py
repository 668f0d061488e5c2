"""Prices from several sources: kept, judged, quoted, refused, and told to who must know."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import typer
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from gateway import db
from gateway.errors import DependencyAway
from gateway.ids import new_id
from gateway.invoices.facts import InvoiceShape
from gateway.money import Money
from gateway.operators import prices as by_hand
from gateway.operators.price_commands import prices as commands
from gateway.prices import reading, service
from gateway.prices.port import Rate
from gateway.prices.store import PricePolicy, PriceSource, RateQuote, sources
from gateway.settings import settings
from gateway.webhooks.store import Alarm
from tests import asking
from tests.flow.books import ETH, USDC, new_asset
from tests.flow.exchanges import TELLERS, Exchanges, Lie, exchanges
from workers import prices as worker

SYMBOLS = {"bitstamp": "ethusd", "coinbase": "ETH", "kraken": "ETHUSD"}
ALL = "median(bitstamp,coinbase,kraken)"


@pytest.fixture(scope="module")
def running() -> Iterator[Exchanges]:
    with exchanges() as street:
        yield street


@pytest.fixture
def street(running: Exchanges, database: str, redis_url: str) -> Exchanges:
    """A house that asks three exchanges what ETH is worth, and settings what USDC is."""
    running.lies.clear()
    running.prices |= {"bitstamp": "2001", "coinbase": "2000", "kraken": "1999"}
    with db.transaction() as session:
        for asset in (USDC, ETH):
            new_asset(session, asset)
        session.add(
            PricePolicy(
                asset="ETH", currency="USD", minimum=2, spread_percent=Decimal(2), set_by="test"
            )
        )
        session.flush()
        session.add_all(source(running, kind, symbol) for kind, symbol in SYMBOLS.items())
    read()
    return running


def source(street: Exchanges, kind: str, symbol: str) -> PriceSource:
    return PriceSource(
        id=new_id("psrc"),
        asset="ETH",
        currency="USD",
        name=kind,
        kind=kind,
        symbol=symbol,
        base_url=street.url,
        age_seconds=60,
        set_by="test",
    )


def ask(street: Exchanges, asset: str, kind: str, symbol: str) -> list[str]:
    return by_hand.add_ticker(asset, kind, symbol, base_url=street.url, age_seconds=60, name=kind)


def read() -> None:
    """Do what the worker does every few seconds, and forget what this process remembers."""
    worker.prices()
    service.board.forget()


def rate(asset: str = "ETH") -> Rate:
    with db.transaction() as session:
        return service.rate(session, asset)


def refusal(asset: str = "ETH") -> str:
    with pytest.raises(DependencyAway) as away:
        rate(asset)
    assert away.value.code == "rate_unavailable"
    return away.value.detail


def alarms() -> set[tuple[str, str]]:
    with db.transaction() as session:
        return {(row.kind, row.subject) for row in session.scalars(select(Alarm))}


def lie(street: Exchanges, kind: str, price: str) -> None:
    street.lies[kind] = Lie(TELLERS[kind](price))


def later(seconds: float) -> None:
    """Let everything that was read and judged be older."""
    with db.transaction() as session:
        moved = {"moved": timedelta(seconds=seconds)}
        for table, columns in {
            "rate_reading": ("said_at", "read_at", "tried_at", "failing_since"),
            "rate_state": ("expires_at", "judged_at"),
            "rate_quote": ("at",),
        }.items():
            changes = ", ".join(f"{name} = {name} - :moved" for name in columns)
            session.execute(text(f"update {table} set {changes}"), moved)
    service.board.forget()


def test_the_price_is_the_median_and_its_readings_are_kept(street: Exchanges) -> None:
    found = rate()
    assert (found.rate, found.source) == (Decimal(2000), ALL)
    with db.transaction() as session:
        quote = session.get_one(RateQuote, found.quote_id)
        assert [(one["source"], one["rate"]) for one in quote.readings] == [
            ("bitstamp", "2001"),
            ("coinbase", "2000"),
            ("kraken", "1999"),
        ]
        assert service.worth(session, Money(10**18 // 2, ETH)) == 1000
        assert service.rates(session, ["ETH", "USDC", "XYZ"]).keys() == {"ETH", "USDC"}
    assert (rate("USDC").source, rate("USDC").quote_id) == ("fixed", None)


def test_one_source_that_lies_by_half_does_not_move_the_price_and_two_stop_it(
    street: Exchanges,
) -> None:
    for kind in SYMBOLS:
        for price in ("1000", "3000"):
            street.lies.clear()
            lie(street, kind, price)
            read()
            assert Decimal(1999) <= rate().rate <= Decimal(2001)
        assert ("rate_disagreement", f"ETH/USD {kind}") in alarms()
    assert {kind for kind, _ in alarms()} == {"rate_disagreement"}
    lie(street, "kraken", "3000")
    lie(street, "coinbase", "1000")
    read()
    assert "too far apart: bitstamp 2001, coinbase 1000, kraken 3000" in refusal()
    assert ("rate_unavailable", "ETH/USD") in alarms()
    street.lies.clear()
    read()
    assert rate().rate == 2000


def test_a_source_dropped_while_it_was_asked_changes_nothing(street: Exchanges) -> None:
    with db.transaction() as session:
        rows = [row for row, _ in sources(session)]
    said = reading.ask(rows)
    by_hand.drop_source("ETH", "kraken")
    with db.transaction() as session:
        reading.record(session, said)
        names = [row.name for row, _ in sources(session)]
    assert names == ["bitstamp", "coinbase"]


def test_one_that_is_away_is_done_without_and_called_after_a_minute(street: Exchanges) -> None:
    street.lies["kraken"] = Lie(b"<html>", 503)
    read()
    assert rate().source == ALL  # what it said is fresh yet
    assert alarms() == set()
    later(61)
    read()
    assert (rate().rate, rate().source) == (Decimal("2000.5"), "median(bitstamp,coinbase)")
    assert alarms() == {("rate_source_away", "ETH/USD kraken")}
    shown = "\n".join(by_hand.shown())
    assert "kraken  1999 at " in shown
    assert "UTC, not fresh, it answered 503" in shown


def test_when_too_few_are_left_that_asset_alone_is_refused(street: Exchanges) -> None:
    street.lies |= {kind: Lie(b"", 500) for kind in ("kraken", "coinbase")}
    later(61)
    read()
    assert "1 of 2 sources have a fresh rate" in refusal()
    assert rate("USDC").rate == 1
    with db.transaction() as session:
        asking.add_chain(session)
        shop = asking.merchant(session)
        shape = InvoiceShape.of(asking.asked(session, shop))
        assert [option.asset for option in shape.payment_options] == ["USDC"]
        with pytest.raises(DependencyAway):
            asking.asked(session, shop, assets=(("ETH", asking.CHAIN),))


def test_a_price_is_quoted_anew_when_it_moves_or_is_a_minute_old(street: Exchanges) -> None:
    first = rate()
    read()
    assert rate().quote_id == first.quote_id
    street.prices["coinbase"] = "2000.7"
    read()
    second = rate()
    assert (second.rate, second.quote_id != first.quote_id) == (Decimal("2000.7"), True)
    later(61)
    read()
    assert rate().quote_id not in (first.quote_id, second.quote_id)
    assert rate().rate == second.rate
    later(55)
    assert rate().rate == second.rate
    later(6)  # and nobody reads
    assert "what was read last is too old" in refusal()


def test_an_invoice_keeps_its_quote_and_what_priced_nothing_is_forgotten(street: Exchanges) -> None:
    with db.transaction() as session:
        asking.add_chain(session)
        shape = InvoiceShape.of(asking.asked(session, asking.merchant(session), "20"))
    ether = next(option for option in shape.payment_options if option.asset == "ETH")
    assert (ether.rate, ether.rate_source, ether.amount) == ("2000", ALL, "0.01")
    assert ether.rate_quote == rate().quote_id
    assert datetime.now(UTC) - ether.rate_at < timedelta(minutes=1)
    dollar = next(option for option in shape.payment_options if option.asset == "USDC")
    assert (dollar.rate_source, dollar.rate_quote) == ("fixed", None)
    priced = {ether.rate_quote}
    street.prices["coinbase"] = "2000.1"
    read()
    unused = {rate().quote_id}
    street.prices["coinbase"] = "2000.2"
    read()
    current = {rate().quote_id}
    later(86_401)
    worker.thin()
    with db.transaction() as session:
        assert set(session.scalars(select(RateQuote.id))) >= priced | current
        assert not unused & set(session.scalars(select(RateQuote.id)))


def test_a_stable_coin_is_worth_its_pin_until_the_market_leaves_it(street: Exchanges) -> None:
    by_hand.set_policy("USDC", minimum=1, spread="1", pin="1", depeg="1.5")
    street.prices["kraken"] = "0.9995"
    street.lies["coinbase"] = Lie(b"")
    ask(street, "USDC", "kraken", "USDCUSD")
    service.board.forget()
    assert (rate("USDC").rate, rate("USDC").source) == (Decimal(1), "pinned, median(kraken)")
    street.prices["kraken"] = "0.97"
    read()
    assert "pinned to 1, but the market is elsewhere: kraken 0.97" in refusal("USDC")
    assert ("rate_unavailable", "USDC/USD") in alarms()


def test_what_does_not_answer_is_not_taken(street: Exchanges) -> None:
    street.lies["kraken"] = Lie(b"<html>")
    by_hand.set_policy("USDC", minimum=1, spread="1", pin=None, depeg="1")
    with pytest.raises(typer.BadParameter, match="kraken is not taken: its answer is no ticker"):
        ask(street, "USDC", "kraken", "USDCUSD")
    with pytest.raises(typer.BadParameter, match="one of this name already"):
        ask(street, "ETH", "coinbase", "ETH")
    with pytest.raises(typer.BadParameter, match="BTC has no policy"):
        ask(street, "BTC", "coinbase", "BTC")
    with pytest.raises(typer.BadParameter, match="is none of bitstamp, coinbase, kraken"):
        ask(street, "ETH", "mtgox", "ETH")
    with pytest.raises(typer.BadParameter, match="--spread"):
        by_hand.set_policy("ETH", minimum=2, spread="NaN", pin=None, depeg="2")
    with pytest.raises(typer.BadParameter, match="needs --pin"):
        by_hand.set_policy("ETH", minimum=0, spread="2", pin=None, depeg="2")


def test_sources_and_policies_are_dropped_by_name(street: Exchanges) -> None:
    by_hand.set_policy("ETH", minimum=2, spread="1.5", pin=None, depeg="2")
    assert by_hand.drop_source("ETH", "bitstamp")[0].startswith("ETH  1999.5 USD  median(")
    with pytest.raises(typer.BadParameter, match="no source bitstamp"):
        by_hand.drop_source("ETH", "bitstamp")
    assert by_hand.drop_policy("ETH")[0] == "ETH  2000 USD  fixed"
    service.board.forget()
    assert rate().source == "fixed"
    with db.transaction() as session:
        actions = set(session.scalars(text("select action from journal where subject = 'ETH'")))
    assert actions == {"price.policy_set", "price.source_dropped", "price.policy_dropped"}


def test_no_process_may_change_whom_it_believes(
    street: Exchanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_role(monkeypatch, "mizan_worker")
    read()
    assert rate().rate == 2000
    with pytest.raises(typer.BadParameter, match="may not set prices"):
        by_hand.set_policy("ETH", minimum=1, spread="20", pin=None, depeg="2")
    with pytest.raises(typer.BadParameter, match="may not set prices"):
        by_hand.drop_source("ETH", "kraken")
    as_role(monkeypatch, "mizan_api")
    service.board.forget()
    assert rate().rate == 2000
    for table in ("rate_reading", "rate_quote", "rate_state", "price_source"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            db.transaction() as session,
        ):
            session.execute(text(f"delete from {table}"))


def as_role(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    monkeypatch.setenv("MIZAN_DATABASE_ROLE", role)
    db.close_engine()
    settings.cache_clear()


def test_a_second_of_invoices_reads_the_prices_once(street: Exchanges) -> None:
    rate()
    with db.transaction() as session:
        session.execute(text("delete from price_policy"))
        assert service.rate(session, "ETH").source == ALL  # remembered
        service.board.forget()
        assert service.rate(session, "ETH").source == "fixed"


def test_the_commands_say_how_it_stands(street: Exchanges) -> None:
    run = CliRunner().invoke
    shown = run(commands, ["show"])
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0] == f"ETH  2000 USD  {ALL}"
    assert shown.stdout.splitlines()[-1] == "USDC  1 USD  fixed"
    pinned = run(commands, ["policy", "USDC", "--min", "0", "--pin", "1"])
    assert "USDC  1 USD  pinned" in pinned.stdout
    given = ["--url", street.url, "--name", "second"]
    taken = run(commands, ["source", "ETH", "kraken", "ETHUSD", *given])
    assert "median(bitstamp,coinbase,kraken,second)" in taken.stdout
    assert run(commands, ["drop", "ETH", "second"]).exit_code == 0
    assert run(commands, ["drop", "ETH", "second"]).exit_code == 2
    assert run(commands, ["policy", "USDC", "--drop"]).exit_code == 0
