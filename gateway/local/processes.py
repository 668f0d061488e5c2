"""The application's processes: the one list behind the embedded stack and docker-compose.yml."""

from dataclasses import dataclass

QUEUES = ("watch", "pay", "sweep", "deliver", "close", "prices")
SIGNER_QUEUE = "sign"
# An open live page would otherwise hold the API's shutdown for as long as it is looked at.
GRACEFUL_SECONDS = 3
# Workers find their work in tables and need no word of each other; asking would cost a second.
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
APPROVER_QUEUE = "approve"
KEYSTORE_VARIABLES = frozenset(
    {
        "MIZAN_KEYSTORE",
        "MIZAN_KEYSTORE_PASSWORD",
        "MIZAN_KEYSTORE_PASSWORD_FILE",
        "MIZAN_REMOTE_SIGNER",
    }
)
APPROVER_VARIABLES = frozenset(
    {"MIZAN_APPROVER_KEYSTORE", "MIZAN_APPROVER_PASSWORD", "MIZAN_APPROVER_PASSWORD_FILE"}
)

# API and deliverer alone see webhook secrets in the clear.
WEBHOOK_VARIABLES = frozenset({"MIZAN_WEBHOOK_KEYS", "MIZAN_WEBHOOK_KEYS_FILE"})
WEBHOOK_QUEUE = "deliver"


@dataclass(frozen=True)
class Application:
    """One process of the application, and as whom it speaks to the database."""

    name: str
    arguments: tuple[str, ...]
    database_role: str
    secrets: frozenset[str] = frozenset()


def applications(
    home: str, host: str, port: int, approver: bool = False
) -> tuple[Application, ...]:
    """Return every process; each is `python` with its arguments. `approver`: the second key's
    process, where payouts need its word.
    """
    api = (
        *("-m", "uvicorn", "gateway.app:app", "--host", host, "--port", str(port)),
        *("--timeout-graceful-shutdown", str(GRACEFUL_SECONDS)),
        "--no-access-log",  # a path may hold a token; our own lines have ids
    )
    beat = (
        *("-m", "celery", "-A", "workers.app", "beat"),
        *("--schedule", f"{home}/beat-schedule", "--loglevel", "INFO"),
    )
    return (
        Application("api", api, "mizan_api", WEBHOOK_VARIABLES),
        *(
            Application(
                queue,
                worker(queue),
                "mizan_worker",
                WEBHOOK_VARIABLES if queue == WEBHOOK_QUEUE else frozenset(),
            )
            for queue in QUEUES
        ),
        Application("signer", worker(SIGNER_QUEUE), "mizan_signer", KEYSTORE_VARIABLES),
        *((APPROVER,) if approver else ()),
        Application("beat", beat, "mizan_worker"),
    )


def worker(queue: str) -> tuple[str, ...]:
    """Return the arguments of the one worker that serves a queue."""
    return (
        *("-m", "celery", "-A", "workers.app", "worker", "--queues", queue),
        *("--hostname", f"{queue}@%h", "--loglevel", "INFO"),
        *QUIET,
    )


APPROVER = Application("approver", worker(APPROVER_QUEUE), "mizan_approver", APPROVER_VARIABLES)
