"""Which driver a chain gets: what its row says, else the best that its node can serve.

The node is asked about its newest block that has transactions; where there is none near its head,
about the first one that is read. A node that answers slowly keeps no
driver out: the first way it knows is taken, and `trace_block` is the cheapest for every node that
has it, so the others are not even asked then.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import store as chains
from gateway.chain.evm import Evm
from gateway.chain.port import Header, Log, NodeAway, NodeError
from gateway.chain.rpc import UNREADABLE
from gateway.chain.store import Chain
from gateway.deposits import rules
from gateway.deposits.native.frames import TRACER, Frame
from gateway.deposits.native.port import Driver, Move, busy
from gateway.deposits.native.trace_block import Entry, TraceBlock
from gateway.deposits.native.trace_calls import Hashes, TraceCalls, Traced, TraceEach
from gateway.deposits.native.transactions import Transactions
from gateway.deposits.native.transfer_logs import SYSTEM_ADDRESS, TransferLogs

DRIVERS: dict[str, Callable[[], Driver]] = {
    kind.name: kind for kind in (TransferLogs, TraceBlock, TraceCalls, TraceEach, Transactions)
}
LOOK_BACK_BLOCKS = 50
"""How far below the head a block with transactions is looked for."""
EVENT_BLOCKS = 100
"""In so many blocks below the first one to read, somebody moved native coin."""
BUSY_CODES = frozenset({-32005, -32016, -32097, 429})
"""The node refuses for now: limit exceeded (EIP-1474), and providers' codes for the same."""

log = structlog.get_logger()


def driver_of(session: Session, chain: Chain, node: Evm) -> Driver:
    """Return the chain's driver; found out and kept in its row the first time.

    Nothing is kept while the chain has no transaction to try the node on: what is returned then
    finds out by itself. Raises NodeAway while the node does not answer clearly.
    """
    if chain.native_driver is None:
        block = newest_busy(node)
        if block is None:
            return Undecided(chain.id)
        decide(chain, node, block)
        session.flush()
    return DRIVERS[str(chain.native_driver)]()


class Undecided:
    """Finds the driver when the first transaction of a chain is read, and is that one from then on.

    No other would do: a payment inside of that very transaction is somebody's.
    """

    name = "undecided"

    def __init__(self, chain: str) -> None:
        self._chain = chain
        self._found: Driver | None = None

    def moves(self, node: Evm, headers: list[Header], logs: list[list[Log]]) -> list[list[Move]]:
        """Return what moved in each of these very blocks. Raises NodeAway, NodeError."""
        block = None if self._found else first_busy(node, headers)
        if block is not None:
            with db.transaction() as session:
                chain = chains.chain(session, self._chain)
                if chain.native_driver is None:
                    decide(chain, node, block)
                self._found = DRIVERS[str(chain.native_driver)]()
        return (self._found or Transactions()).moves(node, headers, logs)


def decide(chain: Chain, node: Evm, block: "Seen") -> None:
    """Write the best driver into the chain's row. Raises NodeAway."""
    chain.native_driver = probed(node, chain.start_block, block)
    log.info("native.driver_chosen", chain=chain.id, driver=chain.native_driver, node=node.name)


def probed(node: Evm, first: int, block: "Seen") -> str:
    """Return the name of the best driver to read from block `first` on, tried on a block that has
    transactions. Raises NodeAway.
    """
    if tells_events(node, min(first, int(block.number, 16))):
        return TransferLogs.name
    ways: tuple[tuple[str, str, list[Any], Any], ...] = (
        (TraceBlock.name, "trace_block", [block.number], list[Entry]),
        (TraceCalls.name, "debug_traceBlockByHash", [block.hash, TRACER], list[Traced]),
        (TraceEach.name, "debug_traceTransaction", [block.transactions[0], TRACER], Frame),
    )
    for name, method, parameters, form in ways:
        if serves(node, method, parameters, form):
            return name
    return Transactions.name


class Seen(Hashes, frozen=True):
    """A block to try the ways on."""

    number: str = "0x0"


def newest_busy(node: Evm) -> Seen | None:
    """Return the newest block that has transactions, None if there is none near the head."""
    head = node.head().number
    calls = [[hex(number), False] for number in range(head, max(-1, head - LOOK_BACK_BLOCKS), -1)]
    found: list[Seen | None] = node.ask_many("eth_getBlockByNumber", calls, Seen | None)
    return next((block for block in found if block is not None and block.transactions), None)


def first_busy(node: Evm, headers: list[Header]) -> Seen | None:
    """Return the first of these blocks that has transactions, None if there is none."""
    for place in busy(headers):
        block: Seen | None = node.ask(
            "eth_getBlockByHash", [headers[place].hash_hex, False], Seen | None
        )
        if block is not None and block.transactions:
            return block
    return None


def tells_events(node: Evm, first: int) -> bool:
    """True if native coin left events just before the first block to read (EIP-7708).

    Just before: where they began later, blocks to read would have none of what moved in them.
    """
    query = {
        "fromBlock": hex(max(0, first - EVENT_BLOCKS)),
        "toBlock": hex(first),
        "address": SYSTEM_ADDRESS,
        "topics": [rules.TRANSFER],
    }
    return serves(node, "eth_getLogs", [query], list[Log])


def serves(node: Evm, method: str, parameters: list[Any], form: Any) -> bool:
    """True if the node answers a question with something, in the form that a driver reads.

    Raises NodeAway, also for a refusal that is only for now.
    """
    try:
        answer = node.ask(method, parameters, msgspec.Raw)
        return bool(msgspec.json.decode(answer, type=form | None))
    except UNREADABLE:
        return False
    except NodeError as error:
        if error.rpc_code in BUSY_CODES:
            raise NodeAway(f"the node is too busy to be asked for {method}") from error
        log.info("native.not_served", node=node.name, method=method, error=error.message[:200])
        return False
