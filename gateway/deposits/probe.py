"""The balance probe: native coin that came without any payment we saw, and nothing else would show.

A slice of the chain's addresses is held against the newest final block, one slice at a time, round
after round. What is there and cannot be explained is booked as owed to somebody unknown, once, and
waits in the inbox for a person.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import store as chains
from gateway.chain.evm import Evm
from gateway.chain.port import NodeAway, NodeError
from gateway.chain.store import ChainAsset
from gateway.deposits import found, store
from gateway.deposits.balances import balances
from gateway.deposits.found import Block
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.webhooks import alarms

PROBE_ADDRESSES_MAX = 2_000
"""In one call: about 6 million gas, far below what nodes allow."""
FAILURES_MAX = 3
"""An operator is called when the node has refused so many times one after the other."""

PROBE = text("""
    insert into probe (chain) values (:chain) on conflict (chain) do update
        set chain = excluded.chain returning position, round_block
""")
SLICE = text("""
    select address from address where chain = :chain
        and (cast(:after as bytea) is null or address > :after) order by address limit :most
""")
MOVE_ON = text("update probe set position = :position, round_block = :round where chain = :chain")
FINAL = text("""
    select b.number, b.hash, b.time from watch_cursor w join block b
        on b.chain = w.chain and b.canonical and b.number = w.number - :confirmations + 1
    where w.chain = :chain and w.halted_since is null
""")
# No sweep is planned while this is held, so what is open below stays all there is.
NO_NEW_SWEEP = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
SWEPT_SINCE = text("""
    select distinct i.address from sweep_item i join intent n on n.id = i.intent_id
        left join transaction t on t.intent_id = n.id
    where i.chain = :chain and i.address = any(:addresses)
        and (n.status in ('planned', 'signed') or t.block_number > :block)
""")
# What the books have at an address, less what came after the block, and what is known to be there
# without being in the books: deposits that are confirming, and what waits in the inbox.
KNOWN = text("""
    select a.address, coalesce(u.units, 0) + coalesce(d.units, 0) as booked,
        coalesce(i.units, 0) as aside
    from unnest(cast(:addresses as bytea[])) as a (address)
    left join unswept u on u.chain = :chain and u.asset = :asset and u.address = a.address
    left join lateral (
        select sum(case when block_number > :block then -amount else amount end) as units
        from deposit where chain = :chain and asset = :asset and address = a.address
            and (status = 'credited' and block_number > :block
                or status = 'confirming' and block_number <= :block)
    ) d on true
    left join lateral (
        select sum(units) as units from inbox_arrival
        where chain = :chain and address = a.address and native and canonical
            and deposit_id is null and kind in ('set_aside', 'wrong_chain')
            and block_number <= :block
    ) i on true
""")
THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="probe")
"""Idle but for one question of each chain that this process follows."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Slice:
    """Addresses to be probed at a block, and where the round stands when they are."""

    listed: ChainAsset
    block: Block
    addresses: list[bytes]
    round_block: int

    @property
    def last(self) -> bytes | None:
        """The address to go on after; None at the end of a round."""
        return self.addresses[-1] if len(self.addresses) == PROBE_ADDRESSES_MAX else None


class Probe:
    """Probes one chain. The node is asked in a thread: a slow answer holds no block up.

    How far it is stands in its row, so it may be made anew at any time.
    """

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self._asking: tuple[Slice, Future[dict[bytes, int]]] | None = None
        self._failures = 0
        self._next = 0

    def step(self, node: Evm, cursor: int, witness: Evm | None = None) -> int:
        """Take the answer about a slice, or ask about the next one if a round is due.

        `cursor` is the last block that was taken. Returns how many addresses held unknown coin. A
        node that cannot tell is asked again with the next block. What is more at one node than at
        the second one, its `witness`, is not there.
        """
        if self._asking is not None:
            part, answer = self._asking
            return self._settle(part, answer, cursor) if answer.done() else 0
        if cursor >= self._next:
            self._ask(node, cursor, witness)
        return 0

    @property
    def is_waiting(self) -> bool:
        """True while the node has not answered about a slice."""
        return self._asking is not None and not self._asking[1].done()

    def _ask(self, node: Evm, cursor: int, witness: Evm | None) -> None:
        with db.transaction() as session:
            part = due(session, self.chain)
        if part is None:
            self._next = cursor + 1
        else:
            self._asking = (
                part,
                THREADS.submit(balances_of, node, part.addresses, part.block, witness),
            )

    def _settle(self, part: Slice, answer: Future[dict[bytes, int]], cursor: int) -> int:
        self._asking = None
        try:
            held = answer.result()
        except (NodeAway, NodeError) as error:
            self._next = cursor + 1
            self._failed(error)
            return 0
        self._failures = 0
        surplus = hold(self.chain, part.listed, part.block, held)
        with db.transaction() as session:
            place = {"chain": self.chain, "position": part.last, "round": part.round_block}
            session.execute(MOVE_ON, place)
        return surplus

    def _failed(self, error: NodeAway | NodeError) -> None:
        """Note it, and call an operator when it lasts; the round goes on where it stands."""
        self._failures += 1
        log.warning("probe.failed", chain=self.chain, error=str(error))
        if self._failures == FAILURES_MAX and isinstance(error, NodeError):
            with db.transaction() as session:
                alarms.raise_alarm(
                    session,
                    kind="probe_failed",
                    subject=self.chain,
                    detail=f"balances of a final block cannot be read: {error}",
                )


def due(session: Session, chain: str) -> Slice | None:
    """Return the next slice, None until there is a final block far enough from the last round."""
    facts = chains.chain(session, chain)
    listed = native_of(session, chain)
    block = final_block(session, chain, facts.confirmations)
    row = session.execute(PROBE, {"chain": chain}).one()
    if listed is None or block is None or facts.probe_blocks == 0:
        return None
    started = row.round_block
    if row.position is None:
        if started is not None and started <= block.number < started + facts.probe_blocks:
            return None
        started = block.number
    return Slice(listed, block, following(session, chain, row.position), started)


def native_of(session: Session, chain: str) -> ChainAsset | None:
    """Return the chain's native coin, if we serve it."""
    listed = chains.chain_assets(session, chain)
    return next((one for one in listed if one.contract is None), None)


def final_block(session: Session, chain: str, confirmations: int) -> Block | None:
    """Return our newest block that is deep enough; None before there is one, or while halted."""
    facts = {"chain": chain, "confirmations": confirmations}
    row = session.execute(FINAL, facts).one_or_none()
    return None if row is None else Block(row.number, bytes(row.hash), row.time)


def following(session: Session, chain: str, after: bytes | None) -> list[bytes]:
    """Return the next addresses in order."""
    facts = {"chain": chain, "after": after, "most": PROBE_ADDRESSES_MAX}
    return [bytes(address) for address in session.scalars(SLICE, facts)]


def balances_of(
    node: Evm, addresses: list[bytes], block: Block, witness: Evm | None = None
) -> dict[bytes, int]:
    """Return the wei at those addresses that hold any: the lower of what two nodes tell.

    A second node that cannot tell of this block decides nothing.
    """
    if not addresses:
        return {}
    told = zip(addresses, balances(node, addresses, block.hash), strict=True)
    held = {address: wei for address, wei in told if wei}
    if witness is None or not held:
        return held
    try:
        theirs = balances(witness, list(held), block.hash)
    except (NodeAway, NodeError) as error:
        log.info("probe.no_witness", node=witness.name, error=str(error))
        return held
    return {
        address: min(wei, other) for (address, wei), other in zip(held.items(), theirs, strict=True)
    }


def hold(chain: str, listed: ChainAsset, block: Block, held: dict[bytes, int]) -> int:
    """Hold balances against the books and book what is more; returns at how many addresses.

    An address that is being swept is left for the next round: what is gone is not booked yet.
    """
    if not held:
        return 0
    with db.transaction() as session:
        store.lock_cursor(session, chain)
        if store.canonical_hash(session, chain, block.number) != block.hash:
            return 0
        session.execute(NO_NEW_SWEEP, {"name": f"sweep {chain}"})
        facts = {"chain": chain, "addresses": list(held), "block": block.number}
        moving = {bytes(address) for address in session.scalars(SWEPT_SINCE, facts)}
        asset = ledger.asset(session, listed.asset)
        surplus = {}
        for row in session.execute(KNOWN, {**facts, "asset": asset.code}).all():
            address = bytes(row.address)
            there = listed.to_ledger(held[address] - int(row.aside), asset)
            if there.units > row.booked and address not in moving:
                surplus[address] = Money(there.units - int(row.booked), asset)
        for address, money in surplus.items():
            found.book(session, listed, block, address, money)
        return len(surplus)
