"""The whole installation on one machine: servers where none are given, then the application."""

import os
import secrets
import signal
import sys
import threading
import time
from typing import Protocol, Self
from urllib.parse import urlsplit

from gateway.local.anvil import Anvil
from gateway.local.environment import application_environment, server_environment
from gateway.local.lock import HomeLock
from gateway.local.output import Output
from gateway.local.ports import LOOPBACK, Ports
from gateway.local.postgres import Postgres
from gateway.local.process import Process, StackError
from gateway.local.processes import applications
from gateway.local.redis import Redis
from gateway.local.saver import Saver
from gateway.local.secret import remembered
from gateway.local.supervisor import Supervisor
from gateway.settings import Settings

READY_SECONDS = 30.0
POLL_SECONDS = 0.02
PARENT_POLL_SECONDS = 0.5
API_PORT = 8000
NODE_PORT = 8545
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server(Protocol):
    """What the stack needs to know of Postgres, Redis and Anvil."""

    @property
    def name(self) -> str:
        """Under which the supervisor knows it."""

    def prepare(self) -> None:
        """Make its folder ready."""

    def process(self, env: dict[str, str]) -> Process:
        """Describe what to run."""

    def ready(self) -> bool:
        """True when it answers."""


class Stack:
    """Runs everything on one home folder; leaving the `with` block stops all of it.

    `interactive` is for a terminal: it prints what the processes say, prefers well-known ports
    and turns SIGTERM and SIGHUP into KeyboardInterrupt. Tests leave it out.
    Without `durable` Postgres survives the kill of a process but not of the machine: much quicker.
    """

    def __init__(self, settings: Settings, interactive: bool = False, durable: bool = True) -> None:
        self.settings = settings
        self.home = settings.home.resolve()
        self.interactive = interactive
        self.durable = durable
        self._applications: list[str] = []
        self._saver: Saver | None = None

    def __enter__(self) -> Self:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = HomeLock(self.home).__enter__()
        try:
            self.output = Output(self.home / "logs", echo=self.interactive)
            self._ports = Ports(self.home)
            self._choose()
            self.supervisor = Supervisor(self.output)
        except BaseException:
            self._lock.__exit__()
            raise
        if self.interactive:
            for stopping in STOPPING_SIGNALS:
                signal.signal(stopping, _interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _choose(self) -> None:
        """Decide which servers are ours, and every port."""
        given = self.settings
        self.api_port = self._choose_api_port()
        self.postgres = None if given.database_url else Postgres(self.home, self.durable)
        self.redis = None if given.redis_url else Redis(self.home, self._port("redis"))
        self.anvil = None if given.chains else self._own_anvil()

    def _own_anvil(self) -> Anvil:
        return Anvil(self.home, self._port("anvil", NODE_PORT), self.output.say)

    def _choose_api_port(self) -> int:
        explicit = "base_url" in self.settings.model_fields_set
        parts = urlsplit(self.settings.base_url)
        if explicit and parts.hostname in (LOOPBACK, "localhost") and parts.port:
            return self._ports.require("api", parts.port)
        return self._port("api", API_PORT)

    def _port(self, name: str, preferred: int | None = None) -> int:
        port, remark = self._ports.choose(name, preferred if self.interactive else None)
        if remark:
            self.output.say(remark)
        return port

    @property
    def base_url(self) -> str:
        """Where the API answers."""
        if "base_url" in self.settings.model_fields_set:
            return self.settings.base_url
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def rpc_url(self) -> str:
        """The first node of the first chain."""
        return self.environment()["CHAINS"].split()[0].partition("=")[2].split("|")[0]

    def environment(self) -> dict[str, str]:
        """Return the settings by which any process finds this installation; no secret is in it."""
        given = self.settings
        return {
            "DATABASE_URL": self.postgres.url if self.postgres else given.database_url,
            "REDIS_URL": self.redis.url if self.redis else given.redis_url,
            "CHAINS": self.anvil.endpoint if self.anvil else given.chains,
            "MIZAN_HOME": str(self.home),
            "MIZAN_BASE_URL": self.base_url,
            **({"MIZAN_APPROVER": "true"} if given.approver else {}),
        }

    def secrets(self) -> dict[str, str]:
        """Return where the keys are and what opens them; each process is told only of its own."""
        given = self.settings
        keystore = given.keystore or self.home / "keystore"
        password = given.keystore_password.get_secret_value() or remembered(
            self.home / "keystore-password", secrets.token_urlsafe
        )
        return {
            "MIZAN_KEYSTORE": str(keystore),
            "MIZAN_KEYSTORE_PASSWORD": password,
            "MIZAN_REMOTE_SIGNER": given.remote_signer,
            "MIZAN_WEBHOOK_KEYS": given.webhook_secret_keys,
            **(self._approver_secrets() if given.approver else {}),
        }

    def _approver_secrets(self) -> dict[str, str]:
        """Return where the second key is; never made here, for it belongs to somebody else."""
        return {
            "MIZAN_APPROVER_KEYSTORE": str(self.settings.approver_keystore or ""),
            "MIZAN_APPROVER_PASSWORD": self.settings.approver_secret,
        }

    def start_servers(self) -> None:
        """Start the servers that were not given, and return when each answers."""
        servers: list[Server] = [
            server for server in (self.redis, self.anvil, self.postgres) if server is not None
        ]
        for server in servers:
            server.prepare()
            self.supervisor.start(server.process(server_environment()))
        for server in servers:
            self._wait_for(server)
        if self.anvil:
            self._saver = Saver(self.anvil, self.output.say)
            self._saver.start()

    def start_applications(self) -> None:
        """Start the API, the workers, the signer and beat, as docker-compose.yml does."""
        approver = self.settings.approver
        for application in applications(str(self.home), LOOPBACK, self.api_port, approver):
            env = application_environment(application, self.environment(), self.secrets())
            command = (sys.executable, *application.arguments)
            self._applications.append(application.name)
            self.supervisor.start(Process(application.name, command, env, quiet=True))

    def stop_applications(self) -> None:
        """Stop the application and leave the servers running."""
        self.supervisor.stop(*self._applications)
        self._applications.clear()

    def pid(self, name: str) -> int:
        """Return the process id of a server or an application process."""
        return self.supervisor.pid(name)

    def kill(self, name: str) -> None:
        """Kill one process with SIGKILL, as a fault would; the supervisor starts it again."""
        self.supervisor.kill(name)

    def restart(self, name: str) -> None:
        """Stop one process politely and start it again."""
        process = self.supervisor.process(name)
        self.supervisor.stop(name)
        self.supervisor.start(process.renew() if process.renew else process)

    def wait(self) -> None:
        """Return when asked to stop: Ctrl-C, SIGTERM, a closed terminal, or a killed `make`."""
        parent = os.getppid()
        started_by_make = "MAKELEVEL" in os.environ
        try:
            while not (started_by_make and os.getppid() != parent):
                time.sleep(PARENT_POLL_SECONDS)
        except KeyboardInterrupt:
            return

    def stop(self) -> None:
        """Stop the application, then Postgres, Redis and Anvil; takes a few seconds at most."""
        if self.interactive and threading.current_thread() is threading.main_thread():
            for stopping in STOPPING_SIGNALS:
                signal.signal(stopping, signal.SIG_IGN)
        self.output.say("stopping")
        self.stop_applications()
        if self._saver:
            self._saver.stop()
        for server in ("postgres", "redis", "anvil"):
            self.supervisor.stop(server)
        self.supervisor.stop_all()
        if self.postgres:
            self.postgres.close()
        self._lock.__exit__()

    def _wait_for(self, server: Server) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not server.ready():
            if not self.supervisor.running(server.name) or time.monotonic() > deadline:
                raise StackError(
                    f"{server.name} does not start:\n{self.output.last_lines(server.name)}"
                )
            time.sleep(POLL_SECONDS)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
