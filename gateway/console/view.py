"""What the operators' page shows: facts only, no HTML."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.accounts.store import Account
from gateway.chain.address import show_address
from gateway.deposits.store import Deposit
from gateway.holds import service as holds
from gateway.holds.store import HeldCase
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.pauses.store import Pause
from gateway.withdrawals.store import Withdrawal

SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class HoldView:
    """A hold with what a person needs to decide; `counterparty` is where to or where from."""

    id: str
    kind: str
    reason: str
    handle: str
    amount: str
    asset: str
    chain: str
    counterparty: str
    owner: str | None
    mine: bool
    opened: datetime
    hours: int
    ends_at: datetime | None


def open_holds(session: Session, key_id: str) -> list[HoldView]:
    """Return what waits for a decision, the oldest first."""
    query = select(HeldCase).where(HeldCase.status == holds.OPEN).order_by(HeldCase.id)
    return [shown(session, case, key_id) for case in session.scalars(query.limit(SHOWN_MAX))]


def shown(session: Session, case: HeldCase, key_id: str) -> HoldView:
    """Return a hold with the facts of what is held."""
    asked_by = None
    if case.kind == holds.WITHDRAWAL:
        withdrawal = session.get_one(Withdrawal, case.subject)
        amount, asset, chain = withdrawal.amount, withdrawal.asset, withdrawal.chain
        counterparty, asked_by = withdrawal.to_address, withdrawal.requested_by
    else:
        deposit = session.get_one(Deposit, case.subject)
        amount, asset, chain = deposit.amount, deposit.asset, deposit.chain
        counterparty = deposit.from_address
    age = datetime.now(UTC) - case.created_at
    return HoldView(
        id=case.id,
        kind=case.kind,
        reason=case.reason,
        handle=session.get_one(Account, case.account_id).handle,
        amount=str(Money(int(amount), ledger.asset(session, asset))),
        asset=asset,
        chain=chain,
        counterparty=show_address(counterparty),
        owner=case.owner,
        mine=asked_by == key_id,
        opened=case.created_at,
        hours=int(age.total_seconds() // 3600),
        ends_at=case.ends_at,
    )


def active_pauses(session: Session) -> list[Pause]:
    """Return what is stopped now, the newest first."""
    query = select(Pause).where(Pause.lifted_at.is_(None)).order_by(Pause.id.desc())
    return list(session.scalars(query.limit(SHOWN_MAX)))
