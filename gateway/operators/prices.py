"""Prices, by hand: whom we ask, how their answers make a price, and how that stands now.

Policies and sources are written as the owner of the tables: no process of the application can
change whom it believes.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import typer
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.address import parse_address
from gateway.chain.store import chain
from gateway.errors import GatewayError
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.money import USD
from gateway.prices import reading, rules
from gateway.prices import shown as standing
from gateway.prices.shapes import RateShape, SourceShape
from gateway.prices.store import PricePolicy, PriceSource, sources
from gateway.prices.tickers import TICKERS

PERCENT_MAX = 20


@contextmanager
def as_owner() -> Iterator[Session]:
    """Give a session; what is refused is said to whoever typed the command."""
    try:
        with db.transaction() as session:
            yield session
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal
    except IntegrityError as refusal:
        raise typer.BadParameter("there is one of this name already") from refusal
    except ProgrammingError as refusal:
        if "permission denied" not in str(refusal):
            raise
        raise typer.BadParameter("this login may not set prices: use the one that migrates") from (
            refusal
        )


def shown() -> list[str]:
    """Return a line for each asset, and under it one for each source."""
    with db.transaction() as session:
        return [line for rate in standing.every(session) for line in lines(rate)]


def lines(rate: RateShape) -> list[str]:
    """Say how one price stands."""
    price = f"{rate.rate} {rate.currency}  {rate.source}" if rate.rate else f"none: {rate.detail}"
    return [f"{rate.asset}  {price}", *(f"    {spoken(source)}" for source in rate.sources)]


def spoken(source: SourceShape) -> str:
    """Say how a source does."""
    said = "nothing yet"
    if source.rate is not None and source.said_at is not None:
        said = f"{source.rate} at {source.said_at:%Y-%m-%d %H:%M:%S} UTC"
    health = "fresh" if source.fresh else "not fresh"
    return f"{source.source}  {said}, {health}{f', {source.error}' if source.error else ''}"


def number(text: str, name: str, most: int | None = None) -> Decimal:
    """Read a positive number, or stop the command."""
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise typer.BadParameter(f"{name}: {text!r} is no number") from error
    if not rules.is_plausible(found) or (most is not None and found > most):
        raise typer.BadParameter(f"{name}: {text} is not between 0 and {most or 'what is a price'}")
    return found


def set_policy(asset: str, *, minimum: int, spread: str, pin: str | None, depeg: str) -> list[str]:
    """Write how an asset's price is made, and read its sources."""
    if minimum == 0 and pin is None:
        raise typer.BadParameter("a price that no source makes needs --pin")
    values = {
        "minimum": minimum,
        "spread_percent": number(spread, "--spread", PERCENT_MAX),
        "pin": None if pin is None else number(pin, "--pin"),
        "depeg_percent": None if pin is None else number(depeg, "--depeg", PERCENT_MAX),
        "set_by": getpass.getuser(),
    }
    with as_owner() as session:
        code = ledger.asset(session, asset).code
        row = session.get(PricePolicy, (code, USD.code))
        if row is None:
            row = PricePolicy(asset=code, currency=USD.code)
            session.add(row)
        for name, value in values.items():
            setattr(row, name, value)
        row.set_at = datetime.now(UTC)
        session.flush()
        write(session, "price.policy_set", code, values)
    return settled()


def drop_policy(asset: str) -> list[str]:
    """Forget an asset's policy and sources; settings fix its price from now on, or nothing does."""
    with as_owner() as session:
        row = policy_of(session, asset)
        session.execute(
            delete(PricePolicy).where(
                PricePolicy.asset == row.asset, PricePolicy.currency == row.currency
            )
        )
        write(session, "price.policy_dropped", row.asset, {})
    return shown()


def add_ticker(
    asset: str, kind: str, symbol: str, *, base_url: str | None, age_seconds: int, name: str
) -> list[str]:
    """Ask an exchange from now on, if it answers."""
    if kind not in TICKERS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(TICKERS)}")
    with as_owner() as session:
        policy_of(session, asset)
    return add(
        PriceSource(
            asset=asset,
            name=name,
            kind=kind,
            symbol=symbol,
            base_url=base_url,
            age_seconds=age_seconds,
        )
    )


def add_feed(
    asset: str,
    chain_id: str,
    contract: str,
    *,
    age_seconds: int,
    sequencer: str | None,
    name: str,
) -> list[str]:
    """Ask an on-chain feed from now on, if it answers."""
    with as_owner() as session:
        policy_of(session, asset)
        place = chain(session, chain_id).id
        at = parse_address(contract, "contract")
        uptime = None if sequencer is None else parse_address(sequencer, "sequencer")
    return add(
        PriceSource(
            asset=asset,
            name=name,
            kind="feed",
            chain=place,
            contract=at,
            sequencer=uptime,
            age_seconds=age_seconds,
        )
    )


def add(row: PriceSource) -> list[str]:
    """Ask a source once and take it; what does not answer is refused."""
    row.id, row.currency, row.set_by = new_id("psrc"), USD.code, getpass.getuser()
    said = reading.ask_one(row)
    if said.rate is None:
        raise typer.BadParameter(f"{row.name} is not taken: {said.error}")
    with as_owner() as session:
        session.add(row)
        session.flush()
        facts = {"name": row.name, "kind": row.kind, "symbol": row.symbol, "chain": row.chain}
        facts["contract"] = f"0x{row.contract.hex()}" if row.contract else None
        write(session, "price.source_added", row.asset, facts)
    return settled()


def drop_source(asset: str, name: str) -> list[str]:
    """Ask a source no longer."""
    with as_owner() as session:
        policy_of(session, asset)
        query = delete(PriceSource).where(PriceSource.asset == asset, PriceSource.name == name)
        if session.scalar(query.returning(PriceSource.id)) is None:
            raise typer.BadParameter(f"{asset} has no source {name}")
        write(session, "price.source_dropped", asset, {"name": name})
    return settled()


def policy_of(session: Session, asset: str) -> PricePolicy:
    """Return an asset's policy, or stop the command."""
    row = session.scalar(
        select(PricePolicy).where(PricePolicy.asset == asset, PricePolicy.currency == USD.code)
    )
    if row is None:
        raise typer.BadParameter(f"{asset} has no policy: mizan prices policy {asset}")
    return row


def settled() -> list[str]:
    """Read every source and say how the prices stand now."""
    with db.transaction() as session:
        rows = [row for row, _ in sources(session)]
    said = reading.ask(rows)
    with db.transaction() as session:
        reading.record(session, said)
        reading.settle(session, datetime.now(UTC))
    return shown()


def write(session: Session, action: str, subject: str, facts: dict[str, Any]) -> None:
    """Write it into the journal."""
    told = {
        name: str(value) if isinstance(value, Decimal) else value for name, value in facts.items()
    }
    journal.write(session, actor="command line", action=action, subject=subject, facts=told)
