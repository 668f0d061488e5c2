"""Homes for stacks of their own, and stacks run by another process, which can be killed."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.local.stack import Stack
from gateway.settings import Settings
from tests.stack.machine import Runner

GIVEN = ("DATABASE_URL", "REDIS_URL", "CHAINS", "MIZAN_BASE_URL", "MIZAN_HOME", "MIZAN_ENV")


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack under test starts everything itself."""
    for name in GIVEN:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def stack_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stack]:
    """Make a stack on the home folder, with other variables if need be."""

    def make(**variables: str) -> Stack:
        monkeypatch.setenv("MIZAN_HOME", str(home))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Stack(Settings())

    return make


@pytest.fixture
def run(home: Path) -> Iterator[Callable[..., Runner]]:
    """Run stacks on the home folder in other processes."""
    runners: list[Runner] = []

    def start(*arguments: str) -> Runner:
        runners.append(Runner(home, *arguments))
        return runners[-1]

    yield start
    for runner in runners:
        if runner.process.poll() is None:
            runner.end(signal.SIGTERM)
        runner.close()
