"""What other rooms ask of deposits."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
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


def confirming(session: Session, account_id: str) -> dict[str, Money]:
    """Return what is still confirming for an account, by asset code."""
    precise = {asset.code: asset for asset in ledger.assets(session)}
    rows = session.execute(CONFIRMING, {"account": account_id})
    return {row.asset: Money(int(row.units), precise[row.asset]) for row in rows}


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


def head(session: Session, deposit_id: str) -> int:
    """Return the newest block read of a deposit's chain; raises NotFound."""
    return session.get_one(Cursor, get(session, deposit_id).chain).number


def shapes(session: Session, deposits: list[Deposit]) -> list[DepositShape]:
    """Show deposits with the confirmations they have now."""
    precise: dict[str, Asset] = {asset.code: asset for asset in ledger.assets(session)}
    shown = []
    for deposit in deposits:
        cursor = session.get(Cursor, deposit.chain)
        head = cursor.number if cursor else None
        asset = precise[deposit.asset]
        shown.append(DepositShape.of(deposit, asset, head))
    return shown
