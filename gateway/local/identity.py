"""Under whose name a server runs. PostgreSQL refuses to run as root, so root lends it another."""

import os
import subprocess
from functools import lru_cache
from pathlib import Path

from gateway.local import launch
from gateway.local.process import Identity, launched


@lru_cache(maxsize=1)
def unprivileged() -> Identity:
    """Return how to run a server that refuses root: a user namespace is preferred, since files
    then stay their owner's; where containers forbid it, the user nobody.
    """
    if os.geteuid() != 0:
        return "same"
    trial = subprocess.run(launched(("true",), "namespace"), capture_output=True, check=False)
    return "namespace" if trial.returncode == 0 else "nobody"


def hand_over(folder: Path, identity: Identity) -> None:
    """Make `folder` belong to whoever the server will be."""
    if identity != "nobody":
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, launch.NOBODY, launch.NOBODY, follow_symlinks=False)
