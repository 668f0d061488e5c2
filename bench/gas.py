"""Gas per payout recipient and per swept vault, against the floors of the gas schedule.

Measured by the contracts' own tests over whole transactions (21,000 and calldata included); the
floors are the sum of the opcodes that cannot be avoided (Osaka schedule, EIP-2929, EIP-3529).
"""

import json
import subprocess
from pathlib import Path

from bench.table import show

CONTRACTS = Path(__file__).parents[1] / "contracts"
FLOORS = {
    "native existing": ("payout, native, existing account", 9_732, 21_000),
    "token holder": ("payout, token, holder", 7_440, 34_153),
    "token fresh": ("payout, token, fresh recipient", 24_540, 51_253),
    "native": ("sweep, native", 37_636, 21_000),
    "token": ("sweep, token", 39_892, 50_353),
}


def main() -> None:
    """Measure anew and print the table."""
    subprocess.run(["npm", "--prefix", str(CONTRACTS), "run", "--silent", "snapshot"], check=True)
    rows = []
    for name in ("payoutPerRecipient", "sweepPerVault"):
        figures = json.loads((CONTRACTS / "snapshots" / f"{name}.json").read_text())
        rows += table(figures)
    show(
        "Gas per recipient or vault",
        ("what", "N=1", "N=10", "N=100", "floor", "N=100 of floor", "each sent alone"),
        rows,
    )


def table(figures: dict[str, str]) -> list[tuple[object, ...]]:
    """Return a row for each kind that the snapshot knows."""
    rows: list[tuple[object, ...]] = []
    for key, (title, floor, alone) in FLOORS.items():
        names = [f"{key}, N={n:03}" for n in (1, 10, 100)]
        gas = [int(figures[name]) for name in names if name in figures]
        if gas:
            rows.append((title, *gas, floor, gas[-1] / floor, alone))
    return rows


if __name__ == "__main__":
    main()
