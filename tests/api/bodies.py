"""What a POST to each path accepts."""

from typing import Any

from tests.flow.books import CHAIN

SOMEBODY = "0x000000000000000000000000000000000000beef"


def good_body(path: str) -> dict[str, Any]:
    """Return a body that a POST to this path accepts from an operator."""
    owner = {"account": "@amira"}
    usdc = {"asset": "USDC", "chain": CHAIN}
    bodies: dict[str, dict[str, Any]] = {
        "accounts": {"handle": "noor", "kind": "person"},
        "api_keys": {"scopes": ["invoices:read"]},
        "addresses": {"chain": CHAIN},
        "transfers": {"from": "@amira", "to": "@falafel-corner", "asset": "USDC", "amount": "1"},
        "withdrawals": owner | usdc | {"to_address": SOMEBODY, "amount": "1"},
        "quote": usdc,
        "payouts": owner | {"asset": "USDC", "address_entry": "adr_none", "amount": "1"},
        "payout_schedules": owner
        | {"asset": "USDC", "address_entry": "adr_none", "every": "day", "hour": 6},
        "address_book": {"chain": CHAIN, "address": SOMEBODY, "label": "wallet"},
        "rule": {"required": False},
        "pauses": {"scope": "account", "subject": "@amira", "side": "credit", "reason": "a drill"},
        "tier": {"tier": 1, "evidence": "passport"},
        "limits": {"tier": 1, "kind": "day", "amount": "1000000"},
        "invoices": owner | {"amount": "12.50", "currency": "USD"},
        "refunds": {"to_address": SOMEBODY, "amount": "0.01"},
        "payment_links": owner | {"title": "Tea"},
        "assign": {},
        "refund": {"to_address": SOMEBODY, "amount": "0.01"},
        "dismiss": {"reason": "rubbish"},
        "webhook_endpoints": owner | {"url": "https://shop.example/hooks"},
    }
    return bodies.get(path.rpartition("/")[2], {})
