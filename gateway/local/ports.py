"""Free ports, remembered, so that yesterday's addresses still work today."""

import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path

from gateway.local.process import StackError

# Below the range from which Linux gives ports to outgoing connections, which could take ours.
CHOICE = range(20_000, 30_000)
LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """True when nothing listens on a loopback port."""
    with socket.socket() as probe:
        # A port in TIME_WAIT is free for a server, which reuses addresses as this probe does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


class Ports:
    """The ports of one home, kept in `ports.json` there."""

    def __init__(self, home: Path) -> None:
        self._file = home / "ports.json"
        try:
            self._taken: dict[str, int] = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            self._taken = {}

    def choose(self, name: str, preferred: int | None = None) -> tuple[int, str]:
        """Return a free port and, where it is not the one to expect, a sentence that says so."""
        expected = self._taken.get(name, preferred)
        port = next(port for port in self._candidates(name, expected) if is_free(port))
        if self._taken.get(name) != port:
            self._taken[name] = port
            self._file.write_text(json.dumps(self._taken, indent=2) + "\n")
        if expected is None or port == expected:
            return port, ""
        return port, f"port {expected} is taken by another program; {name} is on {port} instead"

    def require(self, name: str, port: int) -> int:
        """Return `port`, or raise StackError when another program has it."""
        if not is_free(port):
            raise StackError(f"{name} must be on port {port}, which another program has taken")
        return port

    def _candidates(self, name: str, expected: int | None) -> Iterator[int]:
        if expected is not None:
            yield expected
        others = set(self._taken.values())
        for port in random.sample(CHOICE, len(CHOICE)):
            if port not in others:
                yield port
        raise StackError(f"no free port for {name}")
