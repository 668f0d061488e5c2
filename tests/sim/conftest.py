"""What every world has: nothing printed but what matters when one of them fails, and a summary."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.sim import run

run.one_seed()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Log nothing: a hundred worlds of trouble are many thousands of lines."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the worlds of this run were about, so that it can be judged."""
    reports = (one for several in terminalreporter.stats.values() for one in several)
    for name, what in run.seen(reports).items():
        terminalreporter.section(f"{name}, MIZAN_SEED={run.SEED}")
        for which, times in sorted(what.items()):
            terminalreporter.line(f"{times:8,} {which}")
