"""Addresses are derived, the same each time, and belong to one owner."""

import threading
from decimal import Decimal

import pytest
from eth_utils.crypto import keccak
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from gateway import db
from gateway.accounts import service as accounts
from gateway.addresses import service as addresses
from gateway.chain import vaults
from gateway.chain.add import NewAsset, add_asset, add_chain
from gateway.chain.deploy import Deployed
from gateway.chain.store import chain_asset
from gateway.errors import Conflict, NotFound, Refused, UnknownChain
from gateway.ledger import service as ledger

CHAIN = "eip155:31337"
FACTORY, PAYOUT = bytes([3] * 20), bytes([4] * 20)
DEPLOYED = Deployed(FACTORY, PAYOUT, PAYOUT, 7)


def add(chain_id: int = 31337, deployed: Deployed = DEPLOYED, *assets: NewAsset) -> None:
    with db.transaction() as session:
        add_chain(
            session,
            chain_id=chain_id,
            name="Test",
            confirmations=3,
            block_seconds=Decimal(1),
            deployed=deployed,
            assets=list(assets),
        )


@pytest.fixture
def account(database: str) -> str:
    add()
    with db.transaction() as session:
        return accounts.open_account(session, handle="amira", kind="person").id


def allocate(account: str, chain: str = CHAIN, invoice: str | None = None) -> bytes:
    with db.transaction() as session:
        return addresses.allocate(
            session, account_id=account, chain=chain, invoice_id=invoice
        ).address


def test_asking_again_gives_the_same_address(account: str) -> None:
    assert allocate(account) == allocate(account)


def test_an_invoice_has_an_address_of_its_own(account: str) -> None:
    found = {
        allocate(account),
        allocate(account, invoice="inv_1"),
        allocate(account, invoice="inv_2"),
    }
    assert len(found) == 3


def test_the_address_is_the_same_on_every_chain_and_known_on_those_it_was_asked_for(
    account: str,
) -> None:
    add(8453)
    assert allocate(account) == allocate(account, "eip155:8453")
    add(10)
    with db.transaction() as session:
        found = addresses.find(session, chain="eip155:10", address=allocate(account))
    assert found is None


def test_the_address_follows_eip_1014() -> None:
    """The first example of the standard, and the formula on ours."""
    zero = vaults.create2(bytes(20), bytes(32), keccak(b"\0"))
    assert zero.hex() == "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"
    salt = vaults.salt_of("acct_1")
    preimage = b"\xff" + FACTORY + salt + vaults.vault_code_hash()
    assert vaults.vault_address(FACTORY, salt) == keccak(preimage)[12:]


def test_many_who_ask_at_once_get_one_address(account: str) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(allocate(account))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_nobody_gets_an_address_on_a_chain_we_do_not_serve(account: str) -> None:
    with pytest.raises(UnknownChain):
        allocate(account, "eip155:1")
    with pytest.raises(NotFound):
        allocate("acct_nobody")


def test_a_second_address_of_an_account_on_a_chain_is_refused_by_the_database(
    account: str,
) -> None:
    allocate(account)
    with pytest.raises(IntegrityError), db.transaction() as session:
        session.execute(
            text(
                "insert into address (chain, address, salt, account_id)"
                " values (:chain, :address, :salt, :account)"
            ),
            {"chain": CHAIN, "address": bytes(20), "salt": bytes(32), "account": account},
        )


def test_a_chain_added_again_keeps_its_row_and_gets_what_it_lacks(database: str) -> None:
    usdc = NewAsset("USDC", "USD Coin", bytes([8] * 20), 6)
    add(31337, DEPLOYED, usdc)
    add(31337, DEPLOYED, usdc, NewAsset("ETH", "Ether", None, 18))
    with db.transaction() as session:
        assert set(addresses.minimum_deposits(session, CHAIN)) == {"ETH", "USDC"}
    with pytest.raises(Conflict):
        add(31337, Deployed(PAYOUT, PAYOUT, PAYOUT, 7))


def test_an_asset_more_precise_on_a_chain_than_in_the_ledger_is_refused(database: str) -> None:
    add(31337, DEPLOYED, NewAsset("USDC", "USD Coin", bytes([8] * 20), 6))
    add(56)
    with pytest.raises(Refused), db.transaction() as session:
        add_asset(session, "eip155:56", NewAsset("USDC", "USD Coin", bytes([9] * 20), 18))
    with pytest.raises(Conflict), db.transaction() as session:
        add_asset(session, CHAIN, NewAsset("USDC", "USD Coin", bytes([9] * 20), 6))


def test_a_less_precise_chain_is_scaled_to_the_ledger(database: str) -> None:
    add(31337, DEPLOYED, NewAsset("USDC", "USD Coin", bytes([8] * 20), 6, ledger_decimals=18))
    with db.transaction() as session:
        asset = ledger.asset(session, "USDC")
        assert str(chain_asset(session, CHAIN, "USDC").to_ledger(1, asset)) == "0.000001"
