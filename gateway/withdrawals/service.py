"""Ask for a withdrawal, decide about it, call it off. What the chain does of it is in settle.py."""

from datetime import UTC, datetime

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway import bell
from gateway.accounts import service as accounts
from gateway.chain import payout
from gateway.chain import store as chains
from gateway.chain.store import Chain
from gateway.errors import Conflict, Forbidden, InvalidAddress, NotFound, Refused
from gateway.holds import service as cases
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.policy import rules as policy_rules
from gateway.policy import service as policy
from gateway.policy.rules import Outgoing, Payee
from gateway.screening import service as screening
from gateway.sending import service as sending
from gateway.webhooks import service as webhooks
from gateway.withdrawals import holds, rules
from gateway.withdrawals.quotes import Quote, fee_quote
from gateway.withdrawals.shapes import WithdrawalShape
from gateway.withdrawals.store import Withdrawal, lock

__all__ = ["Quote", "approve", "cancel", "cancel_unsent", "fee_quote", "get", "reject", "request"]

OURS = text(
    "select exists (select from address where address = :place)"
    " or exists (select from chain where :place in (vault_factory, payout_vault, treasury))"
    " or exists (select from signer where address = :place)"
    " or exists (select from chain_asset where contract = :place)"
)
NOWHERE = bytes(20)

log = structlog.get_logger()


def request(
    session: Session,
    *,
    account_id: str,
    asset: str,
    chain: str,
    to_address: bytes,
    amount: Money,
    requested_by: str,
    refund_id: str | None = None,
    payee: Payee = "asked",
) -> Withdrawal:
    """Reserve amount and fee and judge the withdrawal: it is approved, held or rejected.

    Raises AccountFrozen, UnknownChain, UnknownAsset, InvalidAddress (ours), InsufficientFunds,
    DependencyAway (no fee), Refused (more decimals than the chain has, less than its own fee).
    """
    account = accounts.get_active(session, account_id)
    listed = chains.chain_asset(session, chains.chain(session, chain).id, asset)
    payout.payment(to_address, listed.to_chain(amount))
    refuse_ours(session, to_address)
    fee = charged(session, chain, amount, is_refund=refund_id is not None)
    row = Withdrawal(
        id=new_id("wd"),
        account_id=account.id,
        chain=chain,
        asset=asset,
        to_address=to_address,
        amount=amount.units,
        fee=fee.units,
        status=rules.REQUESTED,
        requested_by=requested_by,
        refund_id=refund_id,
    )
    holds.hold(session, row)
    session.add(row)
    session.flush()
    tell(session, row)
    judge(session, row, outgoing(row, amount, payee))
    return row


def charged(session: Session, chain: str, amount: Money, *, is_refund: bool) -> Money:
    """Return the fee; raises Refused for less than that, which only a refund may be."""
    fee = fee_quote(session, asset=amount.asset.code, chain=chain).fee
    if not is_refund and amount < fee:
        raise Refused(f"it is less than its fee of {fee}", code="amount_below_fee", field="amount")
    return fee


def refuse_ours(session: Session, place: bytes) -> None:
    """Raise InvalidAddress for an address of ours, where money would go in a circle or be lost."""
    if place == NOWHERE or session.execute(OURS, {"place": place}).scalar_one():
        raise InvalidAddress(
            "money cannot be sent there: it is an address of ours, a token's or nobody's",
            field="to_address",
        )


def judge(session: Session, row: Withdrawal, asked: Outgoing) -> None:
    """Let policy allow, hold or refuse a fresh withdrawal."""
    match policy.judge(session, asked):
        case policy_rules.Allow():
            step(session, row, "allow")
        case policy_rules.Wait(reason, until):
            row.waiting_reason, row.not_before = reason, until
            step(session, row, "allow")
        case policy_rules.Hold(reason):
            row.held_reason = reason
            step(session, row, "hold")
            cases.open_case(
                session,
                kind=cases.WITHDRAWAL,
                subject=row.id,
                account_id=row.account_id,
                reason=reason,
            )
        case policy_rules.Refuse(reason, detail):
            row.failure_reason, row.failure_detail = reason, detail or None
            end_unpaid(session, row, "refuse")


def outgoing(row: Withdrawal, amount: Money, payee: Payee) -> Outgoing:
    """Return what policy is asked about."""
    return Outgoing(
        id=row.id,
        account_id=row.account_id,
        chain=row.chain,
        to_address=row.to_address,
        amount=amount,
        requested_by=row.requested_by,
        refund_id=row.refund_id,
        payee=payee,
    )


def approve(session: Session, withdrawal_id: str, *, by: str) -> Withdrawal:
    """Let a held withdrawal go. Raises Forbidden when `by`, a key, asked for it itself (four
    eyes), Conflict when it is not held, AccountFrozen.
    """
    row = locked(session, withdrawal_id)
    rules.follow(row.status, "approve")
    if row.requested_by == by:
        raise Forbidden("who asked for it may not approve it", code="same_person")
    accounts.get_active(session, row.account_id)
    if screening.is_listed(session, row.to_address):
        raise Conflict("a list names the address: it may only be rejected", code="listed_address")
    row.decided_by = by
    step(session, row, "approve")
    cases.close(session, row.id, cases.APPROVED, by=by)
    return row


def reject(session: Session, withdrawal_id: str, *, by: str) -> Withdrawal:
    """Refuse a held withdrawal and give the money back. Raises Conflict when it is not held."""
    row = locked(session, withdrawal_id)
    row.decided_by = by
    end_unpaid(session, row, "reject")
    cases.close(session, row.id, cases.REJECTED, by=by)
    return row


def expire_held(session: Session, most: int) -> list[Withdrawal]:
    """Reject what nobody decided about in time; whoever calls tells invoices of its refunds."""
    ended = []
    for case in cases.overdue(session, most):
        row = locked(session, case.subject)
        row.failure_reason = "nobody_decided"
        end_unpaid(session, row, "reject")
        cases.close(session, row.id, cases.EXPIRED, by=journal.SYSTEM)
        ended.append(row)
    return ended


def cancel(session: Session, withdrawal_id: str) -> Withdrawal:
    """Call off what is not signed yet and give the money back; raises Conflict once it is signed,
    and while the chain is ahead of our books.

    An intent is locked before what it carries, so a signer and a cancel cannot both win.
    """
    hold_plans(session, get(session, withdrawal_id).account_id)
    take_out(session, [get(session, withdrawal_id)])
    row = locked(session, withdrawal_id)
    if row.waiting_reason == rules.BEHIND_CHAIN:
        raise Conflict("it may be paid already: an operator looks", code="wrong_state")
    if row.intent_id is not None:
        raise Conflict("the withdrawal is being sent", code="wrong_state")
    end_unpaid(session, row, "cancel")
    cases.close(session, row.id, cases.CLOSED, by=journal.SYSTEM, note="cancelled")
    return row


def cancel_unsent(session: Session, account_id: str) -> list[Withdrawal]:
    """Call off everything of an account that is not signed; returns what was cancelled.

    For a deposit that was reversed. Whoever calls tells invoices of those with a `refund_id`.
    """
    hold_plans(session, account_id)
    query = (
        select(Withdrawal)
        .where(Withdrawal.account_id == account_id, Withdrawal.status.in_(rules.UNSENT))
        .order_by(Withdrawal.id)
    )
    take_out(session, list(session.scalars(query)))
    fresh = query.with_for_update().execution_options(populate_existing=True)
    rows = [row for row in session.scalars(fresh) if row.intent_id is None]
    holds.release(session, *rows)
    for row in rows:
        row.ended_at = datetime.now(UTC)
        step(session, row, "cancel")
        cases.close(session, row.id, cases.CLOSED, by=journal.SYSTEM, note="cancelled")
    return rows


def hold_plans(session: Session, account_id: str) -> None:
    """Let nothing of the account be planned until the commit: planning locks the row too."""
    session.execute(
        text("select from account where id = :id for no key update"), {"id": account_id}
    )


def take_out(session: Session, rows: list[Withdrawal]) -> None:
    """Void the plans that carry these withdrawals, as far as they are not signed."""
    for intent_id in sorted({row.intent_id for row in rows if row.intent_id is not None}):
        if sending.take_back(session, intent_id):
            session.execute(
                text("update withdrawal set intent_id = null where intent_id = :intent"),
                {"intent": intent_id},
            )


def end_unpaid(session: Session, row: Withdrawal, happening: str) -> None:
    """End a withdrawal that was not paid: its money is free again."""
    rules.follow(row.status, happening)
    holds.release(session, row)
    row.waiting_reason = None
    row.ended_at = datetime.now(UTC)
    step(session, row, happening)


def step(session: Session, row: Withdrawal, happening: str) -> None:
    """Move a locked withdrawal along the machine and tell it."""
    row.status = rules.follow(row.status, happening)
    tell(session, row)
    if row.status == rules.APPROVED:
        bell.ring(session, "pay", row.chain)


def tell(session: Session, row: Withdrawal) -> None:
    """Emit `withdrawal.<status>` with the withdrawal as the API shows it."""
    session.flush()
    session.refresh(row)
    webhooks.emit(
        session,
        type=f"withdrawal.{row.status}",
        account_id=row.account_id,
        object_id=row.id,
        data=shape(session, row).model_dump(mode="json"),
    )
    log.info(f"withdrawal.{row.status}", withdrawal=row.id, intent=row.intent_id)


def shape(session: Session, row: Withdrawal) -> WithdrawalShape:
    """Return the withdrawal as the API shows it."""
    needed = session.get_one(Chain, row.chain).confirmations
    return WithdrawalShape.of(row, ledger.asset(session, row.asset), needed)


def get(session: Session, withdrawal_id: str) -> Withdrawal:
    """Return a withdrawal; raises NotFound."""
    row = session.get(Withdrawal, withdrawal_id, populate_existing=True)
    if row is None:
        raise NotFound("no such withdrawal")
    return row


def locked(session: Session, withdrawal_id: str) -> Withdrawal:
    """Return a withdrawal, locked; raises NotFound."""
    row = lock(session, withdrawal_id)
    if row is None:
        raise NotFound("no such withdrawal")
    return row
