"""Plan what sends a signed payment, once the node says that the token would take it.

Facts are read first, the node is asked outside any transaction, and the plan is written only if
the row is still as it was.
"""

from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.port import Node, NodeError
from gateway.chain.store import Chain
from gateway.errors import DependencyAway
from gateway.gasless import fate, rules, service, store
from gateway.gasless import sending as parcels
from gateway.gasless.sending import KIND, Parcel
from gateway.gasless.store import PaymentAuthorization
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.sending import rules as sending_rules
from gateway.sending import service as sending
from gateway.sending.call import SignerRefuses
from gateway.sending.store import Signer
from workers.follow import alarm_of

PLANS_MAX = 16
"""Looked at in one round: a node is asked several times for each."""
TOO_DEAR = "gas_too_dear"
HAS_ANOTHER = "payer_has_another"
TOO_MANY = "too_many"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A queued payment, and the signer who would send it."""

    place: Chain
    row: PaymentAuthorization
    parcel: Parcel
    signer: Signer


def plan_all(place: Chain, node: Node) -> None:
    """Plan what is queued, what is new first. Raises NodeAway."""
    with db.transaction() as session:
        ids = [row.id for row in store.waiting(session, place.id, PLANS_MAX)]
        signer = sending.idle_signer(session, place.id, service.ROLE) if ids else None
    if signer is None:
        return
    try:
        sending.check_account(node, signer)
    except sending.Trouble as trouble:
        alarm_of(trouble, signer.id)
        return
    for authorization_id in ids:
        plan_one(place, node, signer, authorization_id)


def plan_one(place: Chain, node: Node, signer: Signer, authorization_id: str) -> None:
    """Plan one payment, or end it where it cannot be sent any more. Raises NodeAway."""
    job = read(place, signer, authorization_id)
    if job is None:
        return
    reason = parcels.look(node, job.parcel, signer.address)
    if reason is not None:
        fail(authorization_id, reason)
        return
    gas = estimated(node, job)
    if gas is None or gas > rules.GAS_MAX:
        fail(authorization_id, "gas_above_limit")
        return
    level = sending.ask_fees(node)
    fees = sending_rules.fees(int(level.base_fee), int(level.tip))
    with db.transaction() as session:
        sending.remember_fees(session, place.id, level)
    write(job, sending.Proposal(gas=gas, fees=fees), price=int(level.base_fee) + int(level.tip))


def read(place: Chain, signer: Signer, authorization_id: str) -> Job | None:
    """Return what is to be planned; None if it is planned or over, or ends here."""
    with db.transaction() as session:
        row = locked(session, authorization_id)
        if row is None:
            return None
        if (over := service.over(session, row)) is not None:
            fate.change(session, row, "failed", reason=over)
            return None
        if not is_payers_turn(session, row):
            return None
        try:
            parcel = parcels.parcel_of(session, row, place)
        except SignerRefuses as refusal:
            fate.change(session, row, "failed", reason=str(refusal))
            return None
        if parcels.seconds_left(parcel.signed) < rules.SEND_SECONDS_MIN:
            fate.change(session, row, "failed", reason="expired")
            return None
        return Job(place, row, parcel, signer)


def is_payers_turn(session: Session, row: PaymentAuthorization) -> bool:
    """True if a locked row may be planned as far as its payer goes: one at a time, so that its
    reverts are known before the next. Too many of them end it.
    """
    if service.is_on_its_way(session, row.chain, row.payer):
        fate.change(session, row, "queued", reason=HAS_ANOTHER)
        return False
    if service.payer_failures(session, row.chain, row.payer) >= rules.PAYER_FAILURES_MAX:
        fate.change(session, row, "failed", reason=TOO_MANY)
        return False
    return True


def locked(session: Session, authorization_id: str) -> PaymentAuthorization | None:
    """Return the row, locked, if it is queued and in no plan."""
    row = session.get_one(
        PaymentAuthorization, authorization_id, with_for_update=True, populate_existing=True
    )
    return row if row.status == "queued" and row.intent_id is None else None


def fail(authorization_id: str, reason: str) -> None:
    """End a payment that was never signed for."""
    with db.transaction() as session:
        row = locked(session, authorization_id)
        if row is not None:
            fate.change(session, row, "failed", reason=reason)


def estimated(node: Node, job: Job) -> int | None:
    """Return the gas to send it with, None when the node would not run it."""
    try:
        found = node.estimate_gas(
            sender=job.signer.address, to=job.parcel.domain.contract, data=job.parcel.data
        )
    except NodeError as error:
        log.warning("authorization.no_estimate", authorization=job.row.id, error=error.message)
        return None
    return sending_rules.gas_limit(found)


def write(job: Job, proposal: sending.Proposal, price: int) -> None:
    """Write the intent, unless the payment is too dear now, a unit of gas costing `price` wei, or
    somebody was faster.
    """
    with db.transaction() as session:
        row = locked(session, job.row.id)
        if row is None or sending.is_busy(session, job.signer.id):
            return
        if not is_payers_turn(session, row):
            return
        if is_too_dear(session, job, row, proposal, price):
            fate.change(session, row, "queued", reason=TOO_DEAR)
            return
        intent = sending.plan(
            session,
            signer=job.signer,
            kind=KIND,
            amount=Money(0, ledger.asset(session, row.asset)),
            payload=parcels.describe(row, job.parcel.domain.contract),
            proposal=proposal,
        )
        row.intent_id = intent.id
        fate.change(session, row, "queued")
    log.info("authorization.planned", authorization=row.id, intent=intent.id)


def is_too_dear(
    session: Session,
    job: Job,
    row: PaymentAuthorization,
    proposal: sending.Proposal,
    price: int,
) -> bool:
    """True while the payment is not worth its gas; it waits until its signature ends."""
    fees = proposal.fees
    if sending_rules.refusal_of_fees(gas=proposal.gas, tip=fees.tip, cap=fees.cap) is not None:
        return True
    token = store.tokens(session, [job.place.id]).get((job.place.id, row.asset))
    if token is None:
        return True
    try:
        least = service.least_worth(session, job.place, token, wei=proposal.gas * price)
    except DependencyAway as error:
        log.warning("authorization.no_price", authorization=row.id, detail=error.detail)
        return True
    return int(row.value) < least
