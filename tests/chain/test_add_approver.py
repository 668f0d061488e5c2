"""`mizan chain add`: a chain needs its own coin; with `--approver`, the vault of two keys."""

import json
from pathlib import Path

import pytest
import typer
from eth_account import Account
from sqlalchemy import text

from gateway import db
from gateway.chain import deploy
from gateway.chain.address import show_address
from gateway.chain.artifacts import selector
from gateway.chain.evm import node
from gateway.chain.store import chain
from gateway.operators import chains
from gateway.settings import settings
from tests.chain.money_in import CHAIN, number
from tests.conftest import MNEMONIC, TestNode

COIN = "ETH=native"
PASSWORD = "a password of tests"
PAYOUT, SWEEP, TREASURY = (bytes([n] * 20) for n in (0xD1, 0xD2, 0xD3))
FIRST, SECOND = (bytes([n] * 20) for n in (0xE1, 0xE2))


@pytest.fixture
def owner(anvil: TestNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Account.enable_unaudited_hdwallet_features()
    account = Account.from_mnemonic(MNEMONIC)
    file = tmp_path / "owner.json"
    file.write_text(json.dumps(Account.encrypt(account.key, PASSWORD, iterations=1)))
    monkeypatch.setenv("MIZAN_OWNER_PASSWORD", PASSWORD)
    settings.cache_clear()
    anvil.call("evm_setAutomine", True)
    return file


def add(owner: Path, approver: bytes | None = None, assets: tuple[str, ...] = (COIN,)) -> str:
    return chains.add(
        chain_id=CHAIN,
        name="Test",
        treasury=show_address(TREASURY),
        owner_keystore=owner,
        payout_signer=show_address(PAYOUT),
        sweep_signer=show_address(SWEEP),
        assets=list(assets),
        confirmations=3,
        block_seconds=1.0,
        explorer_url=None,
        approver=None if approver is None else show_address(approver),
    )


def approver_on_chain() -> bytes:
    with db.transaction() as session:
        place = chain(session, CHAIN)
    answer = node(CHAIN).call(place.payout_vault, selector("approver()"))
    return answer[-20:]


def test_a_chain_is_added_with_an_approver_and_keeps_it(owner: Path) -> None:
    assert f"approver      {show_address(FIRST)}" in add(owner, FIRST)
    with db.transaction() as session:
        place = chain(session, CHAIN)
    account = bytes.fromhex(Account.from_mnemonic(MNEMONIC).address[2:])
    assert place.payout_vault == deploy.payout_address(account, "ApprovedPayoutVault")
    assert place.payout_vault != deploy.payout_address(account)
    assert place.vault_factory == deploy.factory_address(account)
    assert place.payout_approver == FIRST == approver_on_chain()
    head = node(CHAIN).head().number
    assert f"approver      {show_address(FIRST)}" in add(owner)
    assert node(CHAIN).head().number == head


def test_another_approver_takes_the_firsts_place(owner: Path) -> None:
    add(owner, FIRST)
    add(owner, SECOND)
    assert approver_on_chain() == SECOND
    assert number("select count(*) from chain where payout_approver = :key", key=SECOND) == 1


def test_a_chain_without_an_approver_has_none(owner: Path) -> None:
    assert "approver" not in add(owner)
    with db.transaction() as session:
        assert chain(session, CHAIN).payout_approver is None
        vault = session.execute(text("select payout_vault from chain")).scalar_one()
    account = bytes.fromhex(Account.from_mnemonic(MNEMONIC).address[2:])
    assert bytes(vault) == deploy.payout_address(account)


def test_a_chain_without_its_own_coin_is_refused_before_anything_is_deployed(owner: Path) -> None:
    head = node(CHAIN).head().number
    with pytest.raises(typer.BadParameter, match="ETH=native"):
        add(owner, assets=())
    assert node(CHAIN).head().number == head
    assert number("select count(*) from chain") == 0
    add(owner)
    add(owner, assets=())
    assert number("select count(*) from chain_asset where contract is null") == 1
