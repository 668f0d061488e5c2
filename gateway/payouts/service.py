"""Pay a balance out: now, or by its schedule. Each payout is one withdrawal, through policy.

A payout and the withdrawal that carries it are written in one transaction, and a time of a schedule
has one payout, so neither a crash nor a second worker pays twice.
"""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.orm import Session
from structlog import get_logger

from gateway.book.store import BookEntry
from gateway.chain.store import chain_asset
from gateway.errors import GatewayError, NotFound, Refused
from gateway.ids import new_id
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.payouts import rules
from gateway.payouts.shapes import PayoutShape
from gateway.payouts.store import Payout, PayoutSchedule, claimed
from gateway.webhooks import service as webhooks
from gateway.withdrawals import service as withdrawals
from gateway.withdrawals.store import Withdrawal

log = get_logger()


def get(session: Session, payout_id: str) -> Payout:
    """Return a payout; raises NotFound."""
    row = session.get(Payout, payout_id)
    if row is None:
        raise NotFound("no such payout")
    return row


def target(session: Session, account_id: str, entry_id: str) -> BookEntry:
    """Return an active address of an account's book; raises Refused."""
    entry = session.get(BookEntry, entry_id, populate_existing=True)
    if entry is None or entry.account_id != account_id or entry.removed_at is not None:
        raise Refused(
            "this is no address of the account's book",
            code="address_not_in_book",
            field="address_entry",
        )
    if entry.active_after > datetime.now(UTC):
        raise Refused(
            f"the address may be used from {entry.active_after:%Y-%m-%d %H:%M} UTC on",
            code="address_not_active",
            field="address_entry",
        )
    return entry


def pay_now(
    session: Session, *, account_id: str, asset: str, entry_id: str, amount: Money | None, by: str
) -> Payout:
    """Pay an amount out, or all that is there, to an address of the book.

    Raises Refused (not in the book or not active yet, nothing there), and as withdrawals.request.
    """
    entry = target(session, account_id, entry_id)
    row = Payout(
        id=new_id("po"),
        account_id=account_id,
        chain=entry.chain,
        asset=asset,
        entry_id=entry.id,
        to_address=entry.address,
        status=rules.WAITING,
        requested_by=by,
    )
    if amount is None:
        none = Money(0, ledger.asset(session, asset))
        amount = everything(session, row, keep=none, minimum=none)
    send(session, row, amount)
    return row


def everything(session: Session, row: Payout, *, keep: Money, minimum: Money) -> Money:
    """Return what a payout of all that is there sends; raises Refused, DependencyAway."""
    money = keep.asset
    listed = chain_asset(session, row.chain, money.code)
    return rules.whole(
        available=ledger.balance(session, row.account_id, money).available,
        keep=keep,
        fee=withdrawals.fee_quote(session, asset=money.code, chain=row.chain).fee,
        minimum=minimum,
        step=int(10 ** (money.decimals - listed.decimals)),
    )


def send(session: Session, row: Payout, amount: Money) -> None:
    """Have a withdrawal carry the payout; policy may refuse it at once. Raises as its `request`."""
    carrier = withdrawals.request(
        session,
        account_id=row.account_id,
        asset=row.asset,
        chain=row.chain,
        to_address=row.to_address,
        amount=amount,
        requested_by=row.requested_by,
    )
    row.withdrawal_id, row.amount = carrier.id, Decimal(amount.units)
    row.status, row.waiting_reason = rules.PENDING, None
    session.add(row)
    tell(session, row, "created")
    finish(session, row, carrier)


def attempt(session: Session, payout_id: str) -> None:
    """Try a waiting payout of a schedule; what stands in its way is its `waiting_reason`."""
    row = claimed(session, payout_id)
    if row is None or row.status != rules.WAITING:
        return
    schedule = session.get_one(PayoutSchedule, row.schedule_id)
    money = ledger.asset(session, row.asset)
    try:
        with session.begin_nested():
            entry = target(session, row.account_id, schedule.entry_id)
            row.entry_id, row.to_address = entry.id, entry.address
            amount = everything(
                session,
                row,
                keep=Money(int(schedule.keep), money),
                minimum=Money(int(schedule.minimum), money),
            )
            send(session, row, amount)
    except GatewayError as refusal:
        session.refresh(row)
        wait(session, row, refusal.code)


def wait(session: Session, row: Payout, reason: str) -> None:
    """Let a payout wait for a while; a new reason is told."""
    row.retry_at = datetime.now(UTC) + rules.RETRY
    if row.waiting_reason != reason:
        row.waiting_reason = reason
        tell(session, row, rules.WAITING)
    session.flush()


def skip(session: Session, row: Payout, reason: str | None = None) -> None:
    """End a locked payout that waited until the next time of its schedule came."""
    row.status, row.ended_at = rules.SKIPPED, datetime.now(UTC)
    row.waiting_reason = reason or row.waiting_reason
    tell(session, row, rules.SKIPPED)


def settle(session: Session, payout_id: str) -> None:
    """Take note of how a payout's withdrawal ended; doing it twice changes nothing."""
    row = claimed(session, payout_id)
    if row is not None and row.status == rules.PENDING:
        finish(session, row, session.get_one(Withdrawal, row.withdrawal_id))


def finish(session: Session, row: Payout, carrier: Withdrawal) -> None:
    """End a payout with its withdrawal."""
    if carrier.status in rules.ENDED:
        row.status, row.ended_at = carrier.status, carrier.ended_at
        tell(session, row, row.status)


def tell(session: Session, row: Payout, what: str) -> None:
    """Emit `payout.<what>` with the payout as the API shows it."""
    session.flush()
    session.refresh(row)
    log.info(f"payout.{what}", payout=row.id, withdrawal=row.withdrawal_id)
    webhooks.emit(
        session,
        type=f"payout.{what}",
        account_id=row.account_id,
        object_id=row.id,
        data=shape(session, row).model_dump(mode="json"),
    )


def shape(session: Session, row: Payout) -> PayoutShape:
    """Return the payout as the API shows it."""
    carrier = session.get(Withdrawal, row.withdrawal_id) if row.withdrawal_id else None
    return PayoutShape.of(row, ledger.asset(session, row.asset), carrier)
