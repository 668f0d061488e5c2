"""Write what was found of a signer: the rows it would have left here, and nothing they settle.

The ordinary workers then find the transactions mined and end them: withdrawals, sweeps and gas are
booked once, by the code that always does. What belongs to nobody is booked here, as unexplained.
"""

from decimal import Decimal

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway import bell
from gateway.chain import vaults
from gateway.chain.address import show_address
from gateway.chain.port import tohex
from gateway.chain.store import Chain
from gateway.errors import Conflict
from gateway.gasless import fate as gasless
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.operators.recover_match import Reading, read
from gateway.sending import follow as following
from gateway.sending import service as sending
from gateway.sending import sweeps
from gateway.sending.ahead import Standing
from gateway.sending.call import Call
from gateway.sending.store import Attempt, Intent, Signer, SweepItem, Transaction
from gateway.sending.unknown import CANCEL, PAYOUT, RELAY, SEND, SWEEP
from gateway.webhooks.alarms import raise_alarm
from gateway.withdrawals import quotes, recovered
from gateway.withdrawals.service import take_out
from gateway.withdrawals.store import of_intent

LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
UNSWEPT = text(
    "select coalesce(sum(units), 0) from unswept"
    " where chain = :chain and asset = :asset and address = :address"
)

log = structlog.get_logger()


def book(
    session: Session, place: Chain, standing: Standing, left: list[Reading], *, by: str
) -> str:
    """Write one signer's transactions and move its nonce; returns what was done.

    `left` is what was shown and is not written yet, of all signers. Raises Conflict when anything
    is not as it was shown.
    """
    for name in ("plan", "sweep"):
        session.execute(LOCK, {"name": f"{name} {place.id}"})
    signer = session.get_one(
        Signer, standing.signer.id, with_for_update=True, populate_existing=True
    )
    again = read(session, place, [one.found for one in left])
    same = [one.claims for one in again] == [one.claims for one in left]
    if signer.next_nonce != standing.signer.next_nonce or not same:
        raise Conflict("something changed since it was shown: run it again")
    mine = [one for one in again if one.found.signer.id == signer.id]
    free_plans(session, signer)
    free_taken(session, standing)
    for reading in mine:
        write(session, place, signer, reading, by=by)
    signer.next_nonce = max(signer.next_nonce, standing.used)
    names = [one.found.name for one in mine]
    facts = {"transactions": names, "nonce": signer.next_nonce}
    journal.write(session, actor=by, action="signer.recovered", subject=signer.id, facts=facts)
    session.flush()
    log.warning("signer.recovered", signer=signer.id, **facts)
    for task in ("pay", "sweep", "relay"):
        bell.ring(session, task, place.id)
    return f"{show_address(signer.address)}: {len(mine)} written; the workers settle them"


def free_plans(session: Session, signer: Signer) -> None:
    """Void what is planned for the signer: it may be among what it sent."""
    query = select(Intent).where(
        Intent.signer_id == signer.id, Intent.status.in_(("planned", "refused"))
    )
    for intent in session.scalars(query.order_by(Intent.id)).all():
        if intent.kind == SWEEP:
            sending.take_back(session, intent.id)
            sweeps.close_items(session, intent.id, tried=False)
        elif intent.kind == RELAY:
            sending.take_back(session, intent.id)
            gasless.release(session, intent.id)
        else:
            take_out(session, of_intent(session, intent.id))


def free_taken(session: Session, standing: Standing) -> None:
    """Let go of what is signed here for a nonce that something else has used."""
    for one in standing.taken:
        row = session.get_one(Transaction, one.id, with_for_update=True, populate_existing=True)
        intent = session.get_one(Intent, row.intent_id, with_for_update=True)
        if intent.kind == SWEEP:
            sweeps.close_items(session, intent.id, tried=False)
        elif intent.kind == RELAY:
            gasless.release(session, intent.id)
        else:
            recovered.free(session, intent.id)
        intent.status = "cancelled"
        row.seq = None
    session.flush()


def write(session: Session, place: Chain, signer: Signer, reading: Reading, *, by: str) -> None:
    """Write one transaction as if it had been signed here."""
    found, mined = reading.found, reading.found.mined
    intent = Intent(
        id=new_id("int"),
        chain=place.id,
        kind=kind_of(reading),
        asset=(reading.listed or quotes.native_asset(session, place.id)).asset,
        signer_id=signer.id,
        amount=Decimal(amount_of(session, place, reading)),
        payload=payload_of(reading),
        gas=int(mined.gas_hex, 16),
        tip=Decimal(mined.tip),
        cap=Decimal(mined.cap),
        status="signed",
        created_at=found.at,
    )
    session.add(intent)
    session.flush()
    row = transaction_of(session, signer, reading, intent)
    session.add(attempt_of(reading, row, intent))
    session.flush()
    if found.kind == SWEEP and reading.listed is not None:
        add_items(session, place, reading, intent)
    ours = [one.withdrawal.id for one in reading.payments if one.withdrawal is not None]
    recovered.bind(session, ours, intent, by=by)
    book_unexplained(session, place, reading)
    if reading.is_foreign:
        close(session, place, row, intent, reading)


def attempt_of(reading: Reading, row: Transaction, intent: Intent) -> Attempt:
    """Return the signed bytes that the chain has, as the signer would have kept them."""
    found = reading.found
    return Attempt(
        hash=found.receipt.tx_hash,
        transaction_id=row.id,
        raw=found.raw,
        tip=intent.tip,
        cap=intent.cap,
        gas=intent.gas,
        outcome="known",
        sent_at=found.at,
        cancels=found.kind == CANCEL,
        created_at=found.at,
    )


def kind_of(reading: Reading) -> str:
    """Return which workers follow it."""
    if reading.found.kind in (PAYOUT, SWEEP):
        return reading.found.kind
    if reading.found.kind == SEND and not reading.is_foreign:
        return SEND
    return reading.found.signer.role


def amount_of(session: Session, place: Chain, reading: Reading) -> int:
    """Return the ledger units it sends away, or sweeps as far as the books know."""
    if reading.listed is None:
        return 0
    if reading.found.sweep is not None and reading.found.kind == SWEEP:
        _, _, salts = reading.found.sweep
        return sum(unswept_at(session, place, reading, salt) for salt in salts)
    return sum(
        reading.money(int.from_bytes(one.word[20:], "big")).units for one in reading.payments
    )


def unswept_at(session: Session, place: Chain, reading: Reading, salt: bytes) -> int:
    """Return what the books have at the address of a salt."""
    assert reading.asset is not None
    address = vaults.vault_address(place.vault_factory, salt)
    facts = {"chain": place.id, "asset": reading.asset.code, "address": address}
    return max(0, int(session.execute(UNSWEPT, facts).scalar_one()))


def payload_of(reading: Reading) -> dict[str, object]:
    """Return what the intent says: the payments that are withdrawals of ours, or the sweep."""
    found = reading.found
    if found.kind == SWEEP and found.sweep is not None:
        return sweeps.describe(found.sweep[1], found.sweep[2])
    ours = [one for one in reading.payments if one.withdrawal is not None]
    return {
        "withdrawals": [one.withdrawal.id for one in ours if one.withdrawal],
        "payments": [one.word.hex() for one in ours],
    }


def transaction_of(
    session: Session, signer: Signer, reading: Reading, intent: Intent
) -> Transaction:
    """Return the row of the nonce: a new one, or the one of what was signed here for it in vain.

    What reverted has no sequence number: the vault takes it again.
    """
    found = reading.found
    row = recovered.transaction_at(session, signer.id, found.nonce)
    if row is None:
        row = Transaction(id=new_id("tx"), signer_id=signer.id, nonce=found.nonce)
        session.add(row)
    row.intent_id = intent.id
    row.call_hash = Call(found.mined.to, found.mined.data, value=found.mined.value).hash
    row.seq = found.batch.seq if found.batch and found.receipt.succeeded else None
    row.asset, row.amount = intent.asset, intent.amount
    row.created_at = found.at
    session.flush()
    return row


def add_items(session: Session, place: Chain, reading: Reading, intent: Intent) -> None:
    """Write down the vaults of a sweep, as far as the books know what was in them."""
    assert reading.found.sweep is not None
    _, _, salts = reading.found.sweep
    for salt in sorted(set(salts)):
        session.add(
            SweepItem(
                intent_id=intent.id,
                asset=intent.asset,
                salt=salt,
                chain=place.id,
                address=vaults.vault_address(place.vault_factory, salt),
                expected=Decimal(unswept_at(session, place, reading, salt)),
            )
        )
    session.flush()


def book_unexplained(session: Session, place: Chain, reading: Reading) -> None:
    """Book what left for no withdrawal of ours, and call a person."""
    lines = []
    receipt = reading.found.receipt
    source = Chart.GAS_TANK if reading.found.kind == SEND else Chart.HOT
    for number, payment in reading.unexplained:
        if reading.asset is None:
            continue
        money = reading.money(int.from_bytes(payment.word[20:], "big"))
        outflow(session, place, reading, money, source, number)
        lines.append(f"{money} {money.asset.code} to {show_address(payment.word[:20])}")
    if reading.is_foreign and receipt.succeeded and not lines and reading.found.kind != RELAY:
        value = reading.found.mined.value
        lines.append(f"{value} wei and a call to {tohex(reading.found.mined.to)}")
    if lines:
        raise_alarm(
            session,
            kind="unknown_payout",
            subject=reading.found.name,
            detail="it left for no withdrawal that we know: " + "; ".join(lines),
        )


def outflow(
    session: Session, place: Chain, reading: Reading, money: Money, source: Chart, number: int
) -> None:
    """Book one amount that left, as unexplained."""
    receipt = reading.found.receipt
    ledger.post(
        session,
        key=f"unexplained:{reading.found.name}:{number}",
        debit=ledger.house(session, Chart.UNEXPLAINED, money.asset),
        credit=ledger.house(session, source, money.asset, place.id),
        money=money,
        movement=Movement.UNKNOWN_PAYOUT,
        ref=reading.found.name,
        evidence=ledger.Evidence(place.id, receipt.block_number, receipt.tx_hash),
    )


def close(
    session: Session, place: Chain, row: Transaction, intent: Intent, reading: Reading
) -> None:
    """End what no worker would end: its block is final and its gas is paid."""
    receipt, mined = reading.found.receipt, reading.found.mined
    row.state, intent.status = (
        ("confirmed", "done") if receipt.succeeded else ("reverted", "reverted")
    )
    row.tx_hash, row.block_number = receipt.tx_hash, receipt.block_number
    row.block_hash, row.succeeded = receipt.block_hash, receipt.succeeded
    row.gas_used, row.fee = receipt.gas_used, Decimal(receipt.fee)
    session.flush()
    following.book_gas(session, place.id, row.id, receipt)
    if mined.value and receipt.succeeded and reading.found.kind != SEND:
        native = quotes.native_asset(session, place.id)
        money = native.to_ledger(mined.value, ledger.asset(session, native.asset))
        outflow(session, place, reading, money, Chart.GAS_TANK, 0)
