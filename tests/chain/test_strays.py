"""What reaches our addresses and is no payment that was asked for: in the inbox, never silence."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from gateway import db
from gateway.addresses import service as addresses
from gateway.chain.add import NewAsset, add_chain
from gateway.chain.deploy import Deployed
from gateway.deposits.watched import Watched
from gateway.invoices import service as invoices
from gateway.invoices.service import Order
from gateway.money import Asset, Money
from tests.chain.endpoints import (
    CHAIN,
    DOLLAR,
    FACTORY,
    PAYOUT,
    TREASURY,
    Reader,
    open_reader,
    rows,
)
from tests.sim.scripted import Pay, World

OTHER = "eip155:31338"


@pytest.fixture
def reader(database: str, redis_url: str) -> Iterator[Reader]:
    with World() as world:
        yield open_reader(world, world.view())


def items() -> list[tuple[str, str, int]]:
    found = rows("select kind, status, units from inbox_item order by id")
    return [(row.kind, row.status, int(row.units)) for row in found]


def elsewhere(account: str, factory: bytes, invoice: str | None = None) -> bytes:
    """Give out an address on another chain whose contracts come from this factory."""
    with db.transaction() as session:
        add_chain(
            session,
            chain_id=31338,
            name="Other",
            confirmations=3,
            block_seconds=Decimal(1),
            deployed=Deployed(factory, PAYOUT, TREASURY, 0),
            assets=[NewAsset("USDC", "USD Coin", bytes([0xC1]) * 20, 6)],
        )
        return addresses.allocate(
            session, account_id=account, chain=OTHER, invoice_id=invoice
        ).address


def test_a_token_we_do_not_list_is_in_the_inbox(reader: Reader) -> None:
    unknown = reader.world.token(9)
    reader.world.mine(reader.pay(4, unknown), reader.pay(5))
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited")]
    assert items() == [("unknown_token", "open", 4)]


def test_an_unknown_token_that_moves_nothing_or_comes_from_us_is_none(reader: Reader) -> None:
    unknown = reader.world.token(9)
    reader.world.mine(
        Pay(reader.address, 0, token=unknown),
        Pay(reader.address, 4, token=unknown, sender=PAYOUT),
    )
    reader.follow()
    assert items() == []


@pytest.mark.parametrize("coin", ["listed", "unlisted", "native"])
def test_what_is_paid_to_an_address_of_another_chain_is_in_the_inbox(
    reader: Reader, coin: str
) -> None:
    there = elsewhere(reader.account, FACTORY, invoice="inv_there")
    token = {"listed": reader.token, "unlisted": reader.world.token(9), "native": None}[coin]
    reader.world.mine(Pay(there, 6, token=token), reader.pay(5))
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited")]
    assert items() == [("wrong_chain", "open", 6)]


def test_an_address_of_another_factory_is_not_ours(reader: Reader) -> None:
    there = elsewhere(reader.account, bytes([0xFB]) * 20, invoice="inv_there")
    reader.world.mine(Pay(there, 6, token=reader.token))
    reader.follow()
    assert items() == []


def test_an_address_given_out_on_both_chains_is_paid_here(reader: Reader) -> None:
    assert elsewhere(reader.account, FACTORY) == reader.address
    reader.world.mine(reader.pay(5))
    reader.world.empty(3)
    reader.follow()
    assert reader.deposits() == [(5, "credited")]
    assert items() == []


def test_an_asset_the_invoice_did_not_ask_for_is_credited_and_in_the_inbox(reader: Reader) -> None:
    with db.transaction() as session:
        order = Order(price=Money(5 * DOLLAR, Asset("USDC", 6)))
        facts, _ = invoices.open_invoice(session, account_id=reader.account, order=order)
        to = addresses.allocate(
            session, account_id=reader.account, chain=CHAIN, invoice_id=facts.invoice.id
        ).address
    reader.world.mine(Pay(to, 7), Pay(to, 2 * DOLLAR, token=reader.token))
    reader.world.empty(3)
    reader.follow()
    assert sorted(reader.deposits()) == [(7, "credited"), (2 * DOLLAR, "credited")]
    (item,) = rows(
        "select i.kind, i.invoice_id, d.asset from inbox_item i"
        " join deposit d on d.id = i.deposit_id"
    )
    assert (item.kind, item.invoice_id, item.asset) == ("wrong_asset", facts.invoice.id, "ETH")


def test_addresses_are_loaded_in_parts_and_then_only_what_is_new(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.deposits.watched.LOAD_PART", 3)
    monkeypatch.setattr("gateway.deposits.watched.GROW_PART", 4)
    given = {reader.address}

    def give(count: int) -> None:
        for _ in range(count):
            with db.transaction() as session:
                given.add(
                    addresses.allocate(
                        session,
                        account_id=reader.account,
                        chain=CHAIN,
                        invoice_id=f"inv_{len(given)}",
                    ).address
                )

    give(10)
    known = Watched(CHAIN)
    for more in (0, 1, 9):
        give(more)
        known.refresh()
        assert known.addresses == given
    version = known.version
    known.refresh()
    assert known.version == version
