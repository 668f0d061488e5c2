"""Gas per recipient of paying many, measured on one Anvil: our vaults, others' ways, one by one.

Whole transactions: 21,000 and call data included, divided by the recipients. Every figure has
recipients of its own, made as its row says just before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from eth_account import Account

from bench.busy_chain import CHAIN_ID, bare_node, mock
from gateway.chain import payout
from gateway.chain.artifacts import call_data, creation_code
from gateway.chain.evm import Evm
from gateway.chain.payout import Approval
from gateway.chain.port import tohex, unhex
from workers.keys.keystore import sign_digest

COUNTS = (1, 10, 100)
BLOCK_GAS = 60_000_000
WEI_EACH, UNITS_EACH = 12_345_670_000_000_001, 1_234_567_890
WEI_FUNDS, UNITS_FUNDS = 10**22, 10**18
MOST = 2**256 - 1
DEADLINE = 2**40
APPROVER_KEY = bytes([0x44] * 32)
# Of what the last recipient of an endless batch cannot do without: its call data, a cold account
# or slot, the transfer of value, the write and the token's log (Osaka schedule, EIP-2929).
FLOORS = {
    ("native", "existing"): 9_732,
    ("native", "fresh"): 34_732,
    ("token", "holder"): 7_440,
    ("token", "fresh"): 24_540,
}

Pay = Callable[[list[bytes]], int]


@dataclass
class Yard:
    """A node with every contract that pays, each with money; `hand` is who sends and operates."""

    node: Evm
    hand: bytes
    usdc: bytes
    vault: bytes
    approved: bytes
    disperser: bytes
    made: int = 0

    def send(
        self, to: bytes | None, data: bytes = b"", value: int = 0, sender: bytes | None = None
    ) -> dict[str, Any]:
        """Mine a transaction; returns its receipt, which is a success."""
        fields = {"from": tohex(sender or self.hand), "value": hex(value), "data": tohex(data)}
        fields |= {} if to is None else {"to": tohex(to)}
        tx = self.node.ask("eth_sendTransaction", [fields], str)
        self.node.ask("anvil_mine", ["0x1", "0x1"], object)
        receipt: dict[str, Any] = self.node.ask("eth_getTransactionReceipt", [tx], dict[str, Any])
        assert receipt["status"] == "0x1", receipt
        return receipt

    def gas(self, to: bytes, data: bytes = b"", value: int = 0) -> int:
        """Mine a transaction; returns the gas it used."""
        return int(self.send(to, data, value)["gasUsed"], 16)

    def create(self, code: bytes) -> bytes:
        """Create a contract; returns its address."""
        return unhex(self.send(None, code)["contractAddress"])

    def mint(self, to: bytes, units: int) -> None:
        """Give somebody tokens."""
        self.send(self.usdc, call_data("mint(address,uint256)", to, units))

    def recipients(self, count: int, known: str) -> list[bytes]:
        """Return addresses that nothing was paid to before, made into what `known` says."""
        found = [sha256(f"{self.made + place}".encode()).digest()[:20] for place in range(count)]
        self.made += count
        for to in found:
            if known == "existing":
                self.node.ask("anvil_setBalance", [tohex(to), "0x1"], object)
            elif known == "holder":
                self.mint(to, 1)
        return found

    def seq(self, vault: bytes) -> int:
        """Return the number our next batch must carry."""
        return payout.read_seq(self.node.call(vault, payout.seq_call(self.hand)))

    def ours(self, token: bytes | None, to: list[bytes]) -> int:
        """Pay from the vault."""
        data = payout.pay_call(token, self.seq(self.vault), words(token, to))
        return self.gas(self.vault, data)

    def ours_approved(self, token: bytes | None, to: list[bytes]) -> int:
        """Pay from the vault that wants a second key's signature."""
        seq, payments = self.seq(self.approved), words(token, to)
        digest = payout.approval_digest(
            chain_id=CHAIN_ID,
            vault=self.approved,
            operator=self.hand,
            seq=seq,
            token=token,
            payments=payments,
            deadline=DEADLINE,
        )
        approval = Approval(DEADLINE, sign_digest(Account.from_key(APPROVER_KEY), digest))
        return self.gas(self.approved, payout.pay_call(token, seq, payments, approval))

    def alone(self, token: bytes | None, to: list[bytes]) -> int:
        """Pay each in a transaction of its own."""
        if token is None:
            return sum(self.gas(one, value=WEI_EACH) for one in to)
        signature = "transfer(address,uint256)"
        return sum(self.gas(token, call_data(signature, one, UNITS_EACH)) for one in to)

    def swept_alone(self, token: bytes | None) -> int:
        """Empty an address by a key of its own; what holds tokens only is given gas first."""
        if token is None:
            return self.gas(self.vault, value=WEI_EACH)
        holder = unhex(self.node.ask("eth_accounts", [], list[str])[1])
        self.mint(holder, UNITS_EACH)
        given = self.gas(holder, value=WEI_EACH)
        data = call_data("transfer(address,uint256)", self.vault, UNITS_EACH)
        return given + int(self.send(token, data, sender=holder)["gasUsed"], 16)

    def dispersed(self, token: bytes | None, to: list[bytes], how: str = "FromEach") -> int:
        """Pay through a plain contract for many."""
        if token is None:
            values = (to, [WEI_EACH] * len(to))
            data = call_data("sendNative(address[],uint256[])", *values)
            return self.gas(self.disperser, data, WEI_EACH * len(to))
        signature = f"sendToken{how}(address,address[],uint256[])"
        data = call_data(signature, token, to, [UNITS_EACH] * len(to))
        return self.gas(self.disperser, data)


def words(token: bytes | None, to: list[bytes]) -> list[bytes]:
    """Return the payments as the vault takes them."""
    return [payout.payment(one, UNITS_EACH if token else WEI_EACH) for one in to]


def yard(node: Evm) -> Yard:
    """Create the contracts and give them money; what only a first use costs is used up."""
    hand = unhex(node.ask("eth_accounts", [], list[str])[0])
    node.ask("anvil_setBalance", [tohex(hand), hex(WEI_FUNDS)], object)
    made = Yard(node, hand, b"", b"", b"", b"")
    made.usdc = made.create(creation_code("TestUSDC"))
    made.vault = made.create(creation_code("PayoutVault", ("address", hand)))
    made.approved = made.create(creation_code("ApprovedPayoutVault", ("address", hand)))
    made.disperser = made.create(mock("Disperser"))
    approver = unhex(Account.from_key(APPROVER_KEY).address)
    made.send(made.approved, call_data("setApprover(address)", approver))
    for vault in (made.vault, made.approved):
        made.send(vault, call_data("setOperator(address,bool)", hand, True))
        made.node.ask("anvil_setBalance", [tohex(vault), hex(WEI_FUNDS)], object)
    for holder in (hand, made.vault, made.approved):
        made.mint(holder, UNITS_FUNDS)
    made.send(made.usdc, call_data("approve(address,uint256)", made.disperser, MOST))
    made.ours(None, [])
    made.ours_approved(None, [])
    return made


def ways(place: Yard, token: bytes | None) -> list[tuple[str, Pay]]:
    """Return every way to pay, by its name."""
    found: list[tuple[str, Pay]] = [
        ("our vault", lambda to: place.ours(token, to)),
        ("our vault, second key", lambda to: place.ours_approved(token, to)),
    ]
    if token is None:
        found.append(("Disperse-style contract", lambda to: place.dispersed(None, to)))
    else:
        found += [
            ("Disperse-style, transferFrom each", lambda to: place.dispersed(token, to)),
            (
                "Disperse-style, pulled once",
                lambda to: place.dispersed(token, to, "PulledOnce"),
            ),
        ]
    return [*found, ("each sent alone", lambda to: place.alone(token, to))]


def measured() -> tuple[list[tuple[object, ...]], dict[str, int]]:
    """Return a row for each kind of recipient and way to pay, and the gas of a sweep done alone."""
    rows: list[tuple[object, ...]] = []
    with bare_node("--gas-limit", str(BLOCK_GAS)) as (node, _):
        place = yard(node)
        for (asset, known), floor in FLOORS.items():
            token = place.usdc if asset == "token" else None
            for name, pay in ways(place, token):
                gas = [pay(place.recipients(n, known)) // n for n in COUNTS]
                rows.append((f"pay {asset}, {known}: {name}", *gas, floor, gas[-1] / floor))
        alone = {"native": place.swept_alone(None), "token": place.swept_alone(place.usdc)}
    return rows, alone
