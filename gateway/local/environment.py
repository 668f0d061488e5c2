"""What each process is told. A process inherits no secret it does not need."""

import os
from collections.abc import Mapping

from gateway.local.processes import (
    APPROVER_VARIABLES,
    KEYSTORE_VARIABLES,
    WEBHOOK_VARIABLES,
    Application,
)

# What any program needs of the machine; all else in our own environment stays with us.
MACHINE_VARIABLES = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    | {"PYTHONPATH", "PYTHONWARNINGS", "VIRTUAL_ENV"}
)
SETTINGS_PREFIX = "MIZAN_"
SECRET_VARIABLES = KEYSTORE_VARIABLES | APPROVER_VARIABLES | WEBHOOK_VARIABLES


def server_environment() -> dict[str, str]:
    """Return what Postgres, Redis and Anvil are told: nothing about the gateway."""
    return {name: value for name, value in os.environ.items() if name in MACHINE_VARIABLES}


def application_environment(
    application: Application, stack: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """Return the settings of one process, with those secrets alone that it asks for."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(SETTINGS_PREFIX) and name not in SECRET_VARIABLES
    }
    return {
        **server_environment(),
        **ours,
        **stack,
        **{name: value for name, value in secrets.items() if name in application.secrets},
        "MIZAN_DATABASE_ROLE": application.database_role,
        "PYTHONUNBUFFERED": "1",
    }
