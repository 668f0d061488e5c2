"""A node's port that loses questions, swallows answers, cuts them off and lets them wait."""

import http.client
import random
import threading
import time
from collections import Counter

from tests.sim.serving import Reply, Server

SENDING = b'"eth_sendRawTransaction"'
# How often something goes wrong, of a hundred calls: a raw transaction's answer matters most.
PERCENT, PERCENT_SENDING = 4, 50
LATE_SECONDS = (0.2, 2.0)
LOST, SWALLOWED, CUT, LATE, EMPTY = "lost", "swallowed", "cut", "late", "empty"


class FaultyWire:
    """A port before a node's; `healthy` it only hands on."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.healthy = True
        self.seen: Counter[str] = Counter()
        self._choice = random.Random(f"{seed} wire")
        self._lock = threading.Lock()
        self._server = Server(self.answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        self._server.close()

    def answer(self, body: bytes) -> Reply:
        """Answer as the node does, or badly; `swallowed` and `cut` are told to the node first."""
        fault, seconds = self.fault(SENDING in body)
        if fault == LOST:
            return Reply(b"", cut=0)
        said = self.ask_node(body)
        if fault == LATE:
            time.sleep(seconds)
        elif fault == EMPTY:
            return Reply(b"", status=502)
        elif fault is not None:
            return Reply(said, cut=0 if fault == SWALLOWED else len(said) // 2)
        return Reply(said)

    def fault(self, sending: bool) -> tuple[str | None, float]:
        """Choose what goes wrong, and how late a late answer is."""
        if self.healthy:
            return None, 0.0
        with self._lock:
            wrong = self._choice.randrange(100) < (PERCENT_SENDING if sending else PERCENT)
            if not wrong:
                return None, 0.0
            fault = self._choice.choice((LOST, SWALLOWED, SWALLOWED, CUT, LATE, EMPTY))
            self.seen[f"{fault}{' raw' if sending else ''}"] += 1
            return fault, self._choice.uniform(*LATE_SECONDS)

    def ask_node(self, body: bytes) -> bytes:
        """Return what the node says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/", body, {"content-type": "application/json"})
            return connection.getresponse().read()
        finally:
            connection.close()
