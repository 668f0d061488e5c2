"""A chain on which blocks soon become safe and final."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.chain import evm
from gateway.local.stack import Stack
from gateway.settings import settings
from tests.chain.copies import Backup, backup
from tests.chain.money_in import CHAIN, Till, open_till
from tests.chain.tagging import FINAL_BELOW, SLOTS_IN_AN_EPOCH
from tests.conftest import running_anvil


@pytest.fixture
def tagged(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Till]:
    """The gateway on a node whose blocks become safe after four others and final after eight."""
    with running_anvil(tmp_path, "--slots-in-an-epoch", str(SLOTS_IN_AN_EPOCH)) as anvil:
        monkeypatch.setenv("CHAINS", f"{CHAIN}=http://127.0.0.1:{anvil.port}")
        settings.cache_clear()
        evm.node.cache_clear()
        anvil.mine(2 * FINAL_BELOW)
        yield open_till(anvil)


@pytest.fixture
def copied(
    servers: Stack, database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Backup]]:
    """Copy the test's database, as a backup does."""
    with ExitStack() as open_copies:
        yield lambda: open_copies.enter_context(backup(servers, database, monkeypatch))
