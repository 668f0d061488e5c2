"""What our signers sent that our books do not know: found on the chain, and read back into actions.

A transaction is known by its sender and nonce. What it did is what its receipt says it did.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from msgspec import field

from gateway.chain import eip3009, payout, vaults
from gateway.chain.address import show_address
from gateway.chain.evm import Questions
from gateway.chain.payout import Batch
from gateway.chain.port import NodeAway, NodeError, Receipt, tohex, unhex
from gateway.chain.store import Chain
from gateway.sending.ahead import Standing
from gateway.sending.store import Signer

DYNAMIC_FEE = 2
"""The type of a transaction with a tip and a cap (EIP-1559)."""
PAYOUT, SEND, SWEEP, CANCEL, FOREIGN = "payout", "send", "sweep", "cancel", "foreign"
RELAY = "relay"
"""A transfer that its payer signed (EIP-3009): it cost us its gas alone."""


class Mined(msgspec.Struct, frozen=True):
    """A transaction with everything it was signed for."""

    hash_hex: str = field(name="hash")
    nonce_hex: str = field(name="nonce")
    data_hex: str = field(name="input")
    value_hex: str = field(name="value")
    gas_hex: str = field(name="gas")
    to_hex: str | None = field(name="to", default=None)
    price_hex: str = field(name="gasPrice", default="0x0")
    cap_hex: str | None = field(name="maxFeePerGas", default=None)
    tip_hex: str | None = field(name="maxPriorityFeePerGas", default=None)
    v_hex: str = field(name="v", default="0x0")
    r_hex: str = field(name="r", default="0x0")
    s_hex: str = field(name="s", default="0x0")
    type_hex: str = field(name="type", default="0x0")
    access_list: list[dict[str, object]] | None = field(name="accessList", default=None)

    @property
    def to(self) -> bytes:
        return unhex(self.to_hex) if self.to_hex else b""

    @property
    def data(self) -> bytes:
        return unhex(self.data_hex)

    @property
    def value(self) -> int:
        return int(self.value_hex, 16)

    @property
    def cap(self) -> int:
        return int(self.cap_hex or self.price_hex, 16)

    @property
    def tip(self) -> int:
        return int(self.tip_hex or self.price_hex, 16)


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction of a signer that is in a block and not in our books.

    `kind` is what it is; `batch` what a payout pays, whether or not it succeeded; `sweep` the
    token, the destination and the salts of a sweep.
    """

    signer: Signer
    nonce: int
    mined: Mined
    raw: bytes
    receipt: Receipt
    at: datetime
    kind: str
    batch: Batch | None = None
    sweep: tuple[bytes | None, bytes, list[bytes]] | None = None

    @property
    def name(self) -> str:
        """Return its hash as people read it."""
        return tohex(self.receipt.tx_hash)

    @property
    def payments(self) -> list[bytes]:
        """Return what it paid or passed over; nothing if it reverted."""
        if not self.receipt.succeeded:
            return []
        if self.kind == SEND:
            return [payout.payment(self.mined.to, self.mined.value)]
        return self.batch.payments if self.batch else []


def scan(node: Questions, chain: Chain, standings: list[Standing], first_block: int) -> list[Found]:
    """Return what fills the missing nonces, in the order of blocks. Raises NodeAway.

    Reads every block from `first_block` on until all are found.
    """
    wanted = {one.signer.address: (one.signer, set(one.missing)) for one in standings}
    found: list[Found] = []
    for number in range(first_block, node.head().number + 1):
        if not any(nonces for _, nonces in wanted.values()):
            break
        for signer, nonce, tx_hash, at in of_block(node, number, wanted):
            wanted[signer.address][1].discard(nonce)
            found.append(read(node, chain, signer, nonce, tx_hash, at))
    return found


def of_block(
    node: Questions, number: int, wanted: dict[bytes, tuple[Signer, set[int]]]
) -> Iterator[tuple[Signer, int, bytes, datetime]]:
    """Yield what a block has of the wanted senders and nonces. Raises NodeAway."""
    block = node.block(number)
    if block is None:
        raise NodeAway(f"the node lacks block {number}")
    senders = {tohex(address) for address in wanted}
    for one in block.transactions:
        if one.from_hex.lower() not in senders:
            continue
        signer, nonces = wanted[one.sender]
        if one.nonce in nonces:
            yield signer, one.nonce, one.hash, block.time


def read(
    node: Questions, chain: Chain, signer: Signer, nonce: int, tx_hash: bytes, at: datetime
) -> Found:
    """Ask for a transaction and its receipt, and say what it is. Raises NodeAway."""
    mined: Mined = node.ask("eth_getTransactionByHash", [tohex(tx_hash)], Mined)
    receipt = node.receipt(tx_hash)
    if receipt is None:
        raise NodeAway(f"the node has no receipt of {tohex(tx_hash)}")
    batch = payout.read_pay_call(mined.data) if mined.to == chain.payout_vault else None
    sweep = vaults.read_sweep_call(mined.data) if mined.to == chain.vault_factory else None
    return Found(
        signer=signer,
        nonce=nonce,
        mined=mined,
        raw=raw_of(node, chain, tx_hash, mined),
        receipt=receipt,
        at=at,
        kind=kind_of(signer, mined, batch is not None, sweep is not None),
        batch=batch,
        sweep=sweep,
    )


def kind_of(signer: Signer, mined: Mined, is_batch: bool, is_sweep: bool) -> str:
    """Say what a transaction is."""
    if is_batch and not mined.value:
        return PAYOUT
    if is_sweep and not mined.value:
        return SWEEP
    if signer.role == RELAY and not mined.value and eip3009.read_transfer(mined.data):
        return RELAY
    if mined.data or not mined.to:
        return FOREIGN
    if mined.to == signer.address and not mined.value:
        return CANCEL
    return SEND if mined.value and signer.role == "payout" else FOREIGN


def raw_of(node: Questions, chain: Chain, tx_hash: bytes, mined: Mined) -> bytes:
    """Return the signed bytes: as the node kept them, else put together again from their fields.

    Raises NodeAway when neither has the transaction's hash.
    """
    try:
        raw = unhex(node.ask("eth_getRawTransactionByHash", [tohex(tx_hash)], str))
    except NodeError:
        raw = rebuilt(mined, chain.chain_id)
    if keccak(raw) != tx_hash:
        raise NodeAway(f"the signed bytes of {tohex(tx_hash)} cannot be had from this node")
    return raw


def rebuilt(mined: Mined, chain_id: int) -> bytes:
    """Return the signed bytes made of their fields (EIP-1559); of another type: nothing."""
    if int(mined.type_hex, 16) != DYNAMIC_FEE or not mined.to:
        return b""
    fields = {
        "type": DYNAMIC_FEE,
        "chainId": chain_id,
        "nonce": int(mined.nonce_hex, 16),
        "maxPriorityFeePerGas": mined.tip,
        "maxFeePerGas": mined.cap,
        "gas": int(mined.gas_hex, 16),
        "to": show_address(mined.to),
        "value": mined.value,
        "data": mined.data,
        "accessList": mined.access_list or (),
        "v": int(mined.v_hex, 16),
        "r": int(mined.r_hex, 16),
        "s": int(mined.s_hex, 16),
    }
    return bytes(TypedTransaction.from_dict(fields).encode())
