"""The gas every signer has, against what its next transactions cost today."""

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.chain.port import Node
from gateway.chain.store import Chain
from gateway.sending import rules, sweep_rules
from gateway.sending import service as sending
from gateway.sending.store import GasTank, Signer, signers

# What a first transaction is taken to need, until a signer has sent one.
GAS_BEFORE_THE_FIRST = 500_000
REMEMBERED_MAX = 20

LARGEST = text("""
    select signer_id, max(gas) as gas from (
        select i.signer_id, i.gas, row_number() over (
            partition by i.signer_id order by i.id desc) as place
        from intent i where i.signer_id = any(:ids)
    ) newest where place <= :most group by signer_id
""")
KEEP = text("""
    insert into gas_tank (signer_id, balance, transactions, heard_at)
    values (:signer, :balance, :transactions, now()) on conflict (signer_id) do update set
        balance = excluded.balance, transactions = excluded.transactions, heard_at = now()
    where gas_tank.balance <> excluded.balance
        or gas_tank.transactions <> excluded.transactions
        or gas_tank.heard_at < now() - interval '1 minute'
""")


@dataclass(frozen=True, slots=True)
class Tank:
    """A signer's gas: wei it has, how many transactions that pays for, and wei it lacks."""

    signer: Signer
    balance: int
    transactions: int
    missing: int


def sizes(session: Session, chain: str) -> list[tuple[Signer, int]]:
    """Return every signer of a chain with the gas of the largest of its newest transactions."""
    found = signers(session, chain)
    facts = {"ids": [one.id for one in found], "most": REMEMBERED_MAX}
    gas = {row.signer_id: int(row.gas) for row in session.execute(LARGEST, facts)}
    return [(one, gas.get(one.id, GAS_BEFORE_THE_FIRST)) for one in found]


def ask(node: Node, chain: Chain, known: list[tuple[Signer, int]]) -> list[Tank]:
    """Return the tank of each signer. Raises NodeAway.

    What a transaction costs is what a node wants to see in the account for it: the highest price
    it would be signed for today.
    """
    level = sending.ask_fees(node)
    price = rules.fees(int(level.base_fee), int(level.tip)).cap
    return [
        judged(chain, signer, node.balance(signer.address), gas, price) for signer, gas in known
    ]


def judged(chain: Chain, signer: Signer, balance: int, gas: int, price: int) -> Tank:
    """Return a tank as the chain's settings see it."""
    return Tank(
        signer=signer,
        balance=balance,
        transactions=sweep_rules.payable(balance, gas, price),
        missing=sweep_rules.gas_missing(
            balance,
            gas=gas,
            gas_price=price,
            low=chain.gas_low_transactions,
            fill=chain.gas_fill_transactions,
        ),
    )


def keep(session: Session, tank: Tank) -> None:
    """Keep what a signer has, for whoever asks for the figures."""
    session.execute(
        KEEP,
        {
            "signer": tank.signer.id,
            "balance": tank.balance,
            "transactions": min(tank.transactions, 2**62),
        },
    )


def known(session: Session) -> list[tuple[Signer, GasTank]]:
    """Return what is known of the gas of every active signer."""
    query = select(Signer, GasTank).join(GasTank, GasTank.signer_id == Signer.id)
    rows = session.execute(query.where(Signer.active).order_by(Signer.id)).all()
    return [(row[0], row[1]) for row in rows]
