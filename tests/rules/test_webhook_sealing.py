"""Webhook secrets are stored sealed: only a key opens them, and only where they belong."""

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import Settings, settings
from gateway.webhooks import sealing, signing

OLD, NEW = (base64.b64encode(bytes([number] * 32)).decode() for number in (1, 2))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("MIZAN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MIZAN_WEBHOOK_KEYS", raising=False)
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


def give(keys: pytest.MonkeyPatch, text: str) -> None:
    keys.setenv("MIZAN_WEBHOOK_KEYS", text)
    settings.cache_clear()


def test_what_is_stored_tells_nothing_and_opens_again(keys: pytest.MonkeyPatch) -> None:
    give(keys, NEW)
    secret = signing.new_secret()
    stored = sealing.seal(secret, endpoint_id="whe_1")
    assert secret not in stored
    assert secret.removeprefix("whsec_") not in stored
    assert stored != sealing.seal(secret, endpoint_id="whe_1")  # a nonce of its own each time
    assert sealing.unseal(stored, endpoint_id="whe_1") == secret


def test_it_opens_for_no_other_endpoint_and_not_when_changed(keys: pytest.MonkeyPatch) -> None:
    give(keys, NEW)
    stored = sealing.seal("whsec_a", endpoint_id="whe_1")
    with pytest.raises(sealing.Unsealable, match="whe_2"):
        sealing.unseal(stored, endpoint_id="whe_2")
    body = bytearray(base64.b64decode(stored.rpartition(":")[2]))
    body[-1] ^= 1
    changed = stored.rpartition(":")[0] + ":" + base64.b64encode(bytes(body)).decode()
    with pytest.raises(sealing.Unsealable):
        sealing.unseal(changed, endpoint_id="whe_1")


def test_a_new_key_seals_while_the_old_one_still_opens(keys: pytest.MonkeyPatch) -> None:
    give(keys, OLD)
    before = sealing.seal("whsec_a", endpoint_id="whe_1")
    give(keys, f"{NEW} {OLD}")
    assert sealing.unseal(before, endpoint_id="whe_1") == "whsec_a"
    after = sealing.seal("whsec_a", endpoint_id="whe_1")
    give(keys, NEW)
    assert sealing.unseal(after, endpoint_id="whe_1") == "whsec_a"
    with pytest.raises(sealing.Unsealable, match="no key"):
        sealing.unseal(before, endpoint_id="whe_1")


def test_one_from_before_they_were_sealed_is_as_it_is() -> None:
    assert sealing.unseal("whsec_plain", endpoint_id="whe_1") == "whsec_plain"


@pytest.mark.parametrize("text", ["short", "AAAA", "!" * 44])
def test_a_key_of_another_shape_is_refused(keys: pytest.MonkeyPatch, text: str) -> None:
    give(keys, text)
    with pytest.raises(ValueError, match="webhook key"):
        sealing.keys()


def test_a_file_may_hold_the_keys(keys: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{NEW}\n")
    keys.setenv("MIZAN_WEBHOOK_KEYS_FILE", str(file))
    settings.cache_clear()
    assert list(sealing.keys().values()) == [bytes([2] * 32)]


def test_development_makes_one_key_however_many_ask_first(tmp_path: Path) -> None:
    home = tmp_path / "new"
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait()
        return sealing.made.__wrapped__(home / sealing.FILE)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(ask, range(8)))
    assert len(set(made)) == 1
    file = home / sealing.FILE
    assert file.read_text() == made[0]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in home.iterdir()] == [sealing.FILE]


def test_production_must_be_given_one(keys: pytest.MonkeyPatch) -> None:
    values = {
        "MIZAN_ENV": "production",
        "DATABASE_URL": "postgresql://mizan@db/mizan",
        "REDIS_URL": "redis://redis/0",
        "CHAINS": "eip155:1=https://a.example",
        "MIZAN_BASE_URL": "https://pay.example",
        "MIZAN_FIXED_PRICES": "USDC=1",
    }
    for name, value in values.items():
        keys.setenv(name, value)
    settings.cache_clear()
    with pytest.raises(RuntimeError, match="MIZAN_WEBHOOK_KEYS"):
        sealing.keys()
    keys.setenv("MIZAN_DATABASE_ROLE", "mizan_api")
    with pytest.raises(ValidationError, match="MIZAN_WEBHOOK_KEYS"):
        Settings()
    keys.setenv("MIZAN_WEBHOOK_KEYS", NEW)
    assert Settings().webhook_secret_keys == NEW
