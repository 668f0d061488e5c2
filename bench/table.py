"""One way to print a table, and the servers every bench measures on."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.local.stack import Stack
from gateway.settings import Settings

NOWHERE = "eip155:31337=http://127.0.0.1:1"


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns; numbers to the right."""
    cells = [[written(cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in [list(columns), *cells]) for n in range(len(columns))]
    print(f"\n{title}")
    print("  ".join(name.ljust(width) for name, width in zip(columns, widths, strict=True)))
    print("  ".join("-" * width for width in widths))
    for row in cells:
        first, *rest = zip(row, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]))


def written(cell: object) -> str:
    """Write a figure with the digits that mean something."""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


@contextmanager
def servers() -> Iterator[Stack]:
    """Run Postgres and Redis in a folder of their own."""
    with (
        tempfile.TemporaryDirectory(prefix="mizan-bench-") as home,
        Stack(
            Settings(MIZAN_HOME=Path(home), CHAINS=NOWHERE, DATABASE_URL="", REDIS_URL="")
        ) as stack,
    ):
        stack.start_servers()
        yield stack
