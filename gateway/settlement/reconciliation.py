"""The ledger against the chain: what the node says of every address we own, at one block.

The block is the newest one up to which everything is booked: its deposits are credited, and no
transaction of ours in it waits to be booked. Both sides are read at that block, so what is pending
is on neither.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain.evm import node
from gateway.chain.port import Node
from gateway.chain.store import Chain, ChainAsset
from gateway.deposits import dust
from gateway.deposits import service as deposits
from gateway.errors import DependencyAway, UnknownChain
from gateway.ledger import service as ledger
from gateway.ledger.chart import CUSTODY, OWED, Chart
from gateway.money import Asset, Money

UNBOOKED = text("""
    select t.state, t.block_number, a.hash from transaction t
    join signer s on s.id = t.signer_id join attempt a on a.transaction_id = t.id
    where s.chain = :chain and t.state in ('signed', 'mined')
""")
OWN_ADDRESSES = text("""
    select address from address where chain = :chain
    union select address from signer where chain = :chain
    union select payout_vault from chain where id = :chain
    union select treasury from chain where id = :chain
    order by 1
""")
# What the custody accounts held at a block: what they hold now less what later blocks brought.
HELD = text("""
    with later as (
        select e.account_id, sum(e.amount) as amount from ledger.transfer t
        join ledger.entry e on e.transfer_id = t.id
        where t.chain = :chain and t.block_number > :block group by e.account_id
    )
    select coalesce(-sum(a.credits_posted - a.debits_posted - coalesce(l.amount, 0)), 0)
    from ledger.account a join ledger.asset s on s.id = a.asset_id
    left join later l on l.account_id = a.id
    where a.chain = :chain and s.code = :asset and a.code = any(:custody)
""")
# As of now and not of that block: from how much on a vault is worth a sweep is only known for now.
BELOW_WORTH = text("""
    select coalesce(sum(u.units), 0) from unswept u
    join sweep_worth w on w.chain = u.chain and w.asset = u.asset
    where u.chain = :chain and u.asset = :asset and u.units > 0 and u.units < w.least
""")
OWED_ROWS = text("""
    select s.code, s.decimals,
        coalesce(-sum(a.balance) filter (where a.code = any(:custody)), 0) as custody,
        coalesce(sum(a.balance) filter (where a.code = any(:owed)), 0) as owed,
        coalesce(sum(a.balance) filter (
            where a.code <> all(:custody) and a.code <> all(:owed)), 0) as house
    from ledger.asset s left join (
        select asset_id, code, credits_posted - debits_posted as balance from ledger.account
    ) a on a.asset_id = s.id
    where s.is_money group by s.code, s.decimals order by s.code
""")


@dataclass(frozen=True, slots=True)
class Place:
    """A block at which a chain and the ledger can be compared."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Compared:
    """One asset on one chain, both sides at one block."""

    chain: str
    block_number: int
    on_chain: Money
    ledger: Money
    unswept: Money
    below_worth: Money
    below_minimum: Money

    @property
    def difference(self) -> Money:
        """What the chain has more than the ledger says and payers sent in too small amounts."""
        return self.on_chain - self.ledger - self.below_minimum


@dataclass(frozen=True, slots=True)
class Position:
    """One asset: what we hold, what we owe, what is the house's own."""

    custody: Money
    owed: Money
    house: Money

    @property
    def difference(self) -> Money:
        """Zero, or the ledger is broken."""
        return self.custody - self.owed - self.house


def compare(session: Session) -> list[Compared]:
    """Compare every chain; raises DependencyAway when a node does not answer."""
    return [row for chain in chains.chains(session) for row in compare_chain(session, chain)]


def compare_chain(session: Session, chain: Chain) -> list[Compared]:
    """Compare the assets of one chain; raises DependencyAway."""
    asked = node_of(chain)
    place = booked_through(session, asked, chain)
    addresses = [bytes(found) for found in session.scalars(OWN_ADDRESSES, {"chain": chain.id})]
    return [
        compare_asset(session, asked, place, listed, addresses)
        for listed in chains.chain_assets(session, chain.id)
    ]


def node_of(chain: Chain) -> Node:
    """Return the chain's node; raises DependencyAway if this process was not told one."""
    try:
        return node(chain.id)
    except UnknownChain as error:
        raise DependencyAway(f"no node of {chain.id} is configured here") from error


def booked_through(session: Session, asked: Node, chain: Chain) -> Place:
    """Return the newest block up to which everything is booked; raises DependencyAway."""
    credited = deposits.credited_through(session, chain.id)
    number, known = credited or (chain.start_block - 1, None)
    rows = session.execute(UNBOOKED, {"chain": chain.id}).all()
    mined = [row.block_number for row in rows if row.state == "mined"]
    receipts = asked.receipts([bytes(row.hash) for row in rows if row.state == "signed"])
    mined += [receipt.block_number for receipt in receipts if receipt is not None]
    limit = max(min([number, *(block - 1 for block in mined)]), 0)
    if known is not None and limit == number:
        return Place(number, known)
    header = asked.header(limit)
    if header is None:
        raise DependencyAway(f"the node of {chain.id} lacks block {limit}")
    return Place(limit, header.hash)


def compare_asset(
    session: Session, asked: Node, place: Place, listed: ChainAsset, addresses: list[bytes]
) -> Compared:
    """Read both sides of one asset; raises DependencyAway."""
    asset = ledger.asset(session, listed.asset)
    units = sum(asked.balances(addresses, listed.contract, place.hash))
    facts = {"chain": listed.chain, "asset": listed.asset}
    below_worth = session.execute(BELOW_WORTH, facts).scalar_one()
    return Compared(
        chain=listed.chain,
        block_number=place.number,
        on_chain=listed.to_ledger(units, asset),
        ledger=held_at(session, place, listed, asset, CUSTODY),
        unswept=held_at(session, place, listed, asset, (Chart.UNSWEPT,)),
        below_worth=Money(int(below_worth), asset),
        below_minimum=dust.below_minimum(session, listed.chain, asset, place.number),
    )


def held_at(
    session: Session, place: Place, listed: ChainAsset, asset: Asset, codes: tuple[Chart, ...]
) -> Money:
    """Return what the ledger says these custody accounts held at a block."""
    units = session.execute(
        HELD,
        {
            "chain": listed.chain,
            "block": place.number,
            "asset": listed.asset,
            "custody": [int(code) for code in codes],
        },
    ).scalar_one()
    return Money(int(units), asset)


def positions(session: Session) -> list[Position]:
    """Return what we hold against what we owe, by asset, from one statement."""
    rows = session.execute(
        OWED_ROWS,
        {"custody": [int(code) for code in CUSTODY], "owed": [int(code) for code in OWED]},
    )
    found = []
    for row in rows:
        asset = Asset(row.code, row.decimals)
        custody, owed, house = (
            Money(int(units), asset) for units in (row.custody, row.owed, row.house)
        )
        found.append(Position(custody, owed, house))
    return found
