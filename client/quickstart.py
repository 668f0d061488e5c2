"""Sell something: open an invoice, have the sandbox pay it, wait until the money is final.

Run it beside `make run`, in the folder that has `.mizan/dev.json`.
"""

import json
import time
from pathlib import Path

from mizan_client import Mizan

facts = json.loads(Path(".mizan/dev.json").read_text())
with Mizan(facts["base_url"], facts["merchant_key"]) as mizan:
    invoice = mizan.invoices.create(amount="4.50", title="Falafel", order_id=str(time.time_ns()))
    print("the payer's page:", invoice.url)
    mizan.sandbox.invoices.simulate(invoice.id, what="pay")
    while (seen := mizan.invoices.retrieve(invoice.id)).status != "paid":
        print(seen.status, seen.amount_paid, "of", seen.amount, seen.currency)
        time.sleep(0.5)
    print("paid, final:", seen.amount_credited, seen.currency)
