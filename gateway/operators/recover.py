"""After an old backup was restored: find what our signers sent that it does not know, and book it.

The signers stand still meanwhile, because the chain is ahead of the books. Nothing is written
before an operator has looked at what was found.
"""

import getpass
from collections.abc import Iterator

import typer
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import payout, vaults
from gateway.chain.address import show_address
from gateway.chain.evm import Questions, node
from gateway.chain.store import Chain
from gateway.chain.store import chain as chain_of
from gateway.deposits import service as deposits
from gateway.errors import GatewayError
from gateway.operators import recover_book
from gateway.operators.recover_match import Payment, Reading, read
from gateway.sending import service as sending
from gateway.sending.ahead import Standing, standings
from gateway.sending.rules import confirmations
from gateway.sending.store import Transaction
from gateway.sending.unknown import FOREIGN, RELAY, SWEEP, Found, scan


def recover(chain_id: str, *, book: bool) -> Iterator[str]:
    """Yield what is missing, line by line; with `book`, write it, one transaction a signer.

    Raises BadParameter when the chain cannot be asked or this login may not write; Exit with 1
    when it is too early to book.
    """
    try:
        with db.transaction() as session:
            place = chain_of(session, chain_id)
        yield from recovered(place, node(chain_id), book=book)
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal
    except ProgrammingError as refusal:
        if "permission denied" not in str(refusal):
            raise
        raise typer.BadParameter("this login may not write it: use the one that migrates") from (
            refusal
        )


def recovered(place: Chain, asked: Questions, *, book: bool) -> Iterator[str]:
    """Find, show, and book if that is wanted."""
    all_of_them = standings(asked, place.id)
    yield from (described(place, asked, one) for one in all_of_them)
    behind = [one for one in all_of_them if one.missing]
    if not behind:
        yield "nothing is missing: the books know every transaction of these signers"
        return
    found = scan(asked, place, behind, first_block(place, behind))
    with db.transaction() as session:
        readings = read(session, place, found)
    for reading in readings:
        yield from lines(place, reading)
    early = list(too_early(place, asked, behind, found))
    yield from early
    if early and book:
        raise typer.Exit(1)
    if not book:
        yield "nothing was written; look at it, then run it again with --book"
        return
    for standing in behind:
        with db.transaction() as session:
            yield recover_book.book(session, place, standing, readings, by=getpass.getuser())
        readings = [one for one in readings if one.found.signer.id != standing.signer.id]


def described(place: Chain, asked: Questions, one: Standing) -> str:
    """Say how a signer stands here and on the chain."""
    signer = one.signer
    said = (
        f"{signer.role} signer {show_address(signer.address)}:"
        f" next nonce {signer.next_nonce} here, {one.used} on chain"
    )
    if signer.role == "payout":
        call = payout.seq_call(signer.address)
        expected = payout.read_seq(asked.call(place.payout_vault, call))
        with db.transaction() as session:
            said += f"; next batch {sending.next_seq(session, signer)} here, {expected} on chain"
    if one.taken:
        nonces = ", ".join(str(row.nonce) for row in one.taken)
        said += f"; nonce {nonces} is used by something else than what is signed here"
    return said


def first_block(place: Chain, behind: list[Standing]) -> int:
    """Return the block of the last transaction we know, of the signer whose is the oldest."""
    newest = func.max(Transaction.block_number)
    query = select(Transaction.signer_id, newest).group_by(Transaction.signer_id)
    with db.transaction() as session:
        last = {row[0]: row[1] for row in session.execute(query)}
    return min(last.get(one.signer.id) or place.start_block for one in behind)


def lines(place: Chain, reading: Reading) -> Iterator[str]:
    """Say what a transaction did and whose withdrawals its payments are."""
    found = reading.found
    end = "" if found.receipt.succeeded else ", reverted"
    what = FOREIGN if reading.is_foreign and found.kind != RELAY else found.kind
    yield (
        f"nonce {found.nonce} of {show_address(found.signer.address)},"
        f" block {found.receipt.block_number}: {what}{end} {found.name}"
    )
    for payment in reading.payments:
        yield f"    {spoken(reading, payment)}"
    if found.kind == SWEEP and found.sweep is not None:
        swept, _ = vaults.sweep_events(place.vault_factory, found.receipt.logs)
        yield f"    {len(found.sweep[2])} addresses to {show_address(found.sweep[1])}"
        yield f"    {len(swept)} amounts arrived"


def spoken(reading: Reading, payment: Payment) -> str:
    """Say one payment, and whose it is."""
    units = int.from_bytes(payment.word[20:], "big")
    amount = f"{units} units" if reading.asset is None else f"{reading.money(units)}"
    code = "" if reading.asset is None else f" {reading.asset.code}"
    whose = "no withdrawal of ours"
    if payment.withdrawal is not None:
        whose = f"withdrawal {payment.withdrawal.id} ({payment.withdrawal.status})"
    refused = "" if payment.paid else ", not paid: the recipient refused it"
    return f"{amount}{code} to {show_address(payment.word[:20])}: {whose}{refused}"


def too_early(
    place: Chain, asked: Questions, behind: list[Standing], found: list[Found]
) -> Iterator[str]:
    """Yield why it cannot be booked yet."""
    head = asked.head().number
    for one in found:
        depth = confirmations(head, one.receipt.block_number)
        if depth < place.confirmations:
            yield f"too early: {one.name} has {depth} of {place.confirmations} confirmations"
    for standing in behind:
        yield from too_early_for(asked, standing, found)
    swept = [one.receipt.block_number for one in found if one.kind == SWEEP]
    with db.transaction() as session:
        through = deposits.credited_through(session, place.id)
    if swept and (through is None or through[0] < max(swept)):
        yield f"too early: deposits are not credited up to block {max(swept)} yet"


def too_early_for(asked: Questions, standing: Standing, found: list[Found]) -> Iterator[str]:
    """Yield why what one signer sent cannot be booked yet."""
    signer = standing.signer
    name = show_address(signer.address)
    seen = {one.nonce for one in found if one.signer.id == signer.id}
    lost = [nonce for nonce in standing.missing if nonce not in seen]
    if lost:
        yield f"too early: nonces {lost[:10]} of {name} are in no block that was read"
    known = max(standing.used, signer.next_nonce)
    waiting = asked.nonce(signer.address, "pending") - known
    if waiting > 0:
        yield f"too early: {waiting} transactions of {name} that we do not know wait in the pool"
    with db.transaction() as session:
        still = unsettled(session, standing)
    if still:
        yield f"too early: {still} transactions of {name} that we know are not settled yet"


def unsettled(session: Session, standing: Standing) -> int:
    """Return how many known transactions of a signer are mined and not ended: pay ends them."""
    query = select(func.count()).where(
        Transaction.signer_id == standing.signer.id,
        Transaction.nonce < standing.used,
        Transaction.state.in_(("signed", "mined")),
        Transaction.id.not_in([row.id for row in standing.taken]),
    )
    return int(session.scalar(query) or 0)
