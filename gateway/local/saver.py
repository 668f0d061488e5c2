"""Saves the development chain every few seconds, so that a kill costs only those."""

import threading
import time
from collections.abc import Callable

from gateway.local.anvil import Anvil
from gateway.local.node import NodeError

SAVE_SECONDS = 1.0
# A long chain takes longer to save; then it is saved less often, and its node can still work.
REST_PER_SAVE = 10.0


class Saver:
    """A thread that saves the chain until stopped, and once more at the end."""

    def __init__(self, anvil: Anvil, say: Callable[[str], None]) -> None:
        self._anvil = anvil
        self._say = say
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="saver", daemon=True)

    def start(self) -> None:
        """Save now, then go on saving."""
        self._anvil.save()
        self._thread.start()

    def stop(self) -> None:
        """Save a last time and end."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        rest = SAVE_SECONDS
        last = False
        while not last:
            last = self._stopping.wait(rest)
            began = time.monotonic()
            try:
                self._anvil.save()
            except NodeError:
                continue  # the node is down; the supervisor brings it back from the last save
            except OSError as error:
                self._say(f"the chain could not be saved: {error}")
            rest = max(SAVE_SECONDS, REST_PER_SAVE * (time.monotonic() - began))
