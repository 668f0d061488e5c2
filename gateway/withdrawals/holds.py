"""What the ledger keeps for a withdrawal: its amount against the hot vault, its fee against fees.

Within one transaction amounts come before fees: every writer locks ledger accounts in that order.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.policy import service as policy
from gateway.withdrawals.store import Withdrawal

AMOUNT, FEE = "amount", "fee"


def hold_id(withdrawal_id: str, part: str) -> UUID:
    """Return the id of the hold of a withdrawal's amount or fee."""
    return ledger.key_id(key(withdrawal_id, part))


def key(withdrawal_id: str, part: str) -> str:
    """Return the key of a movement of a withdrawal."""
    return f"withdrawal:{withdrawal_id}:{part}"


def movement(row: Withdrawal, part: str) -> Movement:
    """Return why the money moves."""
    if part == FEE:
        return Movement.WITHDRAWAL_FEE
    return Movement.REFUND if row.refund_id else Movement.WITHDRAWAL


def parts(row: Withdrawal) -> list[str]:
    """Return what is held; a fee may be nothing."""
    return [AMOUNT, FEE] if row.fee else [AMOUNT]


def hold(session: Session, row: Withdrawal) -> None:
    """Reserve amount and fee. Raises InsufficientFunds, AccountFrozen."""
    asset = ledger.asset(session, row.asset)
    places = {
        AMOUNT: (ledger.house(session, Chart.HOT, asset, row.chain), int(row.amount)),
        FEE: (ledger.house(session, Chart.FEES, asset), int(row.fee)),
    }
    owner = ledger.owned(session, row.account_id, asset)
    for part in parts(row):
        credit, units = places[part]
        ledger.hold(
            session,
            key=key(row.id, part),
            debit=owner,
            credit=credit,
            money=Money(units, asset),
            movement=movement(row, part),
            ref=row.id,
        )


def capture(session: Session, row: Withdrawal, evidence: ledger.Evidence) -> None:
    """Post amount and fee: the chain has paid."""
    for part in parts(row):
        ledger.capture(
            session,
            key=key(row.id, f"{part}:captured"),
            hold_id=hold_id(row.id, part),
            movement=movement(row, part),
            ref=row.id,
            evidence=evidence,
        )


def release(session: Session, *rows: Withdrawal) -> None:
    """Give amounts and fees back, and what was reserved of the limits."""
    ordered = sorted(rows, key=lambda row: (row.asset, row.chain, row.id))
    for part in (AMOUNT, FEE):
        for row in ordered:
            if part in parts(row):
                ledger.release(
                    session,
                    key=key(row.id, f"{part}:released"),
                    hold_id=hold_id(row.id, part),
                    movement=movement(row, part),
                    ref=row.id,
                )
    for row in ordered:
        policy.free(session, row.id)
