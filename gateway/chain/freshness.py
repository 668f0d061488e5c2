"""How far we have read each chain and how old that is: what the watcher wrote, for all to read.

A chain that is stale takes no payments: what is paid there would not be seen.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import rules

# The age by one clock, the database's, whoever asks.
HEADS = text("""
    select c.id, c.block_seconds, case when w.hash is not null then w.number end as number,
        extract(epoch from clock_timestamp() - w.block_time) as age,
        greatest(w.node_head - w.number, 0) as behind,
        coalesce(w.endpoints, 0) as endpoints, coalesce(w.endpoints_benched, 0) as benched
    from chain c left join watch_cursor w on w.chain = c.id where c.active order by c.id
""")
# What is fresh again is forgotten: it begins anew.
STAY = text("""
    with fresh as (delete from stale_chain where chain <> all(cast(:stale as text[])))
    insert into stale_chain (chain) select unnest(cast(:stale as text[]))
    on conflict (chain) do update set since = stale_chain.since
    returning chain, extract(epoch from clock_timestamp() - since) as seconds
""")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block we read of a chain; `number` and `age` are None where none was read yet.

    `age` is in seconds since the block's own time, `behind` in blocks the node has and we have not
    read. Of the chain's `endpoints`, `benched` did not answer, lagged or lied of late.
    """

    chain: str
    number: int | None
    age: float | None
    behind: int
    endpoints: int
    benched: int
    stale: bool


def heads(session: Session) -> list[Head]:
    """Return how far every active chain is read."""
    found = []
    for row in session.execute(HEADS):
        age = None if row.age is None else float(row.age)
        found.append(
            Head(
                row.id,
                row.number,
                age,
                row.behind or 0,
                row.endpoints,
                row.benched,
                rules.stale(age, float(row.block_seconds)),
            )
        )
    return found


def stay_stale(session: Session) -> list[tuple[Head, float]]:
    """Return the stale chains, and for how many seconds each was stale at every look until now."""
    stale = {head.chain: head for head in heads(session) if head.stale}
    rows = session.execute(STAY, {"stale": sorted(stale)})
    return [(stale[row.chain], float(row.seconds)) for row in rows]


def paused(session: Session) -> frozenset[str]:
    """Return the chains that take no payments now, because we are not up to date with them."""
    return frozenset(head.chain for head in heads(session) if head.stale)
