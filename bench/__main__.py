"""`python -m bench` runs every bench; `python -m bench gas ledger` runs those.

Each has a process of its own: what one of them remembers is not the next one's.
"""

import importlib
import subprocess
import sys

BENCHES = (
    *("gas", "ledger", "latency", "invoices", "page", "webhooks"),
    *("watcher", "confirm", "payouts"),
)

names = sys.argv[1:] or list(BENCHES)
for name in names:
    if name not in BENCHES:
        sys.exit(f"no bench {name!r}; there are {', '.join(BENCHES)}")
if len(names) == 1:
    importlib.import_module(f"bench.{names[0]}").main()
else:
    for name in names:
        subprocess.run([sys.executable, "-m", "bench", name], check=True)
