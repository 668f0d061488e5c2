"""Operators set how final a deposit must be; payers read what is waited for."""

import pytest
import typer
from fastapi.testclient import TestClient

from gateway import db
from gateway.accounts import service as accounts
from gateway.app import app
from gateway.deposits import finality
from gateway.deposits.rules import Rule
from gateway.invoices import service as invoices
from gateway.money import Money
from gateway.operators import tiers
from gateway.operators.tiers import set_tier
from tests.chain.money_in import CHAIN, CONFIRMATIONS, DOLLAR, USDC, Till, number
from tests.chain.tagging import FINAL_BELOW, Wordless, tier


@pytest.fixture
def till(tagged: Till) -> Till:
    return tagged


@pytest.fixture
def account(till: Till) -> str:
    return till.account()


def test_tiers_are_set_listed_and_dropped_by_command(till: Till) -> None:
    assert set_tier(CHAIN, "USDC", None, None) == ["from 0.00 USDC: 3 blocks"]
    set_tier(CHAIN, "USDC", "10000", "finalized")
    set_tier(CHAIN, "USDC", "500.5", "safe")
    assert set_tier(CHAIN, "USDC", "0", "1") == [
        "from 0.00 USDC: 1 block",
        "from 500.50 USDC: when the network calls its block safe",
        "from 10000.00 USDC: when the network calls its block finalized",
    ]
    set_tier(CHAIN, "USDC", "500.5", "none")
    assert len(set_tier(CHAIN, "USDC", "10000", "64")) == 2
    with db.transaction() as session:
        found = finality.tiers(session, CHAIN, "USDC")
        assert finality.rule_for(session, CHAIN, "USDC", 10**10) == Rule("blocks", 64)
        assert finality.rule_for(session, CHAIN, "USDC", 10**10 - 1) == Rule("blocks", 1)
        assert finality.rule_for(session, CHAIN, "ETH", 10**30) == Rule("blocks", CONFIRMATIONS)
    assert [one.from_amount for one in found] == [0, 10**10]


@pytest.mark.parametrize(
    ("asset", "amount", "rule", "said"),
    [
        ("USDC", "10", None, "both"),
        ("USDC", "10", "soon", "neither finalized"),
        ("USDC", "10", "0", "neither finalized"),
        ("USDC", "ten", "12", "decimal"),
        ("DOGE", "10", "12", "not on"),
    ],
)
def test_a_tier_that_means_nothing_is_refused(
    till: Till, asset: str, amount: str, rule: str | None, said: str
) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        set_tier(CHAIN, asset, amount, rule)
    assert number("select count(*) from finality_tier") == 0


def test_a_word_the_node_does_not_know_is_no_tier(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "node", lambda _: Wordless(till.node.endpoint))
    with pytest.raises(typer.BadParameter, match="does not tell"):
        set_tier(CHAIN, "USDC", "1", "safe")
    assert number("select count(*) from finality_tier") == 0


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Waiting until the network declares it final"),
        ("ar", "بانتظار أن تعلن الشبكة أنها نهائية"),
    ],
)
def test_the_payer_reads_that_the_network_is_waited_for(
    till: Till, language: str, words: str
) -> None:
    tier(5 * DOLLAR, Rule("finalized"))
    with db.transaction() as session:
        merchant = accounts.open_account(session, handle="shop", kind="merchant").id
        order = invoices.Order(price=Money(9 * DOLLAR, USDC), assets=(("USDC", CHAIN),))
        facts, _ = invoices.open_invoice(session, account_id=merchant, order=order)
        (option,) = facts.options
    invoice, client = facts.invoice.id, TestClient(app, base_url="http://localhost")
    till.pay_usdc(bytes(option.address), 4 * DOLLAR)
    till.mine()
    shown = client.get(f"/pay/{invoice}/status").json()["progress"]
    assert shown == {"seen": 1, "finality": "blocks", "needed": 3, "seconds": 2}
    till.pay_usdc(bytes(option.address), 5 * DOLLAR)
    till.mine()
    shown = client.get(f"/pay/{invoice}/status").json()
    assert shown["progress"] == {
        "seen": 1,
        "finality": "finalized",
        "needed": None,
        "seconds": None,
    }
    assert [one["confirmations_required"] for one in shown["payments"]] == [3, None]
    page = client.get(f"/pay/{invoice}", headers={"accept-language": language}).text
    assert words in page
    till.mine(FINAL_BELOW)
    assert client.get(f"/pay/{invoice}/status").json()["status"] == "paid"
