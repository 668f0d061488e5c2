"""Pay an invoice from the development node's own account: a first payment needs no wallet."""

from gateway.chain import evm
from gateway.chain.address import parse_address, show_address
from gateway.chain.store import ChainAsset
from gateway.errors import NotFound
from gateway.money import Money
from gateway.settings import settings

PAYER_INDEX = 4
TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256), EIP-20
WORD = 32


def transfer_call(to: bytes, units: int) -> bytes:
    """Return the call data of an ERC-20 transfer."""
    return TRANSFER + to.rjust(WORD, b"\0") + units.to_bytes(WORD, "big")


def pay(on_chain: ChainAsset, *, to: bytes, amount: Money) -> str:
    """Send the amount from an account the node holds unlocked; returns the transaction's hash.

    Raises NotFound outside development or where the node holds no account, NodeAway, NodeError.
    """
    if not settings().development:
        raise NotFound("no such page")
    node = evm.node(on_chain.chain)
    accounts: list[str] = node.ask("eth_accounts", [], list[str])
    if len(accounts) <= PAYER_INDEX:
        raise NotFound("the node holds no development account")
    units = on_chain.to_chain(amount)
    payer = show_address(parse_address(accounts[PAYER_INDEX].lower()))
    if on_chain.contract is None:
        fields = {"from": payer, "to": show_address(to), "value": hex(units)}
    else:
        data = "0x" + transfer_call(to, units).hex()
        fields = {"from": payer, "to": show_address(on_chain.contract), "data": data}
    sent: str = node.ask("eth_sendTransaction", [fields], str)
    return sent
