"""Signed payment instructions: anybody can verify them, and a swapped address fails."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from docs.verify_instruction import verify
from gateway.checkout import keyring
from gateway.checkout.instructions import Instruction, canonical, instruction, published
from gateway.settings import settings

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_instruction.py"
OURS = "0x00000000000000000000000000000000000A11cE"
THEIRS = "0x000000000000000000000000000000000000dEaD"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this gateway's keys are; none are there yet."""
    path = tmp_path / "page-keys.json"
    given = settings().model_copy(update={"page_keys": path})
    monkeypatch.setattr("gateway.checkout.keyring.settings", lambda: given)
    return path


def signed(**changes: Any) -> Instruction:
    facts: dict[str, Any] = {
        "invoice": "inv_1",
        "chain": "eip155:8453",
        "asset": "USDC",
        "contract": bytes(19) + b"\7",
        "address": OURS,
        "amount": "12.50",
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
    }
    made = instruction(**(facts | changes))
    assert made is not None
    return made


def judged(made: dict[str, Any], address: str = OURS) -> str | None:
    return verify(published(keyring.keyring()).model_dump(mode="json"), made, address)


def test_what_is_signed_verifies_and_what_is_changed_does_not(keys: Path) -> None:
    made = signed().model_dump(mode="json")
    assert judged(made) is None
    assert "not this address" in str(judged(made, THEIRS))
    for name, value in (
        ("address", THEIRS),
        ("amount", "12.51"),
        ("invoice", "inv_2"),
        ("chain", "eip155:1"),
        ("asset", "USDT"),
        ("contract", None),
        ("expires_at", "2030-01-01T00:00:00Z"),
        ("type", "mizan.other.v1"),
    ):
        changed = made | {"payload": made["payload"] | {name: value}}
        assert judged(changed, changed["payload"]["address"]) == "not what the gateway has signed"


def test_an_expired_instruction_and_an_unknown_key_are_told(keys: Path) -> None:
    old = signed(expires_at=datetime.now(UTC) - timedelta(seconds=1)).model_dump(mode="json")
    assert "time is over" in str(judged(old))
    assert "never published" in str(judged(old | {"key_id": "other"}))


def test_the_canonical_text_is_rfc_8785(keys: Path) -> None:
    made = signed(asset='Ä"\\\n', contract=None, expires_at=datetime(2026, 1, 31, tzinfo=UTC))
    assert canonical(made.payload) == (
        '{"address":"0x00000000000000000000000000000000000A11cE","amount":"12.50",'
        '"asset":"Ä\\"\\\\\\n","chain":"eip155:8453","contract":null,'
        '"expires_at":"2026-01-31T00:00:00Z","invoice":"inv_1",'
        '"type":"mizan.payment-instruction.v1"}'
    )


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies(keys: Path) -> None:
    before = signed().model_dump(mode="json")
    first = json.loads(keys.read_text())["keys"][0]["d"]
    keyring.rotate(keys)
    after = signed().model_dump(mode="json")
    assert before["key_id"] != after["key_id"]
    assert judged(before) is None
    assert judged(after) is None
    shown = published(keyring.keyring()).keys
    assert [(key.kid, key.current) for key in shown] == [
        (after["key_id"], True),
        (before["key_id"], False),
    ]
    assert first not in keys.read_text(), "the secret half of the old key is forgotten"
    assert keys.stat().st_mode & 0o777 == 0o600


def test_processes_that_begin_at_once_have_one_key(keys: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: keyring.keyring().public, range(16)))
    assert len(set(found)) == 1


def test_production_signs_nothing_without_a_file(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    production = settings().model_copy(update={"page_keys": keys, "environment": "production"})
    monkeypatch.setattr("gateway.checkout.keyring.settings", lambda: production)
    assert keyring.keyring().public == ()
    assert (
        instruction(
            invoice="inv_1",
            chain="eip155:1",
            asset="ETH",
            contract=None,
            address=OURS,
            amount="1",
            expires_at=datetime.now(UTC),
        )
        is None
    )
    assert not keys.exists()


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', '{"keys": [{"x": "AA"}]}'])
def test_a_file_that_is_none_of_ours_is_refused(keys: Path, text: str) -> None:
    keys.write_text(text)
    with pytest.raises(ValueError, match="page"):
        keyring.keyring()


def test_halves_of_two_keys_are_refused(keys: Path) -> None:
    mixed = {"d": keyring.new_key()["d"], "x": keyring.new_key()["x"]}
    keys.write_text(json.dumps({"keys": [mixed]}))
    with pytest.raises(ValueError, match="do not belong together"):
        keyring.keyring()


@pytest.mark.parametrize(("address", "status"), [(OURS, 0), (OURS.lower(), 0), (THEIRS, 1)])
def test_the_example_stands_alone(keys: Path, tmp_path: Path, address: str, status: int) -> None:
    shown, made = tmp_path / "keys.json", tmp_path / "made.json"
    made.write_text(signed().model_dump_json())
    shown.write_text(published(keyring.keyring()).model_dump_json())
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-I", str(SCRIPT), str(shown), str(made), address]
    ran = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert ran.returncode == status, ran.stderr
    assert ran.stdout.startswith("signed by the gateway: 12.50" if status == 0 else "do not pay")
