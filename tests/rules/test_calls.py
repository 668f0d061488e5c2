"""What the workers pack by hand is what the compiled contracts understand."""

from web3 import Web3

from gateway.chain import payout, vaults
from gateway.chain.artifacts import artifact
from gateway.chain.calls import call_of

ALICE, TOKEN = b"\x11" * 20, b"\x22" * 20
PAYMENTS = [payout.payment(ALICE, 5), payout.payment(TOKEN, 7)]


def test_payout_calls_are_the_compilers() -> None:
    assert payout.pay_call(None, 3, PAYMENTS) == call_of("PayoutVault", "payNative", 3, PAYMENTS)
    token_call = call_of("PayoutVault", "payToken", TOKEN, 3, PAYMENTS)
    assert payout.pay_call(TOKEN, 3, PAYMENTS) == token_call
    assert payout.seq_call(ALICE) == call_of("PayoutVault", "seq", ALICE)


def test_sweep_calls_are_the_compilers() -> None:
    salts = [b"\x01" * 32, b"\x02" * 32]
    expected = call_of("VaultFactory", "sweep", TOKEN, ALICE, salts)
    assert vaults.sweep_call(TOKEN, ALICE, salts) == expected
    expected = call_of("VaultFactory", "sweep", bytes(20), ALICE, salts)
    assert vaults.sweep_call(None, ALICE, salts) == expected


def test_event_topics_are_the_compilers() -> None:
    topics = {
        signature_topic(entry)
        for contract in ("PayoutVault", "VaultFactory")
        for entry in artifact(contract)["abi"]
        if entry["type"] == "event"
    }
    ours = {payout.FAILED, payout.PAID, vaults.SWEPT, vaults.SWEEP_FAILED}
    assert ours <= topics


def signature_topic(entry: dict[str, object]) -> bytes:
    inputs = entry["inputs"]
    assert isinstance(inputs, list)
    kinds = ",".join(field["type"] for field in inputs)
    return bytes(Web3.keccak(text=f"{entry['name']}({kinds})"))
