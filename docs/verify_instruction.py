"""Verify a payment instruction: `python verify_instruction.py KEYS.json INSTRUCTION.json ADDRESS`.

KEYS.json is what the gateway published at /.well-known/mizan-keys.json when you noted it, not what
the page you doubt leads to. INSTRUCTION.json is an `instruction` of GET /pay/{invoice}/status, or
one of the `instructions` of GET /v1/invoices/{invoice}. ADDRESS is where you are about to pay.
Needs nothing of the gateway, only `pip install cryptography`.
"""

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def decoded(text: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(keys: dict[str, Any], instruction: dict[str, Any], address: str) -> str | None:
    """Return what is wrong with paying to `address`; None when the gateway has signed just that."""
    key = next((one for one in keys["keys"] if one["kid"] == instruction["key_id"]), None)
    if key is None:
        return "signed by a key that was never published"
    payload = instruction["payload"]
    # RFC 8785: all values are text or null, so sorted keys without spaces are canonical
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    public = Ed25519PublicKey.from_public_bytes(decoded(key["x"]))
    try:
        public.verify(decoded(instruction["signature"]), canonical.encode())
    except InvalidSignature:
        return "not what the gateway has signed"
    if payload["type"] != "mizan.payment-instruction.v1":
        return "signed, but no payment instruction"
    if payload["address"].lower() != address.lower():
        return f"the gateway has signed {payload['address']}, not this address"
    if datetime.fromisoformat(payload["expires_at"]) < datetime.now(UTC):
        return "its time is over: ask the page for a new quote"
    return None


def main(keys: str, instruction: str, address: str) -> int:
    """Print the verdict; returns 1 for what must not be paid."""
    signed = json.loads(Path(instruction).read_text())
    wrong = verify(json.loads(Path(keys).read_text()), signed, address)
    payload = signed["payload"]
    asked = f"{payload['amount']} {payload['asset']} on {payload['chain']} to {payload['address']}"
    verdict = f"do not pay: {wrong}" if wrong else f"signed by the gateway: {asked}"
    sys.stdout.write(f"{verdict}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
