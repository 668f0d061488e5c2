"""Native coin to accounts that were never used, each by itself, where that is cheaper.

A call pays for making an account, a plain transaction does not: the node is asked what each way
costs, because forks change it. The coin comes from the signer's own account, beyond what it needs
for gas; without enough there, or where a vault asks for a second key, the vault pays as ever.
One nonce is used once, so this too happens once.
"""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.port import Node, NodeError, Receipt
from gateway.chain.store import Chain
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.sending import rules as sending_rules
from gateway.sending import service as sending
from gateway.sending.call import Call, SignerRefuses
from gateway.sending.store import Intent
from gateway.withdrawals import payload
from gateway.withdrawals.plan import Job, estimated, write
from gateway.withdrawals.store import Withdrawal

KIND = "send"
ALONE_MAX = 8
"""Planned in one round, so that batches have their turn among what a signer may have in flight."""
RESERVED_TRANSACTIONS, RESERVED_GAS = 50, 500_000
"""What is left to the signer for the gas of others."""
ON_ITS_WAY = text("""
    select coalesce(sum(i.amount), 0) from intent i
    left join transaction t on t.intent_id = i.id
    where i.signer_id = :signer and i.kind = 'send'
        and (i.status = 'planned' or (i.status = 'signed' and t.state = 'signed'))
""")

log = structlog.get_logger()


def plan_alone(node: Node, job: Job, seq: int) -> list[Withdrawal]:
    """Plan what goes by itself; returns the withdrawals that are left to a batch.

    Raises NodeAway.
    """
    rows = list(job.rows)
    if job.listed.contract is not None or not job.chain.send_alone:
        return rows
    if job.chain.payout_approver is not None:
        return rows
    fresh = never_used(node, rows)
    if not fresh or not is_cheaper(node, job, fresh, seq):
        return rows
    sent = {row.id for row in fresh[:ALONE_MAX] if send(node, job, row)}
    return [row for row in rows if row.id not in sent]


def never_used(node: Node, rows: Sequence[Withdrawal]) -> list[Withdrawal]:
    """Return the withdrawals to accounts that are not there yet (EIP-161: empty)."""
    places = [row.to_address for row in rows]
    held = node.balances(places, None, node.head().hash)
    return [
        row
        for row, units in zip(rows, held, strict=True)
        if units == 0 and node.nonce(row.to_address) == 0 and not node.code(row.to_address)
    ]


def is_cheaper(node: Node, job: Job, fresh: list[Withdrawal], seq: int) -> bool:
    """True if a transaction of its own costs less than a part of a batch of such accounts."""
    try:
        alone = node.estimate_gas(sender=job.signer.address, to=fresh[0].to_address, value=1)
        batch = estimated(node, job, fresh, seq)
    except NodeError:
        return False
    return alone * len(fresh) < batch


def send(node: Node, job: Job, row: Withdrawal) -> bool:
    """Plan one withdrawal by itself; False when the signer has not enough to spare."""
    level = sending.ask_fees(node)
    fees = sending_rules.fees(int(level.base_fee), int(level.tip))
    with db.transaction() as session:
        asset = ledger.asset(session, row.asset)
        units = job.listed.to_chain(Money(int(row.amount), asset))
        going = session.execute(ON_ITS_WAY, {"signer": job.signer.id}).scalar_one()
        if sending.is_busy(session, job.signer.id):
            return False
    reserve = RESERVED_TRANSACTIONS * RESERVED_GAS * fees.cap
    spoken_for = job.listed.to_chain(Money(int(going), asset)) + reserve
    if node.balance(job.signer.address) - spoken_for < units:
        return False
    estimate = node.estimate_gas(sender=job.signer.address, to=row.to_address, value=units)
    gas = sending_rules.gas_limit(estimate)
    if gas is None or sending_rules.refusal_of_fees(gas=gas, tip=fees.tip, cap=fees.cap):
        return False
    return write(job, [row], sending.Proposal(gas=gas, fees=fees), kind=KIND)


def encode(session: Session, intent: Intent, chain: Chain, seq: int) -> Call:
    """Return the plain transfer that pays an intent's one withdrawal, worked out from its row.

    Raises SignerRefuses as payload.payments_of, and for anything but one payment of native coin.
    """
    del seq
    payload.keep_to_switches(session, chain, intent)
    listed, payments = payload.payments_of(session, intent, chain)
    if listed.contract is not None or len(payments) != 1 or chain.payout_approver is not None:
        raise SignerRefuses("not_alone")
    (payment,) = payments
    return Call(to=payment[:20], data=b"", value=int.from_bytes(payment[20:], "big"))


def book(session: Session, row: Withdrawal, receipt: Receipt) -> None:
    """Book that the coin came from the signer: the capture took it from the vault."""
    asset = ledger.asset(session, row.asset)
    facts: dict[str, Any] = {
        "key": f"alone:{row.id}",
        "money": Money(int(row.amount), asset),
        "movement": Movement.SENT_ALONE,
        "ref": row.id,
        "evidence": ledger.Evidence(row.chain, receipt.block_number, receipt.tx_hash),
    }
    ledger.post(
        session,
        debit=ledger.house(session, Chart.HOT, asset, row.chain),
        credit=ledger.house(session, Chart.GAS_TANK, asset, row.chain),
        **facts,
    )
