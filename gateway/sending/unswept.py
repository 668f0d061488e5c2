"""What is at deposit addresses: which vaults may be swept, how much of a sweep is booked already.

The table `unswept` has a row only for what is open, so nothing here grows with what ever came.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from gateway.sending.sweep_rules import Content

RETRY_SECONDS = 600
"""A vault that gave nothing is left alone for so long, twice as long each time after that."""
RETRY_SECONDS_MAX = 86_400

# A vault waits for every deposit that may still vanish, of whatever asset: native coin goes along
# with a sweep of any. What is final and only too small to be credited does not hold it up.
FREE = """
    from unswept u join address a on a.chain = u.chain and a.address = u.address
    where u.chain = :chain and u.asset = :asset and u.units > 0
        and not exists (
            select from deposit d join watch_cursor w on w.chain = d.chain
            where d.chain = u.chain and d.address = u.address and d.status = 'confirming'
                and not is_final(
                    d.finality, d.required, d.block_number, w.number, w.safe, w.finalized))
        and not exists (
            select from sweep_item i join intent n on n.id = i.intent_id
            where i.chain = u.chain and i.address = u.address and i.swept is null
                and n.status in ('planned', 'signed'))
        and not exists (
            select from (
                select max(i.created_at) as at, least(count(*), 20) as times from sweep_item i
                where i.chain = u.chain and i.asset = u.asset and i.address = u.address
                    and i.failed) f
            where f.at > now() - make_interval(
                secs => least(:retry * power(2, f.times - 1), :retry_most)))
"""
COLUMNS = (
    "select u.address, a.salt, u.units,"
    " greatest(0, extract(epoch from now() - u.since))::bigint as age"
)
FULLEST = text(f"{COLUMNS} {FREE} order by u.units desc limit :most")
OLDEST = text(
    f"{COLUMNS} {FREE} and u.since <= now() - make_interval(secs => :age)"
    " order by u.since limit :most"
)
STILL_FREE = text(f"{COLUMNS} {FREE} and u.address = any(:addresses)")
FREE_UNITS = text(f"select coalesce(sum(u.units), 0) {FREE}")
HALTED = text("select halted_since is not null from watch_cursor where chain = :chain")
DEMAND = text("""
    select coalesce(sum(amount), 0) from withdrawal
    where chain = :chain and asset = :asset and status = 'approved' and intent_id is null
""")
ON_THE_WAY = text("""
    select coalesce(sum(i.amount), 0) from intent i left join transaction t on t.intent_id = i.id
    where i.chain = :chain and i.asset = :asset and i.kind = 'sweep'
        and i.status in ('planned', 'signed') and coalesce(t.state, 'signed') = 'signed'
        and i.payload ->> 'to' = :to
""")
# Locked: two sweeps of an address are booked one after the other. What came after the sweep's block
# is not in it; in its own block a deposit may stand before or after the sweep. Coin the probe found
# was there before: it looks at no address while a sweep of it is not booked.
BOOKED = text("""
    select u.units - coalesce(later.after, 0) as at_most,
        u.units - coalesce(later.at_or_after, 0) as at_least
    from (
        select units from unswept
        where chain = :chain and asset = :asset and address = :address for update
    ) u cross join (
        select sum(amount) filter (where block_number > :block) as after,
            sum(amount) as at_or_after
        from deposit where chain = :chain and asset = :asset and address = :address
            and status = 'credited' and block_number >= :block
    ) later
""")


@dataclass(frozen=True, slots=True)
class InBooks:
    """What the books say a sweep found at an address, ledger units: what came before it is sure,
    what came in its own block may have come after it.
    """

    at_least: int
    at_most: int


def fullest(session: Session, chain: str, asset: str, most: int) -> list[Content]:
    """Return the vaults that may be swept, those with the most first."""
    return contents(session, FULLEST, chain, asset, most=most)


def oldest(session: Session, chain: str, asset: str, age_seconds: int, most: int) -> list[Content]:
    """Return the vaults that may be swept and hold something for that long, the oldest first."""
    return contents(session, OLDEST, chain, asset, age=age_seconds, most=most)


def still_free(
    session: Session, chain: str, asset: str, addresses: list[bytes]
) -> dict[bytes, int]:
    """Return those of the addresses that may be swept now, with what they hold."""
    found = contents(session, STILL_FREE, chain, asset, addresses=addresses)
    return {content.address: content.unswept for content in found}


def free_units(session: Session, chain: str, asset: str) -> int:
    """Return what all vaults that may be swept now hold, ledger units."""
    waits = {"retry": RETRY_SECONDS, "retry_most": RETRY_SECONDS_MAX}
    facts = {"chain": chain, "asset": asset, **waits}
    return int(session.execute(FREE_UNITS, facts).scalar_one())


def contents(
    session: Session, query: TextClause, chain: str, asset: str, **limits: Any
) -> list[Content]:
    """Run one of the queries."""
    waits = {"retry": RETRY_SECONDS, "retry_most": RETRY_SECONDS_MAX}
    facts = {"chain": chain, "asset": asset, **waits, **limits}
    rows = session.execute(query, facts)
    return [
        Content(bytes(row.address), bytes(row.salt), int(row.units), int(row.age)) for row in rows
    ]


def is_halted(session: Session, chain: str) -> bool:
    """True while what was credited may not be on the node's chain: nothing is swept then."""
    return bool(session.execute(HALTED, {"chain": chain}).scalar())


def wanted(session: Session, chain: str, asset: str) -> int:
    """Return what approved withdrawals wait for, ledger units."""
    return int(session.execute(DEMAND, {"chain": chain, "asset": asset}).scalar_one())


def on_the_way(session: Session, chain: str, asset: str, to: bytes) -> int:
    """Return what sweeps that are not mined yet bring to an address, ledger units."""
    facts = {"chain": chain, "asset": asset, "to": to.hex()}
    return int(session.execute(ON_THE_WAY, facts).scalar_one())


def in_books(session: Session, *, chain: str, asset: str, address: bytes, block: int) -> InBooks:
    """Return what the books say a sweep in this block took, the row locked."""
    facts = {"chain": chain, "asset": asset, "address": address, "block": block}
    row = session.execute(BOOKED, facts).one_or_none()
    if row is None:
        return InBooks(0, 0)
    return InBooks(max(0, int(row.at_least)), max(0, int(row.at_most)))
