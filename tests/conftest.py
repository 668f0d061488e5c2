"""What every test may ask for: real servers, a fresh database, a node of its own."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.orm import Session

from gateway import bell, db
from gateway.chain import evm
from gateway.local.anvil import binary
from gateway.local.node import Node
from gateway.local.ports import LOOPBACK, Ports
from gateway.local.stack import Stack
from gateway.migrations import migrate
from gateway.settings import Settings, settings

MNEMONIC = "test test test test test test test test test test test junk"
CHAIN = "eip155:31337"
NOWHERE = f"{CHAIN}=http://127.0.0.1:1"
ANVIL_OPTIONS = ("--no-mining", "--hardfork", "osaka", "--quiet", "--accounts", "10")
NODE_READY_SECONDS = 20


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Postgres and Redis of this test process, stopped with it."""
    home = tmp_path_factory.mktemp("servers")
    given = Settings(MIZAN_HOME=home, CHAINS=NOWHERE, DATABASE_URL="", REDIS_URL="")
    with Stack(given, durable=False) as stack:
        stack.start_servers()
        yield stack


@pytest.fixture(scope="session")
def template(servers: Stack) -> str:
    """The name of a migrated database that every test's own is copied from."""
    name = "template_of_tests"
    with administrator(servers) as connection:
        connection.execute(f"create database {name}")
    migrate(database_url(servers, name))
    return name


@pytest.fixture
def database(servers: Stack, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh migrated database; settings and the pool of this process point at it."""
    name = f"test_{uuid4().hex}"
    with administrator(servers) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy")
    url = database_url(servers, name)
    for variable, value in servers.environment().items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("DATABASE_URL", url)
    forget()
    yield url
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    forget()
    with administrator(servers) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def redis_url(servers: Stack) -> str:
    """An empty Redis."""
    url = servers.environment()["REDIS_URL"]
    bell.live.cache_clear()
    import redis

    with redis.Redis.from_url(url) as connection:
        connection.flushall()
    return url


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """A session in an open transaction, rolled back at the end."""
    with db.new_session() as opened:
        yield opened
        opened.rollback()


def forget() -> None:
    """Drop what this process remembers of another database."""
    settings.cache_clear()
    db.engine.cache_clear()
    bell.broker.cache_clear()
    bell.live.cache_clear()
    evm.node.cache_clear()


@contextmanager
def administrator(stack: Stack) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection that may create and drop databases."""
    url = stack.environment()["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def database_url(stack: Stack, name: str) -> str:
    """Return the address of another database on the same server."""
    head, _, query = stack.environment()["DATABASE_URL"].partition("?")
    return f"{head.rpartition('/')[0]}/{name}?{query}"


class TestNode(Node):
    """Anvil under a test's control: it mines when told, reorganises, goes back."""

    __test__ = False

    def mine(self, blocks: int = 1) -> int:
        """Mine and return the new head's number."""
        self.call("anvil_mine", hex(blocks), "0x1")
        return self.head()

    def head(self) -> int:
        """Return the number of the newest block."""
        return int(str(self.call("eth_blockNumber")), 16)

    def accounts(self) -> list[str]:
        """Return the ten funded, unlocked accounts."""
        found = self.call("eth_accounts")
        assert isinstance(found, list)
        return [str(account) for account in found]

    def send(self, *, to: str, value: int = 0, data: str = "0x", sender: int = 9) -> str:
        """Put a transaction of an unlocked account into the pool; returns its hash."""
        fields = {"from": self.accounts()[sender], "to": to, "value": hex(value), "data": data}
        return str(self.call("eth_sendTransaction", fields))

    def reorg(self, depth: int) -> None:
        """Replace the newest blocks by as many empty ones; dropped transactions stay dropped."""
        self.call("anvil_reorg", depth, [])


@contextmanager
def running_anvil(home: Path, *options: str) -> Iterator[TestNode]:
    """Run a node of one's own until the block ends."""
    port, _ = Ports(home).choose("anvil")
    command = (str(binary()), *ANVIL_OPTIONS, "--mnemonic", MNEMONIC, "--port", str(port), *options)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    node = TestNode(LOOPBACK, port)
    try:
        deadline = time.monotonic() + NODE_READY_SECONDS
        while not answers(node):
            assert process.poll() is None, "anvil ended"
            assert time.monotonic() < deadline, "anvil does not answer"
            time.sleep(0.02)
        yield node
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def answers(node: Node) -> bool:
    """True when the node tells its head."""
    from gateway.local.node import NodeError

    try:
        node.call("eth_blockNumber")
    except NodeError:
        return False
    return True


@pytest.fixture
def anvil(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TestNode]:
    """A fresh chain 31337 that mines when told; settings name it."""
    with running_anvil(tmp_path) as node:
        monkeypatch.setenv("CHAINS", f"{CHAIN}=http://{LOOPBACK}:{node.port}")
        settings.cache_clear()
        yield node
