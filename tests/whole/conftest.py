"""One whole installation, started once: servers, schema, development's chain, every process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bench.signers import add_payout_signers
from gateway import db
from gateway.chain import evm
from gateway.local.stack import Stack
from gateway.local.up import prepare, wait_until_ready
from gateway.settings import Settings
from tests.conftest import forget
from tests.page.conftest import browser_type_launch_args
from tests.whole.world import Api, Chain, eventually

__all__ = ["browser_type_launch_args"]  # pytest finds it here

ROOT = Path(__file__).parents[2]
READY_SECONDS = 90.0
COMMAND_SECONDS = 120


@dataclass(frozen=True)
class Whole:
    """A running installation and what its client was told."""

    stack: Stack
    facts: dict[str, Any]
    api: Api
    chain: Chain

    def logs(self, *names: str) -> str:
        """Return the end of some processes' logs, to print when something is wrong."""
        return "\n".join(f"--- {name}\n{self.stack.output.last_lines(name, 15)}" for name in names)

    def environment(self) -> dict[str, str]:
        """Return what `mizan` on this machine is told."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, **self.stack.environment(), **self.stack.secrets()}

    def mizan(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the terminal against this installation."""
        return subprocess.run(
            [sys.executable, "-m", "gateway.cli", *arguments],
            cwd=ROOT,
            env={**self.environment(), **more},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def until_ready(self) -> None:
        """Return when the API says that everything is there."""
        try:
            eventually("the installation is ready", lambda: self.readiness() == 200, READY_SECONDS)
        except AssertionError as error:
            raise AssertionError(self.api.http.get("/readyz").text) from error

    def readiness(self) -> int:
        """Return the status of /readyz, 0 when nobody answers."""
        try:
            return self.api.http.get("/readyz").status_code
        except httpx2.HTTPError:
            return 0


@contextmanager
def installation(home: Path, chains: str = "", payout_signers: int = 1) -> Iterator[Whole]:
    """Run an installation: its own node, or the development nodes that `chains` names."""
    given = Settings(
        MIZAN_HOME=home, DATABASE_URL="", REDIS_URL="", CHAINS=chains, MIZAN_KEYSTORE=None
    )
    before = dict(os.environ)
    with Stack(given, durable=False) as stack:
        stack.start_servers()
        try:
            facts = prepare(stack)
            add_payout_signers(stack, facts["chain"], payout_signers - 1)
        finally:
            os.environ.clear()
            os.environ.update(before)
            db.close_engine()
            evm.node.cache_clear()
            forget()
        stack.start_applications()
        wait_until_ready(stack)
        with Api(facts["base_url"], facts["operator_key"]) as api, Chain(facts) as chain:
            yield Whole(stack, facts, api, chain)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """The installation the tests of this folder share; each leaves it running and healthy."""
    with installation(tmp_path_factory.mktemp("whole")) as found:
        yield found


@pytest.fixture
def running(whole: Whole) -> Whole:
    """The installation, ready at the beginning of the test."""
    whole.until_ready()
    return whole
