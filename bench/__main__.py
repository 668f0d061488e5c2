"""`python -m bench` runs every bench; `python -m bench gas ledger` runs those."""

import importlib
import sys

BENCHES = (
    "gas",
    "ledger",
    "latency",
    "invoices",
    "watcher",
    "confirm",
    "payouts",
    "webhooks",
    "page",
)

for name in sys.argv[1:] or BENCHES:
    if name not in BENCHES:
        sys.exit(f"no bench {name!r}; there are {', '.join(BENCHES)}")
    importlib.import_module(f"bench.{name}").main()
