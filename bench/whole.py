"""The whole system in a folder of its own, for benches that need all of it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.signers import add_payout_signers
from gateway import db
from gateway.chain import evm
from gateway.local.stack import Stack
from gateway.local.up import prepare, wait_until_ready
from gateway.settings import Settings, settings


@contextmanager
def everything(payout_signers: int = 1) -> Iterator[tuple[Stack, dict[str, Any]]]:
    """Run every process, as `make run` does; gives the stack and what dev.json would say."""
    with tempfile.TemporaryDirectory(prefix="mizan-bench-") as home:
        given = Settings(MIZAN_HOME=Path(home), CHAINS="", DATABASE_URL="", REDIS_URL="")
        with Stack(given) as stack:
            stack.start_servers()
            facts = prepare(stack)
            add_payout_signers(stack, facts["chain"], payout_signers - 1)
            stack.start_applications()
            wait_until_ready(stack)
            try:
                yield stack, facts
            finally:
                forget()


def forget() -> None:
    """Drop what this process remembers of an installation, so that another can follow."""
    db.close_engine()
    evm.node.cache_clear()
    settings.cache_clear()
