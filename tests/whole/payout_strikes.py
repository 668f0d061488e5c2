"""What goes wrong while money goes out, chosen by a seed: one fault at a time, again and again."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from gateway.local.node import NodeError
from tests.conftest import TestNode
from tests.whole.conftest import Whole
from tests.whole.faulty_wire import FaultyWire

PROCESSES = (
    "pay",
    "signer",
    "pay",
    "signer",
    "api",
    "watch",
    "sweep",
    "close",
    "beat",
    "deliver",
    "prices",
)
SERVERS = ("postgres", "redis")
GWEI = 10**9
PAUSE_SECONDS = (0.5, 2.5)
STILL_SECONDS = (1.5, 5.0)
SPIKES_GWEI = (3, 30)
REORG_MOST = 2  # a block is final from three confirmations on
CANCELS_MOST = 3
POLL_SECONDS = 0.1

Strike = Callable[[], str]


@dataclass
class Strikes:
    """Every fault, and what of each came."""

    whole: Whole
    node: TestNode
    wire: FaultyWire
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.choose(0)

    def choose(self, number: int) -> None:
        """Let the seed decide the strike of this number, whatever came of those before."""
        self.choice = random.Random(f"{self.seed} strike {number}")

    def go_on(self) -> None:
        """Strike until told to stop; a fault that cannot be done ends the test."""
        weighted: list[tuple[Strike, int]] = [
            (self.kill, 5),
            (self.reorganise, 3),
            (self.spike, 1),
            (self.drop, 3),
            (self.cancel, 4),
            (self.stand_still, 2),
        ]
        faults, weights = zip(*weighted, strict=True)
        for number in itertools.count():
            self.choose(number)
            if self.stop.wait(self.choice.uniform(*PAUSE_SECONDS)):
                return
            (fault,) = self.choice.choices(faults, weights)
            try:
                said = fault()
            except NodeError as error:
                self.crashes.append(str(error))
                return
            if said:
                self.done[fault.__name__] += 1
                print(f"{time.monotonic():.1f} {said}", flush=True)

    def kill(self) -> str:
        """Kill a process; the supervisor starts it again."""
        name = self.choice.choice(PROCESSES + SERVERS)
        if not self.whole.stack.supervisor.running(name):
            return ""
        self.whole.stack.kill(name)
        return f"kill {name}"

    def reorganise(self) -> str:
        """Replace the newest blocks by empty ones."""
        depth = self.choice.randint(1, REORG_MOST)
        self.node.reorg(depth)
        # Anvil's clock went back with its blocks, and would stay behind
        self.node.call("evm_setTime", int(time.time()))
        return f"reorganise {depth}"

    def spike(self) -> str:
        """Make gas so dear that what is signed is not mined; it gets cheaper block by block."""
        price = self.choice.randint(*SPIKES_GWEI)
        self.node.call("anvil_setNextBlockBaseFeePerGas", hex(price * GWEI))
        return f"gas costs {price} gwei"

    def drop(self) -> str:
        """Let the pool forget a transaction, as a full one does."""
        pool = self.node.call("txpool_content")
        assert isinstance(pool, dict)
        found = sorted(tx["hash"] for part in pool.values() for of in part.values()
                       for tx in of.values())  # fmt: skip
        if not found:
            return ""
        chosen = self.choice.choice(found)
        self.node.call("anvil_dropTransaction", chosen)
        return f"drop {chosen[:10]}"

    def stand_still(self) -> str:
        """Mine no block for a while, and let the pool forget, or an operator cancel, meanwhile."""
        self.node.call("evm_setIntervalMining", 0)
        said = ["no blocks"]
        try:
            deadline = time.monotonic() + self.choice.uniform(*STILL_SECONDS)
            while time.monotonic() < deadline and not self.stop.wait(self.choice.uniform(0.3, 1)):
                said.append(self.choice.choice((self.drop, self.cancel))())
        finally:
            self.node.call("evm_setIntervalMining", 1)
        return ", ".join(one for one in said if one)

    def cancel(self) -> str:
        """Let an operator cancel some of what is not mined yet."""
        api = self.whole.api
        answer = api.once("GET", "/v1/transactions", None, {}, {"state": "signed", "limit": 50})
        if answer is None or answer.status_code != 200:
            return ""
        found = [row["id"] for row in answer.json()["data"] if row["kind"] != "sweep"]
        count = min(len(found), self.choice.randint(1, CANCELS_MOST))
        asked = [self.asked_to_cancel(tx) for tx in self.choice.sample(found, count)]
        taken = sum(one is not None and one.status_code == 202 for one in asked)
        return f"cancel {taken}" if taken else ""

    def asked_to_cancel(self, transaction: str) -> httpx2.Response | None:
        headers = {"idempotency-key": f"{transaction} {self.choice.random()}"}
        path = f"/v1/transactions/{transaction}/cancel"
        return self.whole.api.once("POST", path, {}, headers, {})

    def heal(self) -> None:
        """End every fault that lasts."""
        self.wire.healthy = True
        self.node.call("evm_setIntervalMining", 1)
        self.node.call("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
