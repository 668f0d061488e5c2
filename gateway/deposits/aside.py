"""What cannot be credited by itself goes to the inbox; what cannot even be written calls somebody.

The facts are in the alarm and in the log, too: should the inbox refuse them, nothing is silent.
"""

from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.port import Header
from gateway.deposits.distrust import distrust
from gateway.deposits.payment import ODD_EVENTS, SET_ASIDE, WRONG_ASSET, Payment, Stray
from gateway.deposits.store import Deposit
from gateway.deposits.watched import Watched
from gateway.inbox import service as inbox
from gateway.inbox.rules import Transfer
from gateway.inbox.store import Item
from gateway.invoices import service as invoices
from gateway.webhooks import alarms

log = structlog.get_logger()


def put_stray(
    session: Session, chain: str, block: Header, stray: Stray, *, again: bool = False
) -> None:
    """Put what came to us and is no payment into the inbox; saying it twice changes nothing.

    `again` is true of a block that was read before.
    """
    if stray.count:
        more = transfer_of(chain, block, stray.kind, stray.payment)
        inbox.put_crowd(session, more, stray.count, again=again)
        return
    if stray.kind == SET_ASIDE:
        alarm(session, chain, block, stray.payment, stray.detail)
    if stray.distrust and stray.payment.contract is not None:
        distrust(session, chain, stray.payment.contract, stray.distrust, stray.detail)
    put(session, chain, block, stray.kind, stray.payment, detail=stray.detail, again=again)


def tell_left_out(session: Session, chain: str, block: Header, count: int) -> None:
    """Call an operator about events that were too many to be put into the inbox, once."""
    log.warning("strays.left_out", chain=chain, block=block.number, events=count)
    alarms.raise_alarm(
        session,
        kind="strays_left_out",
        subject=chain,
        detail=(
            f"block {block.number} has {count} more transfers of tokens that are not listed, to"
            " addresses of ours, than are put into the inbox; the log names the blocks. Should you"
            f" list such a token, read them again: mizan rescan {chain} {block.number}"
        ),
    )


def tell_odd(session: Session, watched: Watched, contract: bytes, detail: str) -> None:
    """Call an operator about a listed token whose payments cannot be read as others' are, once."""
    _, asset = watched.listed[contract]
    alarms.raise_alarm(
        session,
        kind=ODD_EVENTS,
        subject=f"{watched.chain} {asset.code}",
        detail=f"{detail}: payments in it are not credited by themselves",
    )


def put_wrong_asset(session: Session, block: Header, payment: Payment, deposit: Deposit) -> None:
    """Put a deposit into the inbox whose invoice did not ask for its asset; it is credited, too.

    The merchant hears of it once.
    """
    put(
        session,
        deposit.chain,
        block,
        WRONG_ASSET,
        payment,
        asset=deposit.asset,
        detail=f"invoice {deposit.invoice_id} does not offer {deposit.asset} on {deposit.chain}",
        deposit_id=deposit.id,
        opened=partial(invoices.unexpected, session),
    )


def set_aside(
    session: Session, chain: str, block: Header, payment: Payment, error: Exception
) -> None:
    """Keep a payment that could not be written for a person, and call an operator.

    Raises what the database says when it only asks for patience.
    """
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    tell_log(session, "deposit.set_aside", chain, block, payment, error)
    alarm(session, chain, block, payment, said)
    try:
        with session.begin_nested():
            put(session, chain, block, SET_ASIDE, payment, detail=said)
    except Exception as refusal:  # the alarm has the facts; what is behind it is owed its sighting
        if asks_for_patience(refusal):
            raise
        tell_log(session, "inbox.refused", chain, block, payment, refusal)


def asks_for_patience(error: Exception) -> bool:
    """True if the same may succeed later: the server is busy or away, the connection is lost."""
    return isinstance(error, OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def tell_log(
    session: Session, event: str, chain: str, block: Header, payment: Payment, error: Exception
) -> None:
    """Log an error with its trace, after the commit: writing it takes long, and locks are held."""
    told = facts(block, payment)
    write = partial(log.error, event, chain=chain, exc_info=error, **told)
    db.after_commit(session, (event, payment.tx_hash, payment.position), write)


def alarm(session: Session, chain: str, block: Header, payment: Payment, detail: str) -> None:
    """Call an operator, once for each transaction."""
    told = ", ".join(f"{name} {value}" for name, value in facts(block, payment).items())
    alarms.raise_alarm(
        session,
        kind="payment_set_aside",
        subject=f"{chain} 0x{payment.tx_hash.hex()}",
        detail=f"{told}: {detail}",
    )


def put(
    session: Session,
    chain: str,
    block: Header,
    kind: str,
    payment: Payment,
    *,
    asset: str | None = None,
    detail: str,
    deposit_id: str | None = None,
    opened: Callable[[Item], None] | None = None,
    again: bool = False,
) -> None:
    """Put a payment's facts into the inbox, as the chain has them."""
    transfer = transfer_of(chain, block, kind, payment)
    inbox.put(
        session,
        transfer,
        asset=asset,
        detail=detail,
        deposit_id=deposit_id,
        opened=opened,
        again=again,
    )


def transfer_of(chain: str, block: Header, kind: str, payment: Payment) -> Transfer:
    """Return a payment as the inbox takes it."""
    return Transfer(
        chain=chain,
        kind=kind,
        address=payment.to,
        sender=payment.sender,
        contract=payment.contract,
        units=payment.units,
        tx_hash=None if payment.tx_hash == block.hash else payment.tx_hash,
        position=payment.position,
        block_number=block.number,
        block_hash=block.hash,
        block_time=block.time,
        log_index=payment.log_index,
    )


def facts(block: Header, payment: Payment) -> dict[str, object]:
    """Return what a person needs to find the payment on its chain."""
    return {
        "tx": "0x" + payment.tx_hash.hex(),
        "kind": payment.kind,
        "position": payment.position,
        "to": "0x" + payment.to.hex(),
        "units": payment.units,
        "block": block.number,
    }
