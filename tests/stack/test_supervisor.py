"""The supervisor on small stand-in processes."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.local import supervisor as supervisor_module
from gateway.local.output import Output
from gateway.local.process import Process
from gateway.local.supervisor import Supervisor
from tests.stack.machine import eventually


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    started = Supervisor(Output(tmp_path / "logs", echo=False))
    yield started
    started.stop_all()


def python(name: str, script: str, restart: bool = True) -> Process:
    return Process(name, (sys.executable, "-c", script), dict(os.environ), restart=restart)


def said(supervisor: Supervisor) -> str:
    return supervisor.output.last_lines("stack", 1000)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_killed_child_is_started_again_and_said_so(supervisor: Supervisor) -> None:
    supervisor.start(python("sleeper", "import time; time.sleep(600)"))
    first = supervisor.pid("sleeper")
    supervisor.kill("sleeper")
    assert eventually(lambda: supervisor.pid("sleeper") != first)
    assert eventually(lambda: supervisor.running("sleeper"))
    assert "sleeper ended (signal 9); starting it again in 0.2 s" in said(supervisor)


def test_a_child_that_keeps_crashing_is_started_less_and_less_often(
    supervisor: Supervisor,
) -> None:
    supervisor.start(python("broken", "raise SystemExit(3)"))
    assert eventually(lambda: "again in 0.8 s" in said(supervisor))
    pauses = [line.rpartition("again in ")[2] for line in said(supervisor).splitlines()]
    assert pauses == ["0.2 s", "0.4 s", "0.8 s"]


def test_a_child_that_may_end_is_left_ended(supervisor: Supervisor) -> None:
    supervisor.start(python("once", "print('done')", restart=False))
    assert eventually(lambda: "once ended (exit code 0)" in said(supervisor))
    assert not supervisor.running("once")


def test_what_a_killed_child_left_running_is_killed_too(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    note = tmp_path / "grandchild"
    script = (
        "import os, pathlib, time\n"
        "child = os.fork()\n"
        f"child and pathlib.Path({str(note)!r}).write_text(str(child))\n"
        "time.sleep(600)"
    )
    supervisor.start(python("parent", script))
    assert eventually(lambda: note.exists() and note.read_text() != "")
    orphan = int(note.read_text())
    supervisor.kill("parent")
    assert eventually(lambda: not alive(orphan))


def test_a_child_deaf_to_the_stop_signal_is_killed(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "STOP_SECONDS", 0.3)
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\n"
    supervisor.start(python("deaf", f"{deaf}time.sleep(600)"))
    assert eventually(lambda: "up" in supervisor.output.last_lines("deaf"))
    pid, began = supervisor.pid("deaf"), time.monotonic()
    supervisor.stop("deaf")
    assert not alive(pid)
    assert time.monotonic() - began < 2
    assert "deaf did not stop in time" in said(supervisor)


def test_each_child_speaks_to_its_own_log(supervisor: Supervisor) -> None:
    supervisor.start(python("talker", "print('salaam')", restart=False))
    assert eventually(lambda: supervisor.output.path("talker").exists())
    assert eventually(lambda: supervisor.output.path("talker").read_text() == "salaam\n")


def test_a_missing_program_is_named_in_the_log(supervisor: Supervisor) -> None:
    supervisor.start(Process("ghost", ("/no/such/program",), restart=False))
    assert eventually(lambda: "No such file" in supervisor.output.last_lines("ghost"))


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from gateway.local.output import Output\n"
        "from gateway.local.process import Process\n"
        "from gateway.local.supervisor import Supervisor\n"
        f"supervisor = Supervisor(Output(Path({str(tmp_path)!r}), echo=False))\n"
        "supervisor.start(Process('sleeper', ('sleep', '600'), {'PATH': '/usr/bin:/bin'}))\n"
        "print(supervisor.pid('sleeper'), flush=True); time.sleep(600)\n"
    )
    outer = Supervisor(Output(tmp_path / "outer", echo=False))
    outer.start(python("inner", script, restart=False))
    assert eventually(lambda: outer.output.last_lines("inner").strip().isdigit())
    sleeper = int(outer.output.last_lines("inner"))
    # Were it killed before the launcher is through, the launcher itself sees its parent gone.
    assert eventually(lambda: Path(f"/proc/{sleeper}/comm").read_text() == "sleep\n")
    os.kill(outer.pid("inner"), signal.SIGKILL)
    assert eventually(lambda: not alive(sleeper))
    outer.stop_all()
