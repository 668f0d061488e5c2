"""A merchant that is paid out to a saved address, and what came of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from gateway import db
from gateway.book import service as book
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.payouts import rules, schedules, service
from gateway.payouts.store import Payout
from tests.flow.books import CHAIN, USDC
from tests.flow.outgoing import SOMEBODY, chain_rows, rich
from workers.payouts import payouts

FEE = 150_000


def open_shop() -> str:
    """Open a merchant with 500 USDC on a fresh database; returns its account."""
    with db.transaction() as session:
        chain_rows(session)
        return rich(session, dollars=500)


def open_book(account: str) -> str:
    """Save the address that payouts go to; returns its entry."""
    with db.transaction() as session:
        return save(session, account)


def save(session: Any, account: str, address: bytes = SOMEBODY) -> str:
    return book.add(
        session, account_id=account, chain=CHAIN, address=address, label="bank", by="key_a"
    ).id


def pay_now(account: str, entry: str, units: int | None = None) -> Payout:
    with db.transaction() as session:
        amount = None if units is None else Money(units, USDC)
        return service.pay_now(
            session, account_id=account, asset="USDC", entry_id=entry, amount=amount, by="key_a"
        )


def put(account: str, entry: str, *, due: bool = True, **terms: Any) -> str:
    """Set a daily schedule, whose time has come unless `due` is False."""
    plan = schedules.Plan(
        asset="USDC",
        entry_id=entry,
        calendar=rules.Calendar("day", 1, terms.pop("hour", 6)),
        minimum=Money(terms.pop("minimum", 0), USDC),
        keep=Money(terms.pop("keep", 0), USDC),
        active=terms.pop("active", True),
    )
    with db.transaction() as session:
        row = schedules.put(session, account_id=account, plan=plan, by="key_a")
        if due:
            row.next_at = datetime.now(UTC) - timedelta(seconds=1)
        return row.id


def rows() -> list[Payout]:
    with db.transaction() as session:
        return session.query(Payout).order_by(Payout.id).all()


def shown(payout: Payout) -> tuple[str, str | None, str | None]:
    with db.transaction() as session:
        found = service.shape(session, service.get(session, payout.id))
        return found.status, found.amount, found.waiting_reason


def told() -> list[str]:
    with db.transaction() as session:
        query = text("select type from event where type like 'payout.%' order by seq")
        return [kind.removeprefix("payout.") for kind in session.scalars(query)]


def again() -> None:
    """Let everything that waits be tried now."""
    with db.transaction() as session:
        session.execute(text("update payout set retry_at = now() where status = 'waiting'"))
    payouts()


def balance(account: str) -> ledger.Balance:
    with db.transaction() as session:
        return ledger.balance(session, account, USDC)
