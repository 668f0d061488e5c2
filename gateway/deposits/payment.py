"""What reading a block yields: payments to us, and what came to us without being one."""

from dataclasses import dataclass, field

from gateway.chain.port import Header

UNKNOWN_TOKEN, WRONG_ASSET, WRONG_CHAIN = "unknown_token", "wrong_asset", "wrong_chain"
SET_ASIDE = "set_aside"
ODD_EVENTS = "token_odd_event"
"""Of no payment: what calls an operator about a listed token."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What the chain says was paid to an address of ours; units of the chain.

    (tx_hash, kind, position) is the payment for ever; the log's place in the block is not. What is
    of no transaction has its block's hash there.
    """

    tx_hash: bytes
    kind: str
    position: str
    sender: bytes
    to: bytes
    contract: bytes | None
    units: int
    log_index: int | None


@dataclass(frozen=True, slots=True)
class Stray:
    """What came to us and cannot be credited by itself; `kind` is the inbox's.

    unknown_token: of a contract we do not list; wrong_chain: to an address we gave out on another
    chain; set_aside: an event that could not be read or is not trusted, `detail` says why. With a
    `count` it stands for so many transfers of an unknown token, of which only the sum is told.
    `distrust` is the alarm about a token that did not do what it says.
    """

    kind: str
    payment: Payment
    detail: str = ""
    count: int = 0
    distrust: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """One block that was read, with all that concerns us in it.

    `left_out` is how many events of contracts we do not list were too many to be looked at; `odd`
    are listed tokens whose events are not those of ERC-20, and why.
    """

    block: Header
    payments: list[Payment] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    left_out: int = 0
    odd: dict[bytes, str] = field(default_factory=dict)
