"""Whom a chain's payments are for: our addresses in memory, our own senders, the listed assets.

The set grows by what was committed since it was last refreshed. It is refreshed after a block was
read and before it is matched, so an address that was shown to a payer is always in it in time.
"""

from functools import lru_cache

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import store as chains
from gateway.chain.store import ChainAsset
from gateway.ledger import service as ledger
from gateway.money import Asset

# A row written by a transaction older than every running one was visible to the last refresh; all
# others are read again. Row numbers would not do: they are given in another order than commits.
WRITTEN_SINCE = text("""
    select pg_snapshot_xmin(now.snapshot)::text as oldest, a.address
    from (select pg_current_snapshot() as snapshot) as now
    left join address a on a.chain = :chain and a.written_by >= cast(:since as xid8)
""")
SIGNERS = text("select address from signer where chain = :chain")


class Watched:
    """One chain's addresses as raw bytes, with what tells a payment from our own movements."""

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self.addresses: set[bytes] = set()
        self.own: set[bytes] = set()
        self.listed: dict[bytes | None, tuple[ChainAsset, Asset]] = {}
        self._since = "0"

    def refresh(self) -> None:
        """Load what was committed since the last time."""
        with db.transaction() as session:
            rows = session.execute(WRITTEN_SINCE, {"chain": self.chain, "since": self._since}).all()
            self.addresses.update(bytes(row.address) for row in rows if row.address is not None)
            self._since = rows[0].oldest
            self.own = own_senders(session, self.chain)
            self.listed = listed_assets(session, self.chain)

    @property
    def contracts(self) -> list[bytes]:
        """Return the token contracts whose events count."""
        return [contract for contract in self.listed if contract is not None]

    def pays_us(self, sender: bytes, to: bytes) -> bool:
        """True for a payment from outside: a sweep or a payout of our own is no deposit."""
        return to in self.addresses and sender not in self.own and sender not in self.addresses


def own_senders(session: Session, chain: str) -> set[bytes]:
    """Return every address of the house that money moves from."""
    facts = chains.chain(session, chain)
    signers = session.execute(SIGNERS, {"chain": chain}).scalars()
    return {facts.treasury, facts.payout_vault, facts.vault_factory} | {
        bytes(one) for one in signers
    }


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
