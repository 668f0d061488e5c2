"""A wallet that is a contract proves its address by its own word (ERC-1271)."""

from eth_account import Account
from eth_account.messages import encode_defunct

from gateway.book.message import is_signed_by
from tests.chain.money_in import open_till
from tests.conftest import MNEMONIC, TestNode

DEPLOYER = "m/44'/60'/0'/0/9"


def test_a_contract_says_itself_whether_it_signed(anvil: TestNode, redis_url: str) -> None:
    till = open_till(anvil)
    wallet = till.mock("SigningWallet")
    Account.enable_unaudited_hdwallet_features()
    owner = Account.from_mnemonic(MNEMONIC, account_path=DEPLOYER)
    good = bytes(owner.sign_message(encode_defunct(text="hello")).signature)
    assert is_signed_by(till.node, wallet, "hello", good)
    assert not is_signed_by(till.node, wallet, "hello!", good)
    assert not is_signed_by(till.node, wallet, "hello", bytes(65))
    assert not is_signed_by(till.node, wallet, "hello", bytes(10))  # it reverts
    # a contract that knows nothing of signatures, and an address without code
    assert not is_signed_by(till.node, till.mock("NoReceive"), "hello", good)
    assert not is_signed_by(till.node, bytes([7] * 20), "hello", good)
