"""What each client says of a raw transaction, in its own words."""

import pytest

from gateway.sending.outcomes import outcome

SAID: dict[str, list[str | None]] = {
    "sent": [None],
    "known": [
        "already known",  # geth, reth, erigon
        "AlreadyKnown",  # nethermind
        "Known transaction",  # besu
        "transaction already imported",  # anvil
        "Known transaction: 0xabc",  # hardhat
    ],
    "consumed": [
        "nonce too low: next nonce 5, tx nonce 3",  # geth, reth
        "OldNonce, Current nonce: 5, nonce of rejected tx: 3",  # nethermind
        "Nonce too low",  # besu
        "nonce too low",  # erigon, anvil
        "Nonce too low. Expected nonce to be 5 but got 3.",  # hardhat
    ],
    "underpriced": [
        "replacement transaction underpriced",  # geth, reth, erigon
        "transaction underpriced: gas tip cap 0, minimum needed 1",  # geth
        "ReplacementNotAllowed",  # nethermind
        "FeeTooLow, MaxFeePerGas too low",  # nethermind
        "Replacement transaction underpriced",  # besu
        "max fee per gas less than block base fee: address 0xabc, maxFeePerGas: 1, baseFee: 9",
        "Gas price below configured minimum gas price",  # besu
    ],
    "no_gas_money": [
        "insufficient funds for gas * price + value: balance 0, tx cost 1",  # geth, reth, erigon
        "InsufficientFunds, Balance is 0 less than sending value + gas 1",  # nethermind
        "Upfront cost exceeds account balance",  # besu
        "Insufficient funds for gas * price + value",  # anvil
        "Sender doesn't have enough funds to send tx. The max upfront cost is: 1",  # hardhat
    ],
    "delegated": ["in-flight transaction limit reached for delegated accounts"],
    "too_big": [
        "exceeds block gas limit",  # geth, reth, erigon
        "GasLimitExceeded, Gas limit: 1, gas limit of rejected tx: 2",  # nethermind
        "Transaction gas limit exceeds block gas limit",  # besu
        "transaction gas limit too high (cap: 16777216, tx: 20000000)",  # geth, EIP-7825
    ],
    "uncertain": ["whatever else", "txpool is full", "", "internal error"],
}


@pytest.mark.parametrize(
    ("meaning", "said"), [(meaning, said) for meaning, found in SAID.items() for said in found]
)
def test_what_a_node_says_is_understood(meaning: str, said: str | None) -> None:
    assert outcome(said) == meaning
