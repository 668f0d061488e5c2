"""A gateway that reads one scripted chain by several endpoints, with the pool's clock in hand."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.addresses import service as addresses
from gateway.chain.add import NewAsset, add_chain
from gateway.chain.deploy import Deployed
from gateway.chain.evm import Evm, at_url
from gateway.chain.pool import Pool
from gateway.chain.port import NodeAway, NodeError
from gateway.deposits.follow import Follower, Step
from tests.sim.scripted import Pay, Tx, View, World

CHAIN, NUMBER = "eip155:31337", 31337
CONFIRMATIONS = 3
DOLLAR = 10**6
TURNS_MAX = 200
FACTORY, PAYOUT, TREASURY = (bytes([place]) * 20 for place in (0xFA, 0xAB, 0xEA))


class Clock:
    """The pool's clock: it goes only when told."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Reader:
    """The follower of a world's chain by some of its endpoints."""

    world: World
    token: bytes
    clock: Clock
    address: bytes
    account: str
    nodes: list[Evm]
    pool: Pool
    follower: Follower
    failures: list[str] = field(default_factory=list)

    def turn(self) -> Step | None:
        """Step once as the watcher does; None if it could not, told in `failures`."""
        try:
            return self.follower.step()
        except (NodeAway, NodeError) as error:
            self.failures.append(str(error))
            self.follower.away(error)
            return None

    def follow(self) -> None:
        """Step while it moves."""
        for _ in range(TURNS_MAX):
            if self.turn() is not Step.MOVED:
                return
        raise AssertionError("the follower does not come to rest")

    def wait(self, seconds: int) -> None:
        """Follow for so long by the pool's clock."""
        for _ in range(seconds):
            self.follow()
            self.clock.now += 1
        self.follow()

    def pay(self, units: int, token: bytes | None = None) -> Tx:
        """Make a transaction that pays the account's address."""
        return self.world.tx(Pay(self.address, units, token=token or self.token))

    @property
    def at(self) -> int:
        return self.follower.cursor()[0]

    def deposits(self) -> list[tuple[int, str]]:
        """What is known to have arrived: units and status, oldest first."""
        return [
            (int(row.amount), row.status)
            for row in rows("select amount, status from deposit order by block_number, id")
        ]

    def alarms(self) -> list[str]:
        """Kinds and subjects of the open alarms."""
        found = rows("select kind, subject from alarm order by kind, subject")
        return [f"{row.kind} {row.subject}" for row in found]

    def resting(self) -> list[int]:
        """Which endpoints are benched, by their place."""
        return [self.nodes.index(node) for node in self.pool.benched()]


def rows(query: str) -> list[Any]:
    with db.transaction() as session:
        return list(session.execute(text(query)).all())


def open_reader(world: World, *views: View, clock: Clock | None = None) -> Reader:
    """Write the chain's rows and follow it by these endpoints, the first one preferred."""
    token = world.token()
    with db.transaction() as session:
        chain = add_chain(
            session,
            chain_id=NUMBER,
            name="Scripted",
            confirmations=CONFIRMATIONS,
            block_seconds=Decimal(1),
            deployed=Deployed(FACTORY, PAYOUT, TREASURY, 0),
            start_block=1,
            assets=[NewAsset("USDC", "USD Coin", token, 6), NewAsset("ETH", "Ether", None, 18)],
        )
        chain.native_driver, chain.probe_blocks = "transactions", 0
        account = accounts.open_account(session, handle="amira", kind="person").id
        address = addresses.allocate(session, account_id=account, chain=CHAIN).address
    clock = clock or Clock()
    nodes = [at_url(view.url, NUMBER) for view in views]
    pool = Pool.of(*nodes, clock=clock)
    return Reader(world, token, clock, address, account, nodes, pool, Follower(CHAIN, pool))
