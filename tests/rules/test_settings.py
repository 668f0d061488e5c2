"""Production refuses to run on development values."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import Settings

PRODUCTION = {
    "MIZAN_ENV": "production",
    "DATABASE_URL": "postgresql://mizan@db/mizan",
    "REDIS_URL": "redis://redis/0",
    "CHAINS": "eip155:1=https://a.example|https://b.example eip155:8453=https://c.example",
    "MIZAN_BASE_URL": "https://pay.example",
    "MIZAN_FIXED_PRICES": "USDC=1",
}


def made(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> Settings:
    for name in (*PRODUCTION, "MIZAN_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_development_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = made(monkeypatch, {})
    assert settings.development
    assert settings.home == Path(".mizan")


def test_endpoints_are_listed_by_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch, PRODUCTION).endpoints == {
        "eip155:1": ["https://a.example", "https://b.example"],
        "eip155:8453": ["https://c.example"],
    }


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL", "CHAINS", "MIZAN_BASE_URL"])
def test_production_refuses_a_missing_value(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    values = {name: value for name, value in PRODUCTION.items() if name != missing}
    with pytest.raises(ValidationError, match=missing):
        made(monkeypatch, values)


@pytest.mark.parametrize("told", [{}, {"MIZAN_FIXED_PRICES": ""}])
def test_production_fixes_no_price_unless_it_is_told(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    values = {name: value for name, value in PRODUCTION.items() if name != "MIZAN_FIXED_PRICES"}
    assert made(monkeypatch, values | told).fixed_prices == ""
    assert made(monkeypatch, PRODUCTION).fixed_prices == "USDC=1"
    assert made(monkeypatch, {}).fixed_prices == "USDC=1 ETH=2000"


@pytest.mark.parametrize("chains", ["http://node", "1=http://node", "eip155:1"])
def test_a_node_without_its_chain_is_refused(monkeypatch: pytest.MonkeyPatch, chains: str) -> None:
    with pytest.raises(ValidationError, match="CHAINS"):
        made(monkeypatch, {"CHAINS": chains})
