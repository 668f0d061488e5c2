"""A real server on a database of the page tests, and the machine's own browser."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from gateway import db
from gateway.local.stack import Stack
from tests import asking
from tests.conftest import administrator, database_url, forget
from tests.page.shop_visits import own, shop, visit

__all__ = ["own", "shop", "visit"]

READY_SECONDS = 20
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the machine's browser, else Playwright's; a missing one fails, it does not skip.

    Without a sandbox, since containers forbid it one.
    """
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    chosen = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **chosen, "args": ["--no-sandbox"]}


@pytest.fixture(scope="session")
def page_server(servers: Stack, template: str) -> Iterator[dict[str, str]]:
    """The payer's pages, served by a process of their own; returns the environment it runs in."""
    name = f"page_{uuid4().hex}"
    with administrator(servers) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **servers.environment(),
        "DATABASE_URL": database_url(servers, name),
        "MIZAN_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "uvicorn", "tests.page.serve:app", "--port", str(port)]
    command += ["--log-level", "warning"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, env={**os.environ, **environment}) as server:
        wait_for(port, server)
        yield environment
        server.kill()
    with administrator(servers) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def site(page_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the pages are; this process speaks to the same database, which has a chain."""
    for variable, value in page_server.items():
        monkeypatch.setenv(variable, value)
    forget()
    with db.transaction() as session:
        asking.add_chain(session)
    yield page_server["MIZAN_BASE_URL"]
    db.engine().dispose()
    forget()


@pytest.fixture
def payer(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Open the site as a payer; a console error or a foreign request fails the test."""

    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def complain(text: str) -> None:
        if "Content Security Policy" in text:
            complaints.append(text)

    def visit(path: str, **options: object) -> Page:
        context: BrowserContext = browser.new_context(base_url=site, **options)  # type: ignore[arg-type]
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: complain(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        foreign = re.compile(rf"^(?!{re.escape(site)})http")
        page.route(foreign, lambda route: complaints.append(route.request.url))
        page.goto(path)
        return page

    yield visit
    for context in opened:
        context.close()
    assert complaints == []


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
