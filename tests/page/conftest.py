"""A real server on the test's database, and the machine's own browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import db
from gateway.settings import settings
from tests import asking

READY_SECONDS = 20
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use an installed browser; without a sandbox, since containers forbid it one."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    return {**browser_type_launch_args, "executable_path": found, "args": ["--no-sandbox"]}


@pytest.fixture
def world(database: str) -> None:
    """A chain with two priced assets."""
    with db.transaction() as session:
        asking.add_chain(session)


@pytest.fixture
def site(world: None, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The payer's pages, served by a process of their own; returns where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("MIZAN_BASE_URL", base)
    settings.cache_clear()
    command = [sys.executable, "-m", "uvicorn", "tests.page.serve:app", "--port", str(port)]
    command += ["--log-level", "warning", "--timeout-graceful-shutdown", "1"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, env=dict(os.environ)) as server:
        wait_for(port, server)
        yield base
        server.kill()


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Wait until the server takes connections."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server does not answer")
