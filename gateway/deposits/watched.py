"""Whom a chain's payments are for: our addresses in memory, our own senders, the listed assets.

The set grows by what was committed since it was last refreshed. It is refreshed after a block was
read and before it is matched, so an address that was shown to a payer is always in it in time.
"""

import gc
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import store as chains
from gateway.chain.store import ChainAsset
from gateway.ledger import service as ledger
from gateway.money import Asset

LOAD_PART = 20_000
"""Addresses that come from the database at once when all are loaded: what bounds the memory."""
GROW_PART = 1_000
ADDRESS = 20

# All in one question, for it is asked after every block. A row written by a transaction older than
# every running one was visible to the last refresh; all others are read again. Row numbers would
# not do: they are given in another order than commits. In order and with a limit, so that the
# index is used whatever the planner believes of the table. An address of the same factory is the
# same vault on every chain that has it.
LOOK = text("""
    select pg_snapshot_xmin(pg_current_snapshot())::text as oldest,
        array[c.treasury, c.payout_vault, c.vault_factory]
            || array(select s.address from signer s where s.chain = c.id) as own,
        array(select o.id from chain o
            where o.vault_factory = c.vault_factory and o.id <> c.id order by o.id) as siblings,
        (select string_agg(l::text, ';' order by l.asset) from chain_asset l
            where l.chain = c.id) as assets,
        array(select a.address from address a
            where a.chain = c.id and a.written_by >= cast(:since as xid8)
            order by a.written_by limit :most) as ours,
        array(select a.address from unnest(cast(:siblings as text[])) as o (id)
            cross join lateral (select address from address
                where chain = o.id and written_by >= cast(:since as xid8)
                order by written_by limit :most) as a) as elsewhere
    from chain c where c.id = :chain
""")
OLDEST = text("select pg_snapshot_xmin(pg_current_snapshot())::text")
# Many addresses a row: a row each costs ten times as long.
ALL = text("""
    select string_agg(address, ''::bytea) as addresses
    from (select address, row_number() over () / :part as part
        from address where chain = any(:chains)) as numbered
    group by part
""")


class Watched:
    """One chain's addresses as raw bytes, with what tells a payment from our own movements.

    `elsewhere` are the addresses we gave out on other chains with the same factory.
    """

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self.version = 0
        """Another one each time that something else may match."""
        self.addresses: set[bytes] = set()
        self.elsewhere: set[bytes] = set()
        self.own: frozenset[bytes] = frozenset()
        self.listed: dict[bytes | None, tuple[ChainAsset, Asset]] = {}
        self._since: str | None = None
        self._siblings: list[str] = []
        self._assets: str | None = None

    def refresh(self) -> None:
        """Take what was committed since the last time."""
        before = self._size(), self.own, self._assets
        if self._since is None:
            self._load([])
        seen = self._look(GROW_PART)
        if seen.siblings != self._siblings or self._counts_anew(seen.oldest):
            self._load(seen.siblings)
            seen = self._look(GROW_PART)
        if max(len(seen.ours), len(seen.elsewhere)) >= GROW_PART:
            seen = self._look(None)
        self.addresses.update(map(bytes, seen.ours))
        self._add_elsewhere(map(bytes, seen.elsewhere))
        self._since = seen.oldest
        self.own = frozenset(map(bytes, seen.own))
        if seen.assets != self._assets:
            with db.transaction() as session:
                self.listed = listed_assets(session, self.chain)
            self._assets = seen.assets
        # last: who matches meanwhile in another thread finds afterwards that it was too early
        self.version += before != (self._size(), self.own, self._assets)

    @property
    def contracts(self) -> list[bytes]:
        """Return the token contracts whose events count."""
        return [contract for contract in self.listed if contract is not None]

    def is_own(self, sender: bytes) -> bool:
        """True for a sender of ours: a sweep or a payout of our own is no deposit."""
        return sender in self.own or sender in self.addresses

    def _counts_anew(self, oldest: str) -> bool:
        """True where the database is another one than last time, restored or promoted."""
        return self._since is not None and int(oldest) < int(self._since)

    def _size(self) -> tuple[int, int]:
        return len(self.addresses), len(self.elsewhere)

    def _look(self, most: int | None) -> Any:
        """Ask for what is new, `most` addresses of a chain; None for all."""
        values = {
            "chain": self.chain,
            "since": self._since,
            "siblings": self._siblings,
            "most": most,
        }
        with db.engine().connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            return connection.execute(LOOK, values).one()

    def _load(self, siblings: list[str]) -> None:
        """Take every address, part by part; what is committed meanwhile is for the next time."""
        with db.transaction() as session:
            oldest = session.execute(OLDEST).scalar_one()
            self.addresses.update(every(session, [self.chain]))
            self._add_elsewhere(every(session, siblings))
        self._since, self._siblings = oldest, siblings
        # so many objects are not to be looked through each time garbage is collected
        gc.freeze()

    def _add_elsewhere(self, addresses: Iterable[bytes]) -> None:
        """Add addresses of other chains, except those that are ours here, too."""
        self.elsewhere.update(one for one in addresses if one not in self.addresses)


def every(session: Session, chain_ids: list[str]) -> Iterator[bytes]:
    """Give every address of some chains, holding only a part of them."""
    parts = session.execute(
        ALL,
        {"chains": chain_ids, "part": LOAD_PART},
        execution_options={"stream_results": True, "max_row_buffer": 1},
    )
    for (joined,) in parts:
        for at in range(0, len(joined), ADDRESS):
            yield joined[at : at + ADDRESS]


def listed_assets(session: Session, chain: str) -> dict[bytes | None, tuple[ChainAsset, Asset]]:
    """Return the chain's assets by contract, the native coin under None."""
    precise = {asset.code: asset for asset in ledger.assets(session)}
    return {
        listed.contract: (listed, precise[listed.asset])
        for listed in chains.chain_assets(session, chain)
    }


@lru_cache(maxsize=64)
def remembered(chain: str, _database: str) -> Watched:
    """Return this process's set of a chain, kept from slice to slice."""
    return Watched(chain)


def watched(chain: str) -> Watched:
    """Return this process's set of a chain, loaded."""
    found = remembered(chain, db.url())
    found.refresh()
    return found
