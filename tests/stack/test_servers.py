"""Postgres, Redis and Anvil for real: killed, stopped, started again, and what is still there."""

import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from gateway.local import anvil as anvil_module
from gateway.local import postgres as postgres_module
from gateway.local import saver as saver_module
from gateway.local.node import Node, NodeError
from gateway.local.process import StackError
from gateway.local.stack import Stack
from tests.stack.machine import Runner, eventually, living

MakeStack = Callable[..., Stack]
Run = Callable[..., Runner]
SECONDS_A_KILL_MAY_COST = 5


def head(stack: Stack) -> int:
    assert stack.anvil is not None
    return int(str(stack.anvil.node.call("eth_blockNumber")), 16)


def rewritten(file: Path) -> bool:
    before = written_at(file)
    return eventually(lambda: written_at(file) not in (0, before))


def written_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def ask(stack: Stack, query: str) -> int | None:
    try:
        with psycopg.connect(stack.environment()["DATABASE_URL"]) as connection:
            row = connection.execute(query).fetchone()
    except psycopg.OperationalError:
        return None
    return int(row[0]) if row else None


def test_each_server_killed_comes_back_by_itself(
    stack_on: MakeStack, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saver_module, "SAVE_SECONDS", 0.3)
    with stack_on() as stack:
        stack.start_servers()
        assert stack.redis is not None
        with psycopg.connect(stack.environment()["DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        assert stack.anvil is not None
        stack.anvil.node.call("anvil_mine", "0x64")
        before, save = head(stack), home / "anvil" / "state.json.gz"
        assert rewritten(save)
        assert rewritten(save)  # the first may have begun before the blocks
        pids = {name: stack.pid(name) for name in ("postgres", "redis", "anvil")}
        for name in pids:
            stack.kill(name)
        assert eventually(lambda: all(stack.pid(name) != pids[name] for name in pids))
        assert eventually(lambda: ask(stack, "SELECT number FROM kept") == 7)
        assert eventually(stack.redis.ready)
        assert eventually(stack.anvil.ready)
        after = head(stack)
        assert after >= before - SECONDS_A_KILL_MAY_COST
        assert eventually(lambda: head(stack) > before)


def test_ctrl_c_leaves_no_process_and_the_next_run_finds_everything(home: Path, run: Run) -> None:
    first = run()
    port = int(first.facts["CHAINS"].rpartition(":")[2])
    node = Node("127.0.0.1", port)
    node.call("anvil_setBalance", "0x" + "11" * 20, "0x7")
    with psycopg.connect(first.facts["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    block = node.call("eth_blockNumber")
    assert first.end(signal.SIGINT) == 0
    assert living(home) == []
    second = run()
    assert second.facts["api_port"] == first.facts["api_port"]
    assert second.facts["CHAINS"] == first.facts["CHAINS"]
    assert node.call("eth_getBalance", "0x" + "11" * 20, "latest") == "0x7"
    assert int(str(node.call("eth_blockNumber")), 16) >= int(str(block), 16)
    with psycopg.connect(second.facts["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_killed_supervisor_leaves_no_process_and_its_home_can_be_used_again(
    home: Path, run: Run
) -> None:
    first = run()
    assert set(first.facts["pids"].values()) <= set(living(home))
    with psycopg.connect(first.facts["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    first.end(signal.SIGKILL)
    second = run()  # at once: the old Postgres may still be stopping
    with psycopg.connect(second.facts["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    assert all(second.facts["pids"][name] != pid for name, pid in first.facts["pids"].items())
    second.end(signal.SIGKILL)
    assert eventually(lambda: living(home) == [])


def test_a_second_stack_on_the_same_home_is_refused(stack_on: MakeStack) -> None:
    with stack_on(), pytest.raises(StackError, match=r"another `make run` holds .* \(pid \d+\)"):
        stack_on().__enter__()
    with stack_on():
        pass


def test_a_remembered_port_taken_by_another_program_is_changed_and_said(
    stack_on: MakeStack,
) -> None:
    with stack_on() as stack:
        port = stack.api_port
    with socket.create_server(("127.0.0.1", port)):
        with stack_on() as stack:
            assert stack.api_port != port
            assert f"port {port} is taken" in stack.output.last_lines("stack", 100)
        with pytest.raises(StackError, match=f"must be on port {port}"):
            stack_on(MIZAN_BASE_URL=f"http://127.0.0.1:{port}").__enter__()


def test_missing_anvil_says_what_to_do(
    stack_on: MakeStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(anvil_module, "PACKAGES", tmp_path / "none")
    with stack_on() as stack, pytest.raises(StackError, match=r"anvil is missing: `make run`"):
        stack.start_servers()


def test_what_is_given_is_used_and_not_started(home: Path, stack_on: MakeStack) -> None:
    given = {
        "DATABASE_URL": "postgresql://elsewhere/mizan",
        "REDIS_URL": "redis://elsewhere:6379/0",
        "CHAINS": "eip155:10=http://elsewhere:8545",
    }
    with stack_on(**given) as stack:
        stack.start_servers()
        assert living(home) == []
        assert given.items() <= stack.environment().items()
        assert stack.rpc_url == "http://elsewhere:8545"


def test_an_unreadable_save_falls_back_to_the_older_one_then_to_a_clear_refusal(
    home: Path, stack_on: MakeStack
) -> None:
    given = {"DATABASE_URL": "postgresql://elsewhere/", "REDIS_URL": "redis://elsewhere"}
    with stack_on(**given) as stack:
        stack.start_servers()
        assert stack.anvil is not None
        stack.anvil.node.call("anvil_mine", "0x64")
        stack.anvil.save()
    newest, older = home / "anvil" / "state.json.gz", home / "anvil" / "older.json.gz"
    newest.write_bytes(newest.read_bytes()[:-9])
    with stack_on(**given) as stack:
        stack.start_servers()
        assert head(stack) >= 100
        assert "the blocks since the save before it are lost" in said(stack)
    newest.write_bytes(b"")
    older.write_bytes(b"")
    with stack_on(**given) as stack, pytest.raises(StackError, match="make reset"):
        stack.start_servers()
    newest.unlink()
    older.unlink()
    with stack_on(**given) as stack:
        stack.start_servers()
        assert "`make reset` starts everything afresh" in said(stack)


def test_a_long_home_path_still_has_a_socket(stack_on: MakeStack, home: Path) -> None:
    given = {"REDIS_URL": "redis://elsewhere", "CHAINS": "eip155:10=http://elsewhere:8545"}
    with stack_on(MIZAN_HOME=str(home / ("deep" * 30)), **given) as stack:
        stack.start_servers()
        assert ask(stack, "SELECT 1") == 1
        assert stack.postgres is not None
        sockets = stack.postgres.sockets
    assert not sockets.exists()


def test_an_old_postgres_is_seen_off_and_a_stale_note_forgotten(
    stack_on: MakeStack, home: Path
) -> None:
    given = {"REDIS_URL": "redis://elsewhere", "CHAINS": "eip155:10=http://elsewhere:8545"}
    note = home / "postgres" / "postmaster.pid"
    with stack_on(**given) as stack:
        stack.start_servers()
        old = stack.pid("postgres")
        assert stack.postgres is not None
        stack.postgres.prepare()
        assert not (Path("/proc") / str(old) / "exe").exists()
        assert eventually(stack.postgres.ready)
    note.write_text(f"{os.getpid()}\n")
    with stack_on(**given) as stack:
        assert stack.postgres is not None
        stack.postgres.prepare()
        assert not note.exists()


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root must become another user"
)
def test_postgres_runs_as_nobody_where_user_namespaces_are_forbidden(
    stack_on: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_module, "unprivileged", lambda: "nobody")
    given = {"REDIS_URL": "redis://elsewhere", "CHAINS": "eip155:10=http://elsewhere:8545"}
    with stack_on(**given) as stack:
        stack.start_servers()
        assert ask(stack, "SELECT 1") == 1
        assert Path(f"/proc/{stack.pid('postgres')}").stat().st_uid != 0


def test_a_server_that_cannot_start_is_explained_by_its_own_words(
    stack_on: MakeStack, home: Path
) -> None:
    given = {"DATABASE_URL": "postgresql://elsewhere/", "CHAINS": "eip155:10=http://elsewhere:1"}
    with stack_on(**given) as stack:
        assert stack.redis is not None
        with (
            socket.create_server(("127.0.0.1", stack.redis.port)),
            pytest.raises(StackError, match=r"(?s)redis does not start.*Address already in use"),
        ):
            stack.start_servers()


def test_a_node_that_is_not_there_is_an_error_of_one_kind() -> None:
    with pytest.raises(NodeError, match="eth_blockNumber"):
        Node("127.0.0.1", 1).call("eth_blockNumber")


def said(stack: Stack) -> str:
    return stack.output.last_lines("stack", 1000)
