"""What a payer's wallet is asked to send: built here, so that the page only hands it over."""

from dataclasses import dataclass

from pydantic import BaseModel

from gateway.chain.address import show_address

TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256), EIP-20
WORD = 32


class NativeCoin(BaseModel):
    """The coin a network's fees are paid in (EIP-3085)."""

    name: str
    symbol: str
    decimals: int


class AddedChain(BaseModel):
    """What a wallet is told of a network it does not know: `wallet_addEthereumChain`, EIP-3085."""

    chainId: str
    chainName: str
    rpcUrls: list[str]
    nativeCurrency: NativeCoin
    blockExplorerUrls: list[str]


class WalletCall(BaseModel):
    """The transaction that pays, as `eth_sendTransaction` takes it; amounts are hex base units.

    `chain` is what `wallet_addEthereumChain` takes, None where no public node is named.
    """

    chainId: str
    to: str
    value: str
    data: str
    chain: AddedChain | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """So many base units `to` an address; native coin where there is no contract."""

    chain_id: int
    contract: bytes | None
    to: bytes
    units: int


def transfer_call(to: bytes, units: int) -> bytes:
    """Return the call data of an ERC-20 transfer."""
    return TRANSFER + to.rjust(WORD, b"\0") + units.to_bytes(WORD, "big")


def wallet_call(payment: Payment, chain: AddedChain | None) -> WalletCall:
    """Return the transaction that makes a payment."""
    where, value, data = payment.to, payment.units, "0x"
    if payment.contract is not None:
        where, value = payment.contract, 0
        data = f"0x{transfer_call(payment.to, payment.units).hex()}"
    return WalletCall(
        chainId=hex(payment.chain_id),
        to=show_address(where),
        value=hex(value),
        data=data,
        chain=chain,
    )


def deep_link(payment: Payment) -> str:
    """Return the payment as a link for a wallet on the same phone (EIP-681).

    A link only: some wallets pay a token's contract when this is in a QR code.
    """
    to = show_address(payment.to)
    if payment.contract is None:
        return f"ethereum:{to}@{payment.chain_id}?value={payment.units}"
    token = f"{show_address(payment.contract)}@{payment.chain_id}"
    return f"ethereum:{token}/transfer?address={to}&uint256={payment.units}"
