"""Native coin that was found at an address and that no payment explains: its books and its inbox.

It is booked as unswept and owed to somebody unknown. What turns out to be a payment after all, or
leaves the chain with its block, is taken out of the books again.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog
from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.chain.address import show_address
from gateway.chain.port import Header
from gateway.chain.store import ChainAsset
from gateway.deposits.payment import Payment
from gateway.deposits.watched import Watched
from gateway.ids import new_id
from gateway.inbox import books, explain
from gateway.inbox import service as inbox
from gateway.inbox.rules import UNATTRIBUTED, Transfer
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.webhooks import alarms

POSITION = "balance"
"""Where in its block the coin came from is not known."""

STANDING = text("""
    select tx_hash, position, address, amount from deposit where chain = :chain
        and block_hash = :hash and kind = 'native' and status in ('confirming', 'credited')
""")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Block:
    """The final block at which balances were read."""

    number: int
    hash: bytes
    time: datetime


class FoundCoin(db.Base):
    """So much more than we knew of was at an address by this block; ledger units."""

    __tablename__ = "found_coin"

    id: Mapped[str] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(ForeignKey("chain.id"))
    asset: Mapped[str]
    address: Mapped[bytes]
    block_hash: Mapped[bytes]
    block_number: Mapped[int]
    units: Mapped[Decimal]
    item_id: Mapped[str]


def book(session: Session, listed: ChainAsset, block: Block, address: bytes, money: Money) -> None:
    """Book what was found, open an item for it and call an operator."""
    transfer = Transfer(
        chain=listed.chain,
        kind=UNATTRIBUTED,
        address=address,
        sender=None,
        contract=None,
        units=listed.to_chain(money),
        tx_hash=None,
        position=POSITION,
        block_number=block.number,
        block_hash=block.hash,
        block_time=block.time,
    )
    detail = f"at block {block.number} there is more than payments we saw brought there"
    item_id = inbox.put(session, transfer, asset=listed.asset, detail=detail)
    assert item_id is not None, "no two rounds read one block"
    coin = FoundCoin(
        id=new_id("fnd"),
        chain=listed.chain,
        asset=listed.asset,
        address=address,
        block_hash=block.hash,
        block_number=block.number,
        units=Decimal(money.units),
        item_id=item_id,
    )
    session.add(coin)
    session.flush()
    post(session, coin, money, f"found:{coin.id}", back=False)
    subject = f"{listed.chain} {show_address(address)}"
    detail = f"{money} {listed.asset} of unknown origin: {item_id}"
    alarms.raise_alarm(session, kind=UNATTRIBUTED, subject=subject, detail=detail)
    log.warning("native.unattributed", item=item_id, chain=listed.chain, block=block.number)


def post(session: Session, coin: FoundCoin, money: Money, key: str, *, back: bool) -> None:
    """Move found coin into the books, or `back` out of them."""
    unswept = ledger.house(session, Chart.UNSWEPT, money.asset, coin.chain)
    owed = ledger.house(session, Chart.UNATTRIBUTED, money.asset)
    ledger.post(
        session,
        key=key,
        debit=owed if back else unswept,
        credit=unswept if back else owed,
        money=money,
        movement=Movement.UNATTRIBUTED,
        ref=coin.item_id,
        evidence=ledger.Evidence(coin.chain, coin.block_number),
    )


def orphan_above(session: Session, chain: str, number: int) -> None:
    """Take out of the books what was found in blocks that left the chain.

    What an operator gave away meanwhile stays given: that is the house's loss, and one is called.
    """
    query = select(FoundCoin).where(FoundCoin.chain == chain, FoundCoin.block_number > number)
    for coin in session.scalars(query.order_by(FoundCoin.id).with_for_update()).all():
        if books.holder_of(session, inbox.locked(session, coin.item_id)) is not None:
            alarms.raise_alarm(
                session,
                kind="unattributed_lost",
                subject=coin.item_id,
                detail="its block left the chain after an operator had decided whose it is",
            )
        money = Money(int(coin.units), ledger.asset(session, coin.asset))
        post(session, coin, money, f"found:{coin.id}:lost", back=True)
        session.delete(coin)
    session.flush()


def missed(
    session: Session, watched: Watched, block: Header, payments: list[Payment]
) -> list[Payment]:
    """Return the payments of an old block that are not in the books in another form.

    For blocks that are read again: a move may stand there under another position, told by another
    driver; and it may be what the probe found, which then is given back for the payment.
    """
    if not any(payment.kind == "native" for payment in payments):
        return payments
    rows = session.execute(STANDING, {"chain": watched.chain, "hash": block.hash}).all()
    places = {(bytes(row.tx_hash), row.position) for row in rows}
    told = {(one.tx_hash, one.position) for one in payments if one.kind == "native"}
    others = Counter(
        (bytes(row.tx_hash), bytes(row.address), int(row.amount))
        for row in rows
        if (bytes(row.tx_hash), row.position) not in told
    )
    kept = []
    for payment in payments:
        if payment.kind == "native" and (payment.tx_hash, payment.position) not in places:
            listed, asset = watched.listed[None]
            money = listed.to_ledger(payment.units, asset)
            same = (payment.tx_hash, payment.to, money.units)
            if others[same] > 0:
                others[same] -= 1
                continue
            if not given_back(session, listed, block, payment, money):
                continue
        kept.append(payment)
    return kept


def given_back(
    session: Session, listed: ChainAsset, block: Header, payment: Payment, money: Money
) -> bool:
    """Take out of the books what was found of a payment; False if an operator gave it away."""
    query = select(FoundCoin).where(
        FoundCoin.chain == listed.chain,
        FoundCoin.address == payment.to,
        FoundCoin.block_number >= block.number,
    )
    coins = session.scalars(query.order_by(FoundCoin.block_number).with_for_update()).all()
    decided = [
        coin
        for coin in coins
        if books.holder_of(session, inbox.locked(session, coin.item_id)) is not None
    ]
    if decided:
        alarms.raise_alarm(
            session,
            kind="already_assigned",
            subject=f"{listed.chain} {payment.tx_hash.hex()} {payment.position}",
            detail=f"a payment was found to what {decided[0].item_id} decided about: not credited",
        )
        return False
    left = money.units
    for coin in coins:
        part = Money(min(left, int(coin.units)), money.asset)
        if part.units == 0:
            break
        left -= part.units
        why = f"it was paid by 0x{payment.tx_hash.hex()}"
        key = f"found:{coin.id}:{payment.tx_hash.hex()}:{payment.position}"
        post(session, coin, part, key, back=True)
        explain.less(session, coin.item_id, listed.to_chain(part), why)
        if coin.units == part.units:
            session.delete(coin)
        else:
            coin.units = Decimal(int(coin.units) - part.units)
        session.flush()
    return True
