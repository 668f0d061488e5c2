"""Where the output of the processes goes: a file for each, and the terminal under its name."""

import os
import sys
import threading
from pathlib import Path
from typing import IO

LARGEST_LOG = 10 * 2**20
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
NAME_WIDTH = 8


class Output:
    """Copies each line of a process to `<folder>/<name>.log` and, with `echo`, to the terminal."""

    def __init__(self, folder: Path, echo: bool) -> None:
        self.folder = folder
        self.echo = echo
        self._names: list[str] = []
        self._writing = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.folder / f"{name}.log"

    def follow(self, name: str, stream: IO[bytes], quiet: bool = False) -> None:
        """Copy everything `stream` says from now on, in a thread of its own."""
        threading.Thread(target=self._copy, args=(name, stream, quiet), daemon=True).start()

    def say(self, text: str) -> None:
        """Print a line of the stack itself."""
        with self.path("stack").open("ab") as log:
            log.write(text.encode() + b"\n")
        if self.echo:
            self._print("mizan", text)

    def last_lines(self, name: str, count: int = 5) -> str:
        """Return the end of a process's log, to explain why it failed."""
        try:
            lines = self.path(name).read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-count:])

    def _copy(self, name: str, stream: IO[bytes], quiet: bool) -> None:
        path = self.path(name)
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            os.replace(path, path.with_suffix(".log.1"))
        with stream, path.open("ab", buffering=0) as log:
            for line in stream:
                log.write(line)
                if self.echo and not quiet:
                    self._print(name, line.decode(errors="replace").rstrip("\n"))

    def _print(self, name: str, text: str) -> None:
        with self._writing:
            label = f"{name:<{NAME_WIDTH}} |"
            if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
                label = f"\033[{self._colour(name)}m{label}\033[0m"
            try:
                sys.stdout.write(f"{label} {text}\n")
                sys.stdout.flush()
            except (BrokenPipeError, ValueError):
                self.echo = False  # whoever read the terminal has left; the files go on

    def _colour(self, name: str) -> int:
        if name not in self._names:
            self._names.append(name)
        return COLOURS[self._names.index(name) % len(COLOURS)]
