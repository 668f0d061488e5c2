"""The end of a sweep: what its receipt says arrived is booked, a vault at a time."""

from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import vaults
from gateway.chain.address import show_address
from gateway.chain.port import Receipt
from gateway.chain.store import Chain
from gateway.deposits import dust
from gateway.money import Money
from gateway.sending import follow as following
from gateway.sending import sweeps, unswept
from gateway.sending.follow import Open
from gateway.sending.sweeps import Booked
from gateway.webhooks.alarms import raise_alarm
from workers.follow import alarm


def end(chain: Chain, item: Open, receipt: Receipt, depth: int) -> None:
    """Book a sweep whose receipt is final; once more is nothing."""
    del depth
    if not receipt.succeeded:
        alarm("sweep_reverted", item.transaction.id, "a sweep reverted; it is planned again")
    swept, _ = vaults.sweep_events(chain.vault_factory, receipt.logs)
    for one in swept:
        with db.transaction() as session:
            if following.claim_end(session, item.transaction.id, receipt) is None:
                return
            if not book(session, chain, item, one, receipt):
                return
    with db.transaction() as session:
        if following.claim_end(session, item.transaction.id, receipt) is None:
            return
        empty = sweeps.close_items(session, item.intent.id, tried=receipt.succeeded)
        following.finish(session, item.transaction.id, receipt)
    for row in empty:
        subject = f"{row.asset} {show_address(row.address)}"
        alarm("sweep_failed", subject, "the vault gave nothing; it is tried again later")


def call_off(item: Open, receipt: Receipt) -> None:
    """End a cancelled sweep: its vaults may be planned again."""
    with db.transaction() as session:
        if following.claim_end(session, item.transaction.id, receipt) is None:
            return
        sweeps.close_items(session, item.intent.id, tried=False)
        following.finish(session, item.transaction.id, receipt, cancelled=True)


def book(session: Session, chain: Chain, item: Open, one: vaults.Swept, receipt: Receipt) -> bool:
    """Book one vault's sweep. False while a deposit it took along may still be credited."""
    asset = sweeps.listed_by(session, chain, one.token).asset
    address = vaults.vault_address(chain.vault_factory, one.salt)
    block = receipt.block_number
    if not dust.take_along(session, chain=chain.id, asset=asset, address=address, block=block):
        return False
    due = unswept.in_books(session, chain=chain.id, asset=asset, address=address, block=block)
    booked = sweeps.book(
        session, item.transaction, item.intent, chain, one, receipt=receipt, due=due
    )
    if booked is not None:
        tell_difference(session, booked)
    return True


def tell_difference(session: Session, booked: Booked) -> None:
    """Raise an alarm where a vault held something else than the books said."""
    subject = f"{booked.asset.code} {show_address(booked.address)}"
    for kind, units in (("sweep_surplus", booked.surplus), ("sweep_short", booked.missing)):
        if units:
            detail = f"{Money(units, booked.asset)} {booked.asset.code} differ from the deposits"
            raise_alarm(session, kind=kind, subject=subject, detail=detail)
