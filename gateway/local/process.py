"""What the supervisor runs: a command, its environment, and how it is stopped and started again."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

LAUNCHER = str(Path(__file__).with_name("launch.py"))

Identity = Literal["same", "namespace", "nobody"]


class StackError(RuntimeError):
    """What keeps the stack from running, in a sentence for the person who started it."""


@dataclass(frozen=True)
class Process:
    """One process of the stack.

    `renew` builds the process afresh before it is started again, for a server whose command
    depends on what it left behind. A `quiet` process speaks to its log file only.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    identity: Identity = "same"
    restart: bool = True
    quiet: bool = False
    renew: Callable[[], "Process"] | None = None


def launched(
    command: tuple[str, ...], identity: Identity = "same", death_signal: int = signal.SIGKILL
) -> list[str]:
    """Return the command line that becomes `command` and dies with the calling process."""
    python = [sys.executable, "-I", "-S", LAUNCHER]
    return [*python, str(os.getpid()), str(int(death_signal)), identity, *command]
