"""The seven steps of the story."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2

from gateway.local.story.client import (
    BOLD,
    DIM,
    GREEN,
    PLAIN,
    Api,
    Chain,
    Forms,
    Shop,
    Teller,
    chapter,
    say,
    until,
)
from gateway.local.story.leaving import withdraw_held, withdraw_together


def open_account(story: Teller, name: str) -> dict[str, Any]:
    """Open an account under the first free handle that begins with `name`."""
    for number in range(1, 1000):
        handle = name if number == 1 else f"{name}{number}"
        answer = story.operator.http.post(
            "/v1/accounts",
            json={"handle": handle, "kind": "person"},
            headers={"idempotency-key": str(uuid4())},
        )
        if answer.status_code != 409:
            account: dict[str, Any] = story.operator.read(answer)
            return account
    sys.exit(f"the story stopped: every handle like {name} is taken")


def deposit(story: Teller, account: dict[str, Any], amount: str, units: int) -> None:
    """Give the account an address, pay it on the chain, watch it become money."""
    address = story.operator.post(
        f"/v1/accounts/{account['id']}/addresses", {"chain": story.dev["chain"]}
    )["address"]
    say(f"@{account['handle']} pays in at {address}")
    tx_hash = story.chain.send_usdc(address, units)
    say(f"{amount} USDC sent on {story.dev['chain']} in {tx_hash}")
    shown = 0

    def credited() -> Any:
        nonlocal shown
        found = story.operator.get("/v1/deposits", tx_hash=tx_hash)["data"]
        if found and found[0]["confirmations"] > shown:
            shown = found[0]["confirmations"]
            needed = found[0]["confirmations_required"]
            say(f"block {found[0]['block_number']}: confirmation {min(shown, needed)} of {needed}")
        return found and found[0]["status"] == "credited" and found[0]

    until("the deposit's credit", credited)
    say(f"{GREEN}credited{PLAIN}: {balance(story, account)} USDC available")


def balance(story: Teller, account: dict[str, Any]) -> str:
    """Return an account's available USDC."""
    found = story.operator.get(f"/v1/accounts/{account['id']}/balances")["data"]
    return next(str(row["available"]) for row in found if row["asset"] == "USDC")


def transfer(story: Teller, payer: dict[str, Any], payee: dict[str, Any], amount: str) -> None:
    """Send money to a handle, at once and free."""
    story.operator.post(
        "/v1/transfers",
        {
            "from": payer["id"],
            "to": f"@{payee['handle']}",
            "asset": "USDC",
            "amount": amount,
            "memo": "lunch",
        },
    )
    say(f"@{payer['handle']} sent {amount} USDC to @{payee['handle']}, at once")
    say(
        f"@{payer['handle']} has {balance(story, payer)}, "
        f"@{payee['handle']} has {balance(story, payee)}"
    )


def sell(story: Teller) -> None:
    """Sell a coffee by payment link: the page, the payment, the webhook."""
    endpoint = story.merchant.post("/v1/webhook_endpoints", {"url": story.shop.url})
    story.shop.secret = endpoint["secret"]
    link = story.merchant.post(
        "/v1/payment_links", {"title": "Coffee and cake", "amount": "12.50", "currency": "USD"}
    )
    say(f"the merchant's payment link: {link['url']}")
    browser = httpx2.Client(follow_redirects=True, timeout=30, base_url=story.dev["base_url"])
    opened = browser.get(link["url"])
    page = browser.post(Forms(opened.text).actions[0] or str(opened.url))
    invoice_id = page.url.path.rsplit("/", 1)[-1]
    say(f"the payer's page: {page.url}")
    action = next(action for action in Forms(page.text).actions if "/test" in action)
    browser.post(action)
    say("pressed “Pay (test)”: a development account pays on the chain")
    shown = ""

    def paid() -> Any:
        nonlocal shown
        invoice = story.merchant.get(f"/v1/invoices/{invoice_id}")
        payments = invoice["payments"]
        seen = f"{invoice['status']}, " + ", ".join(
            f"{min(p['confirmations'], p['confirmations_required'])} of "
            f"{p['confirmations_required']} confirmations"
            for p in payments
        )
        if payments and seen != shown:
            shown = seen
            say(f"the page says: {seen}")
        return invoice["status"] == "paid" and invoice

    invoice = until("the invoice's payment", paid)
    say(f"{GREEN}paid{PLAIN}: {invoice['amount_paid']} {invoice['currency']}")
    event = until("the signed webhook", lambda: story.shop.heard_of("invoice.paid", invoice_id))
    say(f"the shop heard {event['type']} ({event['id']}), signature good")
    story.merchant.http.delete(f"/v1/webhook_endpoints/{endpoint['id']}")


def report(story: Teller) -> None:
    """Print today's settlement report and hold the books against the chain."""
    today = datetime.now(UTC).date()
    tomorrow = str(today + timedelta(days=1))
    found = story.operator.get("/v1/reports/settlement", **{"from": str(today), "to": tomorrow})
    columns = ("type", "asset", "gross", "fee", "net", "balance_after")
    widths = (16, 6, 12, 10, 12, 14)
    head = "".join(name.rjust(width) for name, width in zip(columns, widths, strict=True))
    say(f"{DIM}{head}{PLAIN}")
    for row in found["data"][-12:]:
        cells = (str(row[name]) for name in columns)
        say("".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))
    for total in found["totals"]:
        say(
            f"total {total['asset']}: gross {total['gross']}, fee {total['fee']},"
            f" net {total['net']}"
        )
    books = until("the books and the chain at one block", lambda: reconciled(story))
    for row in books["data"]:
        say(
            f"{row['asset']} at block {row['block_number']}: the chain has {row['on_chain']}, "
            f"the ledger {row['ledger']}, difference {row['difference']}"
        )
    for row in books["owed"]:
        say(f"{row['asset']}: custody {row['custody']} = owed {row['owed']} + house {row['house']}")


def reconciled(story: Teller) -> Any:
    """Return the reconciliation once nothing differs."""
    answer = story.operator.http.get("/v1/reconciliation")
    if answer.status_code == 424:  # the node is restarting or has pruned the block
        return None
    books = story.operator.read(answer)
    rows = [*books["data"], *books["owed"]]
    return books if all(float(row["difference"]) == 0 for row in rows) else None


def tell(dev: dict[str, Any]) -> None:
    """Tell the story."""
    operator = Api(dev["base_url"], dev["operator_key"])
    merchant = Api(dev["base_url"], dev["merchant_key"])
    approver = Api(dev["base_url"], dev["approver_key"])
    story = Teller(dev, operator, approver, merchant, Chain(dev), Shop())
    chapter(1, "Two people open accounts")
    amira, karim = open_account(story, "amira"), open_account(story, "karim")
    for account in (amira, karim):
        say(f"@{account['handle']} is {account['id']}")
    chapter(2, "A deposit arrives on the chain and waits for its confirmations")
    deposit(story, amira, "250.00", 250_000_000)
    chapter(3, "It is sent to another handle")
    transfer(story, amira, karim, "40.00")
    chapter(4, "A payment link is paid on its page, and the shop is told")
    sell(story)
    chapter(5, "Withdrawals leave together, in one transaction")
    withdraw_together(story, karim, ["15.00", "7.50", "2.25"])
    chapter(6, "A large withdrawal is held, and another operator approves it")
    deposit(story, amira, "1500.00", 1_500_000_000)
    withdraw_held(story, amira, "1200.00")
    chapter(7, "Today's settlement report adds up to the ledger and the chain")
    report(story)
    print(f"\n{GREEN}{BOLD}The books balance.{PLAIN}\n", flush=True)
