"""Set-up of a chain: our contracts at their fixed addresses, and who may use them.

Run once per chain by the cold owner, from the command line only. The owner's account is given by
the caller: keys that move money are read nowhere but in workers/keys. Doing it again changes
nothing, and adds what is missing.
"""

import time
from dataclasses import dataclass
from typing import Any, Protocol

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from gateway.chain.artifacts import creation_code
from gateway.chain.calls import call_of
from gateway.chain.port import Node, NodeError, Receipt
from gateway.chain.vaults import create2
from gateway.errors import Conflict, Refused

DEPLOYER = bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c")
"""The deterministic deployer, at one address on every chain (Arachnid's proxy)."""
DEPLOYER_SIGNER = bytes.fromhex("3fab184622dc19b6109349b94811493bf2a45362")
DEPLOYER_COST_WEI = 10**16
DEPLOYER_TRANSACTION = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050"
    "506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a0222222222222"
    "2222222222222222222222222222222222222222222222222222"
)
"""Signed once by nobody's key, without a chain number, so that it is valid on every chain."""
SALT = bytes(32)
STOP = b"\x00"
"""Code that does nothing, successfully: with it in a contract's place no call reverts."""
NOTHING_OF_OURS = b"\xff" * 4
GAS_LIMIT_FACTOR = 1.3
GAS_PER_TRANSACTION_MAX = 2**24
"""EIP-7825."""
TIP_WEI_MIN = 10**6
MINED_SECONDS_MAX = 300.0
POLL_SECONDS = 0.1


class Owner(Protocol):
    """The cold owner: an eth_account LocalAccount, or a hardware wallet that looks like one."""

    @property
    def address(self) -> str:
        """The owner's address."""

    def sign_transaction(self, transaction: Any) -> Any:
        """Return the signed transaction."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """Where our contracts are, and the first block that can hold a deposit."""

    vault_factory: bytes
    payout_vault: bytes
    treasury: bytes
    block_number: int
    payout_approver: bytes | None = None


def factory_address(owner: bytes) -> bytes:
    """Return where the factory of this owner is, on every chain."""
    return create2(DEPLOYER, SALT, keccak(creation_code("VaultFactory", ("address", owner))))


def payout_address(owner: bytes, contract: str = "PayoutVault") -> bytes:
    """Return where the payout vault of this owner is, on every chain."""
    return create2(DEPLOYER, SALT, keccak(creation_code(contract, ("address", owner))))


def deploy(
    node: Node,
    owner: Owner,
    *,
    operators: list[bytes],
    sweepers: list[bytes],
    treasury: bytes | None = None,
    approver: bytes | None = None,
) -> Deployed:
    """Deploy both contracts and let operators pay, sweepers sweep, into vault and treasury.

    `treasury` None means the payout vault: swept money is paid out again. With an `approver` the
    payout vault is one that takes a batch only with this second key's signature. Raises Refused
    when the owner lacks gas, or when operator and approver would be one key; Conflict when a
    transaction fails or is not mined in MINED_SECONDS_MAX.
    """
    if approver in operators:
        raise Refused("operator and approver are one key: two must agree", field="approver")
    hand = Hand(node, owner)
    deployer_present(hand)
    factory = create(hand, creation_code("VaultFactory", ("address", hand.address)))
    kind = "PayoutVault" if approver is None else "ApprovedPayoutVault"
    vault = create(hand, creation_code(kind, ("address", hand.address)))
    if approver is not None:
        name_approver(hand, vault, approver)
    for operator in operators:
        ensure(hand, vault, "PayoutVault", ("isOperator", "setOperator"), operator)
    for sweeper in sweepers:
        ensure(hand, factory, "VaultFactory", ("isSweeper", "setSweeper"), sweeper)
    for place in {vault, treasury or vault}:
        ensure(hand, factory, "VaultFactory", ("isDestination", "setDestination"), place)
    return Deployed(factory, vault, treasury or vault, node.head().number + 1, approver)


def name_approver(hand: "Hand", vault: bytes, approver: bytes) -> None:
    """Name the second key unless it is named, and see that batches can be estimated without it.

    Raises Refused when the node cannot: an estimate is needed before an approval exists.
    """
    answer = hand.node.call(vault, call_of("ApprovedPayoutVault", "approver"))
    if answer[-20:] != approver:
        hand.send(vault, call_of("ApprovedPayoutVault", "setApprover", approver))
    try:
        hand.node.estimate_gas(sender=hand.address, to=vault, data=NOTHING_OF_OURS, code=STOP)
    except NodeError as error:
        raise Refused(
            "the node estimates gas without state overrides: it cannot serve a payout vault with"
            " an approver"
        ) from error


def create(hand: "Hand", code: bytes) -> bytes:
    """Create a contract through the deterministic deployer, unless it is there; return where."""
    address = create2(DEPLOYER, SALT, keccak(code))
    if not hand.node.code(address):
        hand.send(DEPLOYER, SALT + code)
        if not hand.node.code(address):
            raise Conflict(f"no code at {to_checksum_address(address)} after its deployment")
    return address


def ensure(hand: "Hand", at: bytes, contract: str, names: tuple[str, str], about: bytes) -> None:
    """Ask the contract whether an address is allowed, and allow it if not."""
    question, order = names
    answer = hand.node.call(at, call_of(contract, question, about))
    if not decode(["bool"], answer)[0]:
        hand.send(at, call_of(contract, order, about, True))


def deployer_present(hand: "Hand") -> None:
    """Put the deterministic deployer on a chain that lacks it, paying its signer's gas."""
    node = hand.node
    if node.code(DEPLOYER):
        return
    missing = DEPLOYER_COST_WEI - node.balance(DEPLOYER_SIGNER)
    if missing > 0:
        hand.send(DEPLOYER_SIGNER, b"", value=missing)
    hand.mined(node.send_raw(DEPLOYER_TRANSACTION))
    if not node.code(DEPLOYER):
        raise Conflict(
            "the deterministic deployer could not be placed: its gas price of 100 gwei is fixed,"
            " and this chain's base fee may be above it or its gas rules differ"
        )


class Hand:
    """The owner's hand on one node: signs, sends, and waits until it is mined."""

    def __init__(self, node: Node, owner: Owner) -> None:
        self.node, self.owner = node, owner
        self.address = bytes.fromhex(owner.address[2:])
        self.chain_id = node.chain_id()

    def send(self, to: bytes, data: bytes, value: int = 0) -> Receipt:
        """Send one transaction; raises Refused without gas money, Conflict when it fails."""
        funds = self.node.balance(self.address)
        if funds <= value:
            raise self.poor()
        estimate = self.node.estimate_gas(sender=self.address, to=to, data=data, value=value)
        gas = min(int(estimate * GAS_LIMIT_FACTOR), GAS_PER_TRANSACTION_MAX)
        tip = max(self.node.max_priority_fee(), TIP_WEI_MIN)
        cap = 2 * self.node.base_fee() + tip
        if funds < gas * cap + value:
            raise self.poor()
        signed = self.owner.sign_transaction(
            {
                "type": 2,
                "chainId": self.chain_id,
                "nonce": self.node.nonce(self.address, "pending"),
                "to": to_checksum_address(to),
                "data": data,
                "value": value,
                "gas": gas,
                "maxFeePerGas": cap,
                "maxPriorityFeePerGas": tip,
            }
        )
        return self.mined(self.node.send_raw(bytes(signed.raw_transaction)))

    def poor(self) -> Refused:
        """Return the refusal of an owner who cannot pay for gas."""
        return Refused(f"the owner {self.owner.address} needs more native coin for gas")

    def mined(self, tx_hash: bytes) -> Receipt:
        """Wait until a transaction is mined and succeeded."""
        deadline = time.monotonic() + MINED_SECONDS_MAX
        while time.monotonic() < deadline:
            receipt = self.node.receipt(tx_hash)
            if receipt is not None and receipt.succeeded:
                return receipt
            if receipt is not None:
                raise Conflict(f"0x{tx_hash.hex()} failed", code="transaction_failed")
            time.sleep(POLL_SECONDS)
        raise Conflict(f"0x{tx_hash.hex()} is not mined yet; run this again", code="not_mined")
