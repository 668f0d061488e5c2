"""A scripted chain: one world of blocks, told over real HTTP by endpoints that may be wrong.

    with World(chain_id=31337) as world:
        good, bad = world.view(), world.view(lag=3)       # each an endpoint with its own port
        node = at_url(good.url, 31337)
        world.mine(Pay(address, 5, token=USDC))           # a block with one transaction
        tx = world.tx(Pay(a, 1), Pay(b, 2, token=USDC), Pay(b, 3, token=USDC))
        world.mine(tx, Pay(a, 9))                         # two transactions; blocks of many: mine
        world.empty(5)                                    # five empty blocks
        world.reorg(2, [], [tx], [tx.doing(Pay(a, 7))])   # drop two blocks, mine these three
        world.rollback(1)                                 # the head goes down, no other branch
        side = world.branch(1, [tx])                      # blocks beside the chain, told to nobody
        bad.head = side[-1]                               # unless an endpoint stands on them
        world.now += 3600                                 # the next block's time jumps
        bad.empty_logs = True; bad.heal()                 # faults are attributes: endpoint.py
        good.before = lambda method, parameters: ...      # runs before each call is answered
        good.calls                                        # the methods asked so far

`safe` and `finalized` stand `world.safe_lag` and `world.finalized_lag` blocks below the highest
head there ever was, and never go back. Units are the token's or wei. Hashes are of the content.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

from eth_utils.crypto import keccak

from tests.sim.blocks import STRANGER, Block, Pay, Tx
from tests.sim.endpoint import Faults, View

__all__ = ["STRANGER", "Block", "Faults", "Pay", "Tx", "View", "World"]

START = 1_750_000_000
Entry: TypeAlias = Tx | Pay


class World:
    """The true chain, from block 0, and the endpoints that tell of it."""

    def __init__(
        self,
        chain_id: int = 31337,
        *,
        block_seconds: int = 12,
        safe_lag: int = 4,
        finalized_lag: int = 8,
        now: int = START,
    ) -> None:
        self.chain_id, self.block_seconds, self.now = chain_id, block_seconds, now
        self.safe_lag, self.finalized_lag = safe_lag, finalized_lag
        self.decimals: dict[bytes, int] = {}
        self.line = [Block(0, None, now)]
        self.left: dict[bytes, Block] = {}
        self.highest = 0
        self.views: list[View] = []
        self._made = 0

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None:
        for view in self.views:
            view.server.close()

    @property
    def head(self) -> Block:
        return self.line[-1]

    @property
    def safe(self) -> int:
        return max(0, self.highest - self.safe_lag)

    @property
    def finalized(self) -> int:
        return max(0, self.highest - self.finalized_lag)

    def token(self, number: int = 1, decimals: int = 6) -> bytes:
        """Have a token contract; the same number is the same contract."""
        contract = bytes([0xC0]) + number.to_bytes(19, "big")
        self.decimals[contract] = decimals
        return contract

    def tx(self, *pays: Pay) -> Tx:
        """Make a transaction with these movements."""
        self._made += 1
        return Tx(keccak(f"{self.chain_id}:{self._made}".encode()), pays)

    def mine(self, *entries: Entry) -> Block:
        """Add one block; a bare payment is a transaction of its own."""
        self.line.append(self._next(self.head, entries))
        self.highest = max(self.highest, self.head.number)
        return self.head

    def empty(self, blocks: int) -> Block:
        """Add empty blocks."""
        for _ in range(blocks):
            self.mine()
        return self.head

    def reorg(self, depth: int, *blocks: Iterable[Entry]) -> list[Block]:
        """Replace the newest `depth` blocks by these, as many empty ones if none are given."""
        gone = self.rollback(depth)
        for entries in blocks or [()] * depth:
            self.mine(*entries)
        return gone

    def rollback(self, depth: int) -> list[Block]:
        """Drop the newest blocks and return them; the head goes down."""
        assert 0 < depth < len(self.line)
        gone = self.line[-depth:]
        del self.line[-depth:]
        self.left |= {block.hash: block for block in gone}
        return gone

    def branch(self, depth: int, *blocks: Iterable[Entry]) -> list[Block]:
        """Make blocks beside the newest `depth` ones; no endpoint stands on them by itself."""
        tip, made, now = self.line[-1 - depth], [], self.now
        for entries in blocks:
            tip = self._next(tip, entries)
            made.append(tip)
        self.now = now
        return made

    def view(self, **faults: Any) -> "View":
        """Open an endpoint."""
        view = View(self, Faults(**faults))
        self.views.append(view)
        return view

    def _next(self, parent: Block, entries: Iterable[Entry]) -> Block:
        self.now += self.block_seconds
        self._made += 1
        txs = tuple(self.tx(one) if isinstance(one, Pay) else one for one in entries)
        return Block(parent.number + 1, parent, self.now, txs, salt=self._made)
