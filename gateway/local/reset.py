"""Forget everything the embedded stack keeps: `python -m gateway.local.reset`."""

import shutil
import sys
from pathlib import Path

from gateway.local.lock import HomeLock
from gateway.local.process import StackError
from gateway.settings import settings


def reset(home: Path) -> str:
    """Remove a home folder that no stack is using, and say what was done."""
    if not home.exists():
        return f"{home} does not exist: nothing to reset"
    if any(home.iterdir()) and not (home / "lock").exists():
        raise StackError(f"{home} is not a folder of the embedded stack: it is left alone")
    with HomeLock(home):
        shutil.rmtree(home)
    return f"{home} is removed; `make run` starts afresh"


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{reset(settings().home.resolve())}\n")
    except StackError as error:
        sys.exit(str(error))
