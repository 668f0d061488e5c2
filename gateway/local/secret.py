"""A development secret: made once, kept in a file that only its owner may read."""

import os
from collections.abc import Callable
from pathlib import Path


def remembered(path: Path, make: Callable[[], str]) -> str:
    """Return the secret in `path`, made by `make` when there is none yet."""
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{make()}\n")
        os.replace(draft, path)
    return path.read_text().strip()
