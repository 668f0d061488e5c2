"""Gas per payout recipient and per swept vault, against other ways and the floors of the schedule.

Payouts are measured on Anvil (payout_gas.py), sweeps by the contracts' own tests, both over whole
transactions (21,000 and calldata included); the floors are the sum of the opcodes that cannot be
avoided (Osaka schedule, EIP-2929, EIP-3529).
"""

import json
import subprocess
from pathlib import Path

from bench import payout_gas
from bench.table import show

CONTRACTS = Path(__file__).parents[1] / "contracts"
SWEEP_FLOORS = {"native": 37_636, "token": 39_892}


def main() -> None:
    """Measure anew and print the table."""
    subprocess.run(["npm", "--prefix", str(CONTRACTS), "run", "--silent", "snapshot"], check=True)
    payouts, alone = payout_gas.measured()
    show(
        "Gas per recipient or vault",
        ("what", "N=1", "N=10", "N=100", "batch floor", "N=100 of it"),
        [*payouts, *sweeps(alone)],
    )


def sweeps(alone: dict[str, int]) -> list[tuple[object, ...]]:
    """Return a row for each kind of sweep, and what the same costs one by one."""
    figures = json.loads((CONTRACTS / "snapshots" / "sweepPerVault.json").read_text())
    rows: list[tuple[object, ...]] = []
    for kind, floor in SWEEP_FLOORS.items():
        gas = [int(figures[f"{kind}, N={n:03}"]) for n in payout_gas.COUNTS]
        rows.append((f"sweep {kind}: our factory", *gas, floor, gas[-1] / floor))
        one = alone[kind]
        title = f"sweep {kind}: each by a key of its own"
        rows.append((title, one, one, one, floor, one / floor))
    return rows


if __name__ == "__main__":
    main()
