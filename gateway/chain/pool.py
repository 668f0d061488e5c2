"""Several endpoints of one chain: which is read, which confirms, and which rests for a while.

A block is always read from one endpoint. One that does not answer, lags or lies is benched for a
time that doubles with each offence; without a healthy one the least bad is used. Nobody is alarmed
here: what happened waits in `news()` for whoever may call an operator.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import structlog

from gateway.chain.evm import Evm, Questions
from gateway.chain.port import NodeAway, NodeError

BENCH_SECONDS = 10.0
BENCH_SECONDS_MAX = 600.0
NEWS_MAX = 100

BENCHED, DISAGREE = "endpoint_benched", "endpoints_disagree"

Clock = Callable[[], float]

log = structlog.get_logger()


class Offence(IntEnum):
    """Why an endpoint rests, by how little it may be trusted while all of them do."""

    NONE = 0
    AWAY = 1
    LAGGING = 2
    LYING = 3


class NotYet(NodeAway):
    """An endpoint does not have a block yet that another one told; ask again."""

    code = "node_behind"

    def __init__(self, node: Evm, number: int, what: str = "block") -> None:
        super().__init__(f"{node.name} does not have our {what} {number} yet")
        self.node, self.number = node, number


class Contradiction(NodeAway):
    """Two endpoints that both have a block tell different things of it.

    `question` asks an endpoint for what they differ about, as a value that can be compared.
    """

    code = "nodes_disagree"

    def __init__(
        self, node: Evm, witness: Evm, question: Callable[[Evm], object], about: str
    ) -> None:
        super().__init__(f"{node.name} and {witness.name} do not agree about {about}")
        self.node, self.witness, self.question, self.about = node, witness, question, about


@dataclass(frozen=True, slots=True)
class Benched:
    """What an operator is to be told: the kind of alarm, which endpoint if one, and why."""

    kind: str
    name: str
    reason: str


@dataclass(slots=True)
class Standing:
    """How one endpoint is doing; times are the pool's clock."""

    offence: Offence = Offence.NONE
    strikes: int = 0
    until: float = 0.0


class Lasting:
    """Since when something has been true of somebody, in seconds of a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str, object], tuple[object, float, float]] = {}

    def seconds(self, what: str, of: object, which: object = None, *, gap: float) -> float:
        """Note that `what` is true of somebody; returns for how long it has been.

        It begins anew with another `which`, and after `gap` seconds in which nobody noted it:
        somebody else may have seen meanwhile that it was over.
        """
        now = self._clock()
        known, since, noted = self._known.get((what, of), (which, now, now))
        if known != which or now - noted > gap:
            since = now
        self._known[what, of] = which, since, now
        return now - since

    def over(self, what: str, of: object) -> None:
        """Note that it is no longer true."""
        self._known.pop((what, of), None)


class Pool(Questions):
    """A chain's endpoints in order of preference; answers like one node, from whichever can."""

    def __init__(self, nodes: Sequence[Evm], clock: Clock = time.monotonic) -> None:
        assert nodes, "a chain is read by at least one endpoint"
        self.nodes = tuple(nodes)
        self.clock = clock
        self.lasting = Lasting(clock)
        """What those who read by these endpoints note of them; it outlives a slice of watching."""
        self.left_at: dict[Evm, int] = {}
        """At which height an endpoint was left that went back below it, until it is there again."""
        self._standing = {node: Standing() for node in self.nodes}
        self._current = self.nodes[0]
        self._news: list[Benched] = []
        self._lock = threading.RLock()

    @classmethod
    def of(cls, *nodes: Evm, clock: Clock = time.monotonic) -> "Pool":
        """Return a pool of these endpoints."""
        return cls(nodes, clock)

    @property
    def name(self) -> str:
        return "|".join(node.name for node in self.nodes)

    def healthy(self) -> list[Evm]:
        """Return the endpoints that do not rest, in order of preference."""
        now = self.clock()
        return [node for node in self.nodes if self._standing[node].until <= now]

    def benched(self) -> list[Evm]:
        """Return the endpoints that rest now."""
        good = self.healthy()
        return [node for node in self.nodes if node not in good]

    def unheard(self) -> list[Evm]:
        """Return the endpoints that rest for no more than an answer that did not come."""
        return [one for one in self.benched() if self._standing[one].offence is Offence.AWAY]

    def primary(self) -> Evm:
        """Return the endpoint to read from: the same one as long as it is healthy."""
        with self._lock:
            good = self.healthy()
            if self._current not in good:
                self._current = good[0] if good else self._least_bad()[0]
            return self._current

    def prefer(self, node: Evm) -> None:
        """Read from this endpoint from now on."""
        self._current = node

    def witness(self, node: Evm) -> Evm | None:
        """Return another healthy endpoint than this; None where there is none."""
        return next((other for other in self.healthy() if other is not node), None)

    def bench(self, node: Evm, reason: str, offence: Offence = Offence.AWAY) -> None:
        """Let an endpoint rest, each time longer. The only one of a chain never rests."""
        if len(self.nodes) == 1:
            return
        with self._lock:
            standing, now = self._standing[node], self.clock()
            if standing.until + BENCH_SECONDS_MAX < now:
                standing.strikes = 0
            seconds = min(BENCH_SECONDS * 2**standing.strikes, BENCH_SECONDS_MAX)
            standing.strikes += 1
            standing.until, standing.offence = now + seconds, offence
            left = len(self.healthy())
            self._tell(BENCHED, node.name, reason if left else f"{reason}; no endpoint is healthy")
        log.warning(
            "node.benched", node=node.name, reason=reason, seconds=seconds, healthy_left=left
        )

    def disagreement(self, found: Contradiction) -> None:
        """Let a third endpoint decide and bench the odd one; with two, only say so."""
        sides = {node: found.question(node) for node in (found.node, found.witness)}
        for third in self.healthy():
            if third in (found.node, found.witness):
                continue
            try:
                told = found.question(third)
            except NodeAway as error:
                self.bench(third, str(error))
                continue
            except NodeError:  # it cannot tell: it decides nothing
                continue
            odd = [n for n in (found.node, found.witness) if sides[n] != told]
            if len(odd) == 1:
                self.bench(odd[0], f"{found}; {third.name} tells another", Offence.LYING)
                return
        self._tell(DISAGREE, "", str(found))

    def news(self) -> list[Benched]:
        """Return what happened since the last time, once."""
        with self._lock:
            told, self._news = self._news, []
        return told

    def named(self, name: str) -> Evm | None:
        """Return the endpoint of this name."""
        return next((node for node in self.nodes if node.name == name), None)

    def ask(self, method: str, parameters: list[Any], result: Any) -> Any:
        """Call any method of the first endpoint that answers; raises NodeAway, NodeError."""
        return self._first(lambda node: node.ask(method, parameters, result))

    def ask_many(self, method: str, calls: list[list[Any]], result: Any) -> list[Any]:
        """Call a method many times, all of them of one endpoint."""
        answers: list[Any] = self._first(lambda node: node.ask_many(method, calls, result))
        return answers

    def send_raw(self, raw: bytes) -> bytes:
        """Hand a signed transaction to every endpoint; one that takes it is enough.

        A refusal is raised before an absence: it says what is wrong with the transaction.
        """
        accepted: list[bytes] = []
        errors: list[NodeAway | NodeError] = []
        for node in self._in_turn():
            if accepted and self._standing[node].offence is Offence.AWAY:
                continue  # it has had no answer for anybody: do not wait for it
            try:
                accepted.append(node.send_raw(raw))
            except (NodeAway, NodeError) as error:
                errors.append(error)
        if accepted:
            return accepted[0]
        refused = [error for error in errors if isinstance(error, NodeError)]
        raise (refused or errors)[0]

    def close(self) -> None:
        """Drop this thread's connections."""
        for node in self.nodes:
            node.close()

    def _first(self, question: Callable[[Evm], Any]) -> Any:
        """Ask one endpoint after the other until one answers; the last absence is raised."""
        away: NodeAway | None = None
        for node in self._in_turn():
            try:
                return question(node)
            except NodeAway as error:
                away = error
                self.bench(node, str(error))
        assert away is not None
        raise away

    def _in_turn(self) -> list[Evm]:
        """Return every endpoint: the one in use, the healthy ones, then the least bad first."""
        first = self.primary()
        rest = [node for node in (*self.healthy(), *self._least_bad()) if node is not first]
        return [first, *dict.fromkeys(rest)]

    def _least_bad(self) -> list[Evm]:
        """Return the endpoints that rest: those that lied last, those free soonest first."""
        standing = self._standing
        return sorted(
            self.benched(),
            key=lambda node: (standing[node].offence is Offence.LYING, standing[node].until),
        )

    def _tell(self, kind: str, name: str, reason: str) -> None:
        """Keep what an operator is to be told; the oldest goes where nobody listens."""
        with self._lock:
            self._news = [*self._news[1 - NEWS_MAX :], Benched(kind, name, reason)]
