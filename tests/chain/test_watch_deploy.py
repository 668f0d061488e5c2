"""Setting a chain up: twice is as good as once, and a chain without the deployer is helped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from gateway.chain import vaults
from gateway.chain.artifacts import call_data
from gateway.chain.decimals import token_decimals
from gateway.chain.deploy import (
    DEPLOYER,
    DEPLOYER_SIGNER,
    DEPLOYER_TRANSACTION,
    deploy,
    factory_address,
    payout_address,
)
from gateway.chain.evm import Evm, at_url
from gateway.errors import Refused
from tests.conftest import MNEMONIC, running_anvil

OPERATOR, SWEEPER, TREASURY = bytes([1] * 20), bytes([2] * 20), bytes([3] * 20)
BARE = "--disable-default-create2-deployer"


@pytest.fixture(params=["with the deployer", "without"])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Evm]:
    options = () if request.param == "with the deployer" else (BARE,)
    with running_anvil(tmp_path, *options) as anvil:
        anvil.call("evm_setAutomine", True)
        opened = at_url(f"http://127.0.0.1:{anvil.port}", 31337)
        yield opened
        opened.endpoint.close()


@pytest.fixture(scope="module")
def owner() -> LocalAccount:
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(MNEMONIC)
    return account


def test_the_contracts_stand_where_they_stand_on_every_chain(
    node: Evm, owner: LocalAccount
) -> None:
    deployed = deploy(node, owner, operators=[OPERATOR], sweepers=[SWEEPER], treasury=TREASURY)
    cold = bytes.fromhex(owner.address[2:])
    assert deployed.vault_factory == factory_address(cold)
    assert deployed.payout_vault == payout_address(cold)
    for contract, question, about in (
        (deployed.payout_vault, "isOperator(address)", OPERATOR),
        (deployed.vault_factory, "isSweeper(address)", SWEEPER),
        (deployed.vault_factory, "isDestination(address)", TREASURY),
        (deployed.vault_factory, "isDestination(address)", deployed.payout_vault),
    ):
        assert int.from_bytes(node.call(contract, call_data(question, about))) == 1
    salt = vaults.salt_of("acct_1")
    told = node.call(deployed.vault_factory, call_data("vaultOf(bytes32)", salt))[12:]
    assert told == vaults.vault_address(deployed.vault_factory, salt)
    sent = node.nonce(cold)
    again = deploy(node, owner, operators=[OPERATOR], sweepers=[SWEEPER], treasury=TREASURY)
    assert again == deployed
    assert node.nonce(cold) == sent


def test_an_owner_without_gas_money_is_told(node: Evm) -> None:
    with pytest.raises(Refused, match="native coin"):
        deploy(node, Account.create(), operators=[], sweepers=[])


def test_the_deployers_transaction_is_signed_by_nobodys_key() -> None:
    signer = Account.recover_transaction("0x" + DEPLOYER_TRANSACTION.hex())
    assert bytes.fromhex(signer[2:]) == DEPLOYER_SIGNER
    assert keccak(b"\xd6\x94" + DEPLOYER_SIGNER + b"\x80")[12:] == DEPLOYER


def test_what_is_no_token_has_no_decimals(node: Evm) -> None:
    with pytest.raises(Refused):
        token_decimals(node, bytes([9] * 20))
