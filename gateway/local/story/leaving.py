"""The chapters in which money leaves: together in one transaction, and held for a second person."""

import sys
from decimal import Decimal
from typing import Any

from eth_account import Account

from gateway.local.story.client import GREEN, PLAIN, Teller, say, until

DECIMALS = 6


def ask(story: Teller, account: dict[str, Any], amount: str, target: str) -> dict[str, Any]:
    """Ask for a withdrawal of USDC to an address outside."""
    asked: dict[str, Any] = story.operator.post(
        "/v1/withdrawals",
        {
            "account": account["id"],
            "asset": "USDC",
            "chain": story.dev["chain"],
            "to_address": target,
            "amount": amount,
        },
    )
    say(f"{amount} USDC to {target}, network fee {asked['fee']} USDC: {asked['status']}")
    return asked


def confirmed(story: Teller, withdrawal: dict[str, Any], target: str, amount: str) -> str:
    """Wait until a withdrawal is confirmed and read the chain itself; returns its transaction."""
    shown = ""

    def seen() -> Any:
        nonlocal shown
        now = story.operator.get(f"/v1/withdrawals/{withdrawal['id']}")
        if now["status"] != shown:
            shown = now["status"]
            say(f"{amount} USDC: {shown}" + (f" in {now['tx_hash']}" if now["tx_hash"] else ""))
        return shown == "confirmed" and now

    found = until("the withdrawal's confirmation", seen)
    arrived, wanted = story.chain.usdc_of(target), int(Decimal(amount).scaleb(DECIMALS))
    if arrived != wanted:
        sys.exit(f"the story stopped: {arrived} units arrived, {wanted} were expected")
    return str(found["tx_hash"])


def withdraw_together(story: Teller, account: dict[str, Any], amounts: list[str]) -> None:
    """Pay several people outside: what is asked for within a moment leaves in one transaction."""
    targets = [Account.create().address for _ in amounts]
    asked = [ask(story, account, *pair) for pair in zip(amounts, targets, strict=True)]
    hashes = {confirmed(story, *one) for one in zip(asked, targets, amounts, strict=True)}
    say(
        f"{GREEN}confirmed{PLAIN}: the chain says all {len(amounts)} arrived,"
        f" in {len(hashes)} transaction{'s' if len(hashes) > 1 else ''}"
    )


def withdraw_held(story: Teller, account: dict[str, Any], amount: str) -> None:
    """Ask for more than goes by itself; a second operator lets it go."""
    target = Account.create().address
    asked = ask(story, account, amount, target)
    holds = story.approver.get("/v1/holds", status="open")["data"]
    hold = next(one for one in holds if one["subject"] == asked["id"])
    say(f"held for a person: {hold['reason']} ({hold['id']}), see {story.dev['base_url']}/console")
    own = story.operator.http.post(f"/v1/holds/{hold['id']}/approve", json={})
    say(f"who asked for it may not approve it: {own.json()['code']}")
    story.approver.post(f"/v1/holds/{hold['id']}/approve", {"note": "called the customer"})
    say("another operator approved it")
    confirmed(story, asked, target, amount)
    say(f"{GREEN}confirmed{PLAIN}: the chain says {target} has {amount} USDC")
