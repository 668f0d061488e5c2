"""One endpoint of a scripted chain: a port, and what is wrong with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.local.ports import LOOPBACK
from tests.sim.answers import Chain, Told, answer
from tests.sim.blocks import Block, hexed
from tests.sim.serving import Reply, Server

if TYPE_CHECKING:
    from tests.sim.scripted import World


@dataclass
class Faults:
    """What is wrong with an endpoint. All of them together is allowed; the default is nothing."""

    lag: int = 0  # so many blocks behind
    head: Block | None = None  # stands on this block, whatever the world does
    empty_logs: bool = False  # eth_getLogs answers nothing
    duplicate_logs: bool = False  # each log twice
    drop_log: int | None = None  # one log of every answer is missing, this place modulo all
    foreign_logs: bool = False  # the logs of the block before, asked by hash
    forge: int = 0  # added to the amount in logs and receipts, and to a transaction's value
    forge_logs_only: bool = False  # the receipts and transactions are right
    cap: int | None = None  # so many logs at most
    cap_silent: bool = True  # cut there; or else an error
    html: bool = False
    half: bool = False  # half a body, then the connection is dropped
    down: bool = False  # every connection is dropped
    status: int = 200
    chain_id: int | None = None  # says it serves this chain
    slow: float = 0.0  # seconds before each answer
    tags: bool = True  # knows `safe` and `finalized`
    tags_null: bool = False  # answers null for them
    early: bool = False  # calls its newest block safe and finalized
    no_receipts: bool = False  # receipts are null
    traces: bool = False  # has trace_block
    stale: bool = False  # tells blocks that left the chain by hash, as archive nodes do
    refuse: tuple[str, ...] = ()  # methods that answer -32601
    batches: bool = True  # or else refuses a batch with one error


class View:
    """An endpoint. Its faults are read and set as its own attributes: `view.lag = 3`."""

    def __init__(self, world: "World", faults: Faults) -> None:
        self.__dict__["faults"] = faults
        self.__dict__["world"] = world
        self.__dict__["calls"] = []
        self.__dict__["before"] = None
        self.__dict__["server"] = Server(self.reply)

    calls: list[str]
    before: Callable[[str, list[Any]], None] | None
    server: Server
    world: "World"
    faults: Faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self.faults, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "before":
            self.__dict__[name] = value
            return
        assert hasattr(self.faults, name), f"an endpoint has no fault {name}"
        setattr(self.faults, name, value)
        if name in ("chain_id", "down"):
            self.server.hang_up()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server.port}"

    def heal(self) -> None:
        """Be honest from now on; what the endpoint can do at all stays."""
        told = self.faults
        self.__dict__["faults"] = Faults(traces=told.traces, stale=told.stale, tags=told.tags)

    def chain(self) -> Chain:
        """Return the chain as this endpoint has it."""
        line = self._line()
        return Chain(
            line,
            chain_id=self.faults.chain_id or self.world.chain_id,
            safe=self._tag(self.world.safe, line),
            finalized=self._tag(self.world.finalized, line),
            decimals=self.world.decimals,
            stale=self.world.left if self.faults.stale else {},
            traces=self.faults.traces,
        )

    def _line(self) -> list[Block]:
        tip = self.faults.head
        if tip is None:
            lag = min(self.faults.lag, len(self.world.line) - 1)
            return self.world.line[: len(self.world.line) - lag]
        line = []
        while tip is not None:
            line.append(tip)
            tip = tip.parent
        return line[::-1]

    def _tag(self, height: int, line: list[Block]) -> int | None:
        if self.faults.early:
            height = line[-1].number
        return min(height, line[-1].number) if self.faults.tags else None

    def reply(self, body: bytes) -> Reply:
        """Answer a request, as the faults have it."""
        if self.faults.slow:
            time.sleep(self.faults.slow)
        if self.faults.down:
            return Reply(b"", cut=0)
        if self.faults.html:
            return Reply(b"<html><body>Bad gateway</body></html>", self.faults.status)
        asked = msgspec.json.decode(body)
        if isinstance(asked, list) and not self.faults.batches:
            error = {"code": -32600, "message": "batches are not served"}
            whole = msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": error})
        elif isinstance(asked, list):
            whole = msgspec.json.encode([self.one(call) for call in asked])
        else:
            whole = msgspec.json.encode(self.one(asked))
        if self.faults.status != 200:
            return Reply(b"internal error", self.faults.status)
        return Reply(whole, cut=len(whole) // 2 if self.faults.half else None)

    def one(self, call: dict[str, Any]) -> dict[str, Any]:
        """Answer one call."""
        method, parameters = call["method"], call.get("params", [])
        self.calls.append(method)
        if self.before is not None:
            self.before(method, parameters)
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": call.get("id")}
        try:
            if method in self.faults.refuse:
                raise Told(-32601, f"the method {method} does not exist/is not available")
            return told | {"result": self.spoiled(method, parameters)}
        except Told as error:
            return told | {"error": {"code": error.code, "message": str(error)}}

    def spoiled(self, method: str, parameters: list[Any]) -> Any:
        """Return what an honest node would answer, made wrong where this one is."""
        chain = self.chain()
        result = answer(chain, method, parameters)
        if method == "eth_getLogs":
            return self._logs(chain, parameters[0], result)
        if method == "eth_getTransactionReceipt":
            return None if self.faults.no_receipts else self._forged(result)
        if method.startswith("eth_getBlockBy"):
            tag = parameters[0] in ("safe", "finalized")
            return None if tag and self.faults.tags_null else self._forged(result)
        return result

    def _logs(self, chain: Chain, query: dict[str, Any], logs: list[Any]) -> list[Any]:
        faults = self.faults
        block = chain.at_hash(query.get("blockHash", hexed(bytes(32))))
        if faults.foreign_logs and block is not None and block.parent is not None:
            logs = list(block.parent.logs)
        if faults.drop_log is not None and logs:
            place = faults.drop_log % len(logs)
            logs = logs[:place] + logs[place + 1 :]
        if faults.duplicate_logs:
            logs = [log for log in logs for _ in range(2)]
        if faults.cap is not None and len(logs) > faults.cap:
            if not faults.cap_silent:
                raise Told(-32005, f"query returned more than {faults.cap} results")
            logs = logs[: faults.cap]
        if faults.forge:
            logs = [forged(log, faults.forge) for log in logs]
        return [] if faults.empty_logs else logs

    def _forged(self, told: Any) -> Any:
        """Change the amounts in a receipt, or in a block with whole transactions."""
        by = self.faults.forge
        if told is None or not by or self.faults.forge_logs_only:
            return told
        if "logs" in told:
            return told | {"logs": [forged(log, by) for log in told["logs"]]}
        return told | {"transactions": [worth_more(tx, by) for tx in told["transactions"]]}


def forged(log: dict[str, Any], by: int) -> dict[str, Any]:
    """Return a log with another amount."""
    return log | {"data": f"0x{int(log['data'], 16) + by:064x}"}


def worth_more(tx: Any, by: int) -> Any:
    """Return a transaction with another value, if it has one."""
    if isinstance(tx, str) or tx["value"] == "0x0":
        return tx
    return tx | {"value": hex(int(tx["value"], 16) + by)}
