"""Nodes that tell what is safe and final soon, late or never."""

from typing import Any

from gateway import db
from gateway.chain.evm import Evm
from gateway.chain.pool import Pool
from gateway.chain.port import Header, NodeError
from gateway.deposits import finality, rules
from gateway.deposits.follow import Follower
from gateway.deposits.rules import Rule
from gateway.money import Asset, Money
from tests.chain.money_in import CHAIN, USDC, Till

SLOTS_IN_AN_EPOCH = 4
SAFE_BELOW, FINAL_BELOW = 4, 8
"""How far below its head Anvil puts its safe and final block with so many slots in an epoch."""


class Behind(Evm):
    """The same node as it was at an older block, where `at` says so: it is syncing anew."""

    at: int | None = None

    def head(self) -> Header:
        found = self.header(self.at) if self.at is not None else super().head()
        assert found is not None
        return found


class Wordless(Evm):
    """The same node from before the Merge: it does not know safe and finalized."""

    def ask(self, method: str, parameters: list[Any], result: Any) -> Any:
        if parameters and parameters[0] in rules.TAGS:
            raise NodeError(-32602, "invalid argument 0: hex string without 0x prefix")
        return super().ask(method, parameters, result)

    def ask_many(self, method: str, calls: list[list[Any]], result: Any) -> list[Any]:
        if any(call[0] in rules.TAGS for call in calls):
            raise NodeError(-32602, "invalid argument 0: hex string without 0x prefix")
        return super().ask_many(method, calls, result)


def read_by(till: Till, kind: type[Evm]) -> Any:
    """Read the chain from now on as this kind of node shows it."""
    node = kind(till.node.endpoint)
    till.follower = Follower(CHAIN, Pool.of(node))
    return node


def tier(units: int, rule: Rule, asset: Asset = USDC) -> None:
    """Have deposits from an amount on follow a rule."""
    with db.transaction() as session:
        finality.set_tier(session, chain=CHAIN, start=Money(units, asset), rule=rule)


def standing(till: Till) -> list[str]:
    """Return the status of each deposit, the oldest first."""
    return [one.status for one in till.deposits()]
