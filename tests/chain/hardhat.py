"""Hardhat's node under a test's control: another client than Anvil, without any tracing."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.local.ports import LOOPBACK, Ports
from tests.conftest import TestNode, answers

CONTRACTS = Path(__file__).parents[2] / "contracts"
CLI = CONTRACTS / "node_modules" / "hardhat" / "internal" / "cli" / "bootstrap.js"
READY_SECONDS = 60
QUIET = {"HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "DO_NOT_TRACK": "1", "CI": "true"}


class HardhatNode(TestNode):
    """What the tests ask of a node, in Hardhat's words."""

    def mine(self, blocks: int = 1) -> int:
        """Mine and return the new head's number.

        One by one: many that it mines at once do not name their parents.
        """
        for _ in range(blocks):
            self.call("evm_mine")
        return self.head()

    def reorg(self, depth: int) -> None:
        """Hardhat cannot: take a snapshot before and go back to it."""
        raise NotImplementedError("take a snapshot, then revert")

    def snapshot(self) -> str:
        """Return a name for the chain as it is."""
        return str(self.call("evm_snapshot"))

    def revert(self, name: str) -> None:
        """Go back to a snapshot, which is used up by it; what is mined next has other times."""
        assert self.call("evm_revert", name) is True
        self.call("evm_increaseTime", hex(3))


@contextmanager
def running_hardhat(home: Path) -> Iterator[HardhatNode]:
    """Run a node of one's own until the block ends."""
    port, _ = Ports(home).choose("hardhat")
    command = ("node", str(CLI), "--config", "hardhat.config.cjs", "node")
    place = ("--hostname", LOOPBACK, "--port", str(port))
    process = subprocess.Popen(
        (*command, *place),
        cwd=CONTRACTS,
        env=os.environ | QUIET,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    node = HardhatNode(LOOPBACK, port)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(node):
            assert process.poll() is None, "hardhat ended: npm --prefix contracts ci"
            assert time.monotonic() < deadline, "hardhat does not answer"
            time.sleep(0.1)
        yield node
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
