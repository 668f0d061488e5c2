"""Payments below the minimum: they wait for others, or for a sweep that takes them along anyway.

A minimum is there because fetching a coin costs gas. A sweep that empties the address for what else
is in it fetches the small ones for nothing, so they are credited then: what we hold is owed.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.deposits import credit
from gateway.money import Asset, Money

# Held until the commit, as for any credit.
CURSOR = text("""
    select number, halted_since is not null as halted from watch_cursor
    where chain = :chain for share
""")
SMALL_ONES = text("""
    select d.id from deposit d join watch_cursor w on w.chain = d.chain
    join chain_asset a on a.chain = d.chain and a.asset = d.asset
    where d.chain = :chain and d.address = :address and d.asset = :asset
        and d.status = 'confirming' and d.amount < a.minimum_deposit and d.block_number <= :block
        and is_final(d.finality, d.required, d.block_number, w.number, w.safe, w.finalized)
    order by d.id
""")
UNDECIDED = text("""
    select exists (select from deposit where chain = :chain and address = :address
        and asset = :asset and status = 'confirming' and block_number <= :block)
""")
# Up to a block below which every larger deposit is credited, whatever still confirms is too small.
TOO_SMALL = text("""
    select coalesce(sum(amount), 0) from deposit
    where chain = :chain and asset = :asset and status = 'confirming' and block_number <= :block
""")


def take_along(session: Session, *, chain: str, asset: str, address: bytes, block: int) -> bool:
    """Credit what is final and was only too small, as a sweep in `block` took it along.

    False while a deposit up to that block may still be credited or taken back: the sweep cannot be
    booked before. Deposits it may have taken are all known once the watcher has read its block.
    """
    facts = {"chain": chain, "asset": asset, "address": address, "block": block}
    at = session.execute(CURSOR, {"chain": chain}).one_or_none()
    if at is None or at.halted or at.number < block:
        return False
    for deposit_id in session.scalars(SMALL_ONES, facts).all():
        credit.book(session, deposit_id, at.number)
    return not session.execute(UNDECIDED, facts).scalar_one()


def below_minimum(session: Session, chain: str, asset: Asset, block: int) -> Money:
    """Return what is at deposit addresses and in no books, being too small to be credited yet.

    `block` is one up to which everything else is credited: service.credited_through.
    """
    facts = {"chain": chain, "asset": asset.code, "block": block}
    return Money(int(session.execute(TOO_SMALL, facts).scalar_one()), asset)
