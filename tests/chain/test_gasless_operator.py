"""What operators do with signed payments: list a token, stop it, put an old backup back."""

from pathlib import Path

import pytest
import typer

from gateway.chain import eip3009
from gateway.chain.address import show_address
from gateway.errors import GatewayError
from gateway.ledger.chart import Chart
from gateway.operators import gasless
from tests.chain.money_in import CHAIN, DOLLAR, ETH, ETHER, number
from tests.chain.restored import Copy, booked, execute, restore, told
from tests.chain.signed_payments import Shop, open_shop
from tests.conftest import TestNode
from workers import relay


@pytest.fixture
def shop(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(anvil, tmp_path, monkeypatch)


def allow(
    asset: str = "USDC",
    *,
    stop: bool = False,
    minimum: str | None = None,
    worth_gas: str | None = None,
) -> str:
    return gasless.allow(
        CHAIN, asset, minimum=minimum, worth_gas=worth_gas, relay_signer=None, stop=stop
    )


def test_a_token_is_listed_with_its_terms_and_stopped(shop: Shop) -> None:
    execute("delete from gasless_token")
    said = allow(minimum="20", worth_gas="3")
    assert "'USD Coin' version '2'" in said
    assert "from 20" in said
    assert show_address(shop.relay) in said
    assert number("select minimum from gasless_token") == 20 * DOLLAR
    small = shop.invoice("12.50")
    with pytest.raises(GatewayError, match="cannot be paid so"):
        shop.typed(small)
    assert "worth 3 times" in allow(minimum="1")  # what is not named stays as it was
    assert shop.typed(small)["message"]["value"] == "12500000"
    assert "no signatures any more" in allow(stop=True)
    with pytest.raises(GatewayError, match="cannot be paid so"):
        shop.typed(small)


def test_what_cannot_be_is_said_and_nothing_is_written(shop: Shop) -> None:
    plain = shop.desk.till.mock("HookToken")
    assert eip3009.domain_of(shop.desk.till.node, plain, 31337) is None
    execute("update gasless_token set worth_gas = 7")
    for asset, worth_gas in (("ETH", None), ("DAI", None), ("USDC", "many")):
        with pytest.raises(typer.BadParameter):
            allow(asset, worth_gas=worth_gas)
    assert number("select sum(worth_gas) from gasless_token") == 7


def test_an_old_backup_does_not_send_again_what_left_after_it(shop: Shop, copied: Copy) -> None:
    invoice = shop.invoice()
    handed = shop.hand_in(invoice, shop.sign(invoice))
    old = copied()
    shop.settle()
    assert shop.row(handed.id).status == "confirmed"
    restore(shop.desk, old)
    shop.settle(3)
    assert shop.row(handed.id).status == "queued"
    assert shop.desk.alarms() == ["signer_used_elsewhere"]
    assert any("relay 0x" in line for line in told())
    booked()
    shop.settle(2)
    assert (shop.row(handed.id).status, shop.row(handed.id).reason) == ("failed", "invoice_paid")
    assert shop.facts(invoice).stored.status == "paid"
    spent = 100 * ETHER - shop.desk.till.node.balance(shop.relay)
    assert shop.desk.house(Chart.GAS, ETH, None) == spent
    assert shop.desk.alarms() == ["signer_used_elsewhere"]
    relay.tick(CHAIN, shop.desk.till.node)
    assert shop.desk.holds(shop.place(invoice)) == 12_500_000
