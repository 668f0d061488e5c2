"""What the tests see of the machine: a stack in another process, and the processes left on it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).with_name("runner.py")


class Runner:
    """A stack in a process of its own."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(RUNNER), str(home), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=home,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.facts: dict[str, Any] = json.loads(self.process.stdout.readline())

    def end(self, sent: signal.Signals) -> int:
        self.process.send_signal(sent)
        return self.process.wait(20)

    def close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()


def eventually(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait until something is true, and say whether it became so."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True


def living(home: Path) -> list[int]:
    """Return the processes that work in the home folder or below, the runner itself left out."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            folder, command = (entry / "cwd").readlink(), (entry / "cmdline").read_bytes()
        except OSError:
            continue
        pid = int(entry.name)
        ours = pid == os.getpid() or os.fsencode(RUNNER) in command
        if folder.is_relative_to(home) and not ours:
            found.append(pid)
    return found
