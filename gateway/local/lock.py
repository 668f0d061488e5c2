"""One stack at a time on a home folder."""

import fcntl
import os
from pathlib import Path
from typing import Self

from gateway.local.process import StackError


class HomeLock:
    """Held from entry to exit; the kernel lets go of it when the holder is killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._path = home / "lock"
        self._descriptor = -1

    def __enter__(self) -> Self:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode().strip() or "unknown"
            os.close(self._descriptor)
            raise StackError(
                f"another `make run` holds {self.home} (pid {holder}); "
                "stop it first, or set MIZAN_HOME to another folder"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
