"""What other rooms ask of deposits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain.store import Chain
from gateway.deposits.shapes import DepositShape
from gateway.deposits.store import Cursor, Deposit
from gateway.errors import NotFound
from gateway.ledger import service as ledger
from gateway.money import Asset, Money

CONFIRMING = text("""
    select asset, sum(amount) as units from deposit
    where account_id = :account and status = 'confirming' group by asset
""")
# Deposits that wait for others to reach the minimum do not hold it back: they are pending.
CREDITED_THROUGH = text("""
    select b.number, b.hash from block b join watch_cursor c on c.chain = b.chain
    where b.chain = :chain and b.canonical and b.number <= least(
        c.number - :required + 1,
        (select min(d.block_number) - 1 from deposit d
            join chain_asset a on a.chain = d.chain and a.asset = d.asset
            where d.chain = :chain and d.status = 'confirming'
                and d.amount >= a.minimum_deposit))
    order by b.number desc limit 1
""")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block we read of a chain, when it was made and when we took it."""

    chain: str
    number: int | None
    block_time: datetime | None
    seen_at: datetime | None
    block_seconds: float


def confirming(session: Session, account_id: str) -> dict[str, Money]:
    """Return what is still confirming for an account, by asset code."""
    precise = {asset.code: asset for asset in ledger.assets(session)}
    rows = session.execute(CONFIRMING, {"account": account_id})
    return {row.asset: Money(int(row.units), precise[row.asset]) for row in rows}


def heads(session: Session) -> list[Head]:
    """Return the newest read block of every active chain; no number where none was read yet."""
    found = []
    for chain in chains.chains(session):
        cursor = session.get(Cursor, chain.id)
        read = cursor is not None and cursor.hash is not None
        found.append(
            Head(
                chain.id,
                cursor.number if cursor and read else None,
                cursor.block_time if cursor and read else None,
                cursor.seen_at if cursor else None,
                float(chain.block_seconds),
            )
        )
    return found


def credited_through(session: Session, chain: str) -> tuple[int, bytes] | None:
    """Return the newest block up to which every deposit is credited: number and hash.

    The block at which custody accounts and the chain can be compared; None before the first.
    """
    required = chains.chain(session, chain).confirmations
    row = session.execute(CREDITED_THROUGH, {"chain": chain, "required": required}).one_or_none()
    return None if row is None else (row.number, bytes(row.hash))


def get(session: Session, deposit_id: str) -> Deposit:
    """Return a deposit; raises NotFound."""
    deposit = session.get(Deposit, deposit_id)
    if deposit is None:
        raise NotFound("no such deposit")
    return deposit


def shapes(session: Session, deposits: list[Deposit]) -> list[DepositShape]:
    """Show deposits with the confirmations they have now."""
    precise: dict[str, Asset] = {asset.code: asset for asset in ledger.assets(session)}
    shown = []
    for deposit in deposits:
        chain = session.get_one(Chain, deposit.chain)
        cursor = session.get(Cursor, deposit.chain)
        head = cursor.number if cursor else None
        asset = precise[deposit.asset]
        shown.append(DepositShape.of(deposit, asset, chain.confirmations, head))
    return shown
