"""What can pay us now: the trusted assets of every active chain, and how fresh that chain is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import rules
from gateway.money import Asset

PAYABLE = """
    select c.id, c.vault_factory, c.block_seconds, a.asset, a.decimals, a.minimum_deposit,
        s.decimals as own, extract(epoch from clock_timestamp() - w.block_time)
    from chain c join chain_asset a on a.chain = c.id and a.active
        and a.distrusted_since is null
        join ledger.asset s on s.code = a.asset
        left join watch_cursor w on w.chain = c.id
    where c.active order by c.id, a.asset
"""


@dataclass(frozen=True, slots=True)
class Payable:
    """An asset on a chain: its decimals there, the least that is credited, in ledger base units.

    A `stale` chain takes no payments now: what is paid there would not be seen.
    """

    chain: str
    asset: Asset
    decimals: int
    minimum: int
    vault_factory: bytes
    stale: bool


def payable(session: Session) -> list[Payable]:
    """Return every asset that can pay, by chain and code."""
    return read(db.ask(session, PAYABLE))


def read(rows: Iterable[Sequence[Any]]) -> list[Payable]:
    """Return what rows of PAYABLE tell; a row of nulls tells of nothing."""
    return [
        Payable(
            chain=chain,
            asset=Asset(code, own),
            decimals=decimals,
            minimum=int(minimum),
            vault_factory=bytes(factory),
            stale=rules.stale(None if age is None else float(age), float(seconds)),
        )
        for chain, factory, seconds, code, decimals, minimum, own, age in rows
        if chain is not None
    ]
