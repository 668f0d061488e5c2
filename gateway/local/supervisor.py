"""Starts processes, starts them again when they crash, and leaves none behind.

One thread, the keeper, starts every child: the kernel signals a child when the very thread that
started it ends, and this one lives exactly as long as the supervisor.
"""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from gateway.local.output import Output
from gateway.local.process import Process, StackError, launched

POLL_SECONDS = 0.1
STOP_SECONDS = 5.0
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
CALM_SECONDS = 10.0


@dataclass
class Child:
    """A process that should be running, and the operating system's handle of it."""

    process: Process
    handle: subprocess.Popen[bytes]
    started_at: float
    pause: float = FIRST_PAUSE
    restart_at: float | None = None


class Supervisor:
    """Keeps processes running until told to stop; its own death, even by kill -9, is theirs."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._children: dict[str, Child] = {}
        self._orders: queue.SimpleQueue[tuple[Callable[[], None], Future[None]] | None]
        self._orders = queue.SimpleQueue()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    def start(self, process: Process) -> None:
        """Start a process; raise StackError when its program cannot be run at all."""
        self._order(lambda: self._spawn(process))

    def stop(self, *names: str) -> None:
        """Stop the named processes together, politely for a few seconds, then for certain."""
        self._order(lambda: self._end([name for name in names if name in self._children]))

    def stop_all(self) -> None:
        """Stop every process, those started last first, and the supervisor itself."""
        self.stop(*self._children)
        self._orders.put(None)
        self._keeper.join()

    def kill(self, name: str, sent: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one process alone, as a fault would; it is then started again."""
        os.kill(self.pid(name), sent)

    def pid(self, name: str) -> int:
        """Return the process id of the named process as it runs now."""
        return self._children[name].handle.pid

    def process(self, name: str) -> Process:
        """Return what runs under a name."""
        return self._children[name].process

    def running(self, name: str) -> bool:
        """True while the named process has not ended."""
        child = self._children.get(name)
        return child is not None and child.restart_at is None and child.handle.poll() is None

    def _order(self, action: Callable[[], None]) -> None:
        done: Future[None] = Future()
        self._orders.put((action, done))
        done.result()

    def _keep(self) -> None:
        while True:
            try:
                order = self._orders.get(timeout=POLL_SECONDS)
            except queue.Empty:
                self._revive()
                continue
            if order is None:
                return
            action, done = order
            try:
                action()
            except BaseException as error:  # the keeper's end would be the children's
                done.set_exception(error)
            else:
                done.set_result(None)

    def _spawn(self, process: Process, pause: float = FIRST_PAUSE) -> None:
        try:
            handle = subprocess.Popen(
                launched(process.command, process.identity, process.death_signal),
                env=dict(process.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise StackError(f"{process.name} cannot be started: {error}") from error
        if handle.stdout is not None:
            self.output.follow(process.name, handle.stdout, process.quiet)
        self._children[process.name] = Child(process, handle, time.monotonic(), pause)

    def _revive(self) -> None:
        for name, child in list(self._children.items()):
            if child.restart_at is None:
                self._notice_end(name, child)
            elif time.monotonic() >= child.restart_at:
                self._start_again(name, child)

    def _notice_end(self, name: str, child: Child) -> None:
        code = child.handle.poll()
        if code is None:
            return
        kill_group(child.handle.pid)
        if not child.process.restart:
            self.output.say(f"{name} ended ({ending(code)})")
            del self._children[name]
            return
        calm = time.monotonic() - child.started_at > CALM_SECONDS
        child.pause = FIRST_PAUSE if calm else child.pause
        child.restart_at = time.monotonic() + child.pause
        self.output.say(f"{name} ended ({ending(code)}); starting it again in {child.pause:.1f} s")

    def _start_again(self, name: str, child: Child) -> None:
        pause = min(child.pause * 2, LONGEST_PAUSE)
        try:
            renew = child.process.renew
            self._spawn(renew() if renew else child.process, pause)
        except (StackError, OSError) as error:
            self.output.say(f"{name}: {error}; trying again in {pause:.1f} s")
            child.pause, child.restart_at = pause, time.monotonic() + pause

    def _end(self, names: list[str]) -> None:
        children = [self._children.pop(name) for name in names]
        for child in children:
            if child.handle.poll() is None:
                child.handle.send_signal(child.process.stop_signal)
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            try:
                child.handle.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.output.say(f"{child.process.name} did not stop in time: killed")
            kill_group(child.handle.pid)
            child.handle.wait()


def kill_group(leader: int) -> None:
    """Kill whatever is left of the process group a child led."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def ending(code: int) -> str:
    """Say how a process ended."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
