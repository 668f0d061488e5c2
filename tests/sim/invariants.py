"""What must hold of the books at every moment, and what at rest."""

from collections import Counter, defaultdict

from gateway.ledger.chart import Chart
from tests.chain.money_in import ledger_is_sound
from tests.sim.house import Held, House
from tests.sim.oracle import Oracle

CREDITED, CONFIRMING = "credited", "confirming"
Spent = Counter[tuple[str, str]]


def always(house: House, oracle: Oracle, *, blind: bool) -> None:
    """Nothing is credited before it is final, or twice, or that nobody honest ever had; nothing is
    taken back that never left the chain, unless the watcher was `blind`: no endpoint was right.
    """
    held = {one.id: one for one in house.deposits()}
    standing: Counter[str] = Counter()
    for move in house.moves():
        if move.units > 0:
            assert standing[move.deposit] == 0, f"{move.deposit} is credited twice"
            told = held[move.deposit].fact
            assert oracle.ever_final(move.block, told.tx, move.units), (
                f"{move} of {told} was credited and was never final"
            )
        else:
            assert blind or oracle.ever_left(move.block, held[move.deposit].fact.tx), (
                f"{move} was reversed and never left the chain"
            )
        standing[move.deposit] += move.units
        assert standing[move.deposit] >= 0, f"{move.deposit} is reversed twice"
    for one in held.values():
        booked = one.fact.units if one.status == CREDITED else 0
        assert standing[one.id] == booked, f"{one} has {standing[one.id]} in the ledger"


def at_rest(house: House, oracle: Oracle, spent: Spent) -> None:
    """The books are the true chain's, to the unit."""
    held = house.deposits()
    cursor = house.cursor()
    assert cursor == (oracle.world.head.number, oracle.world.head.hash), "it is not at the head"
    credited_is_chain(held, oracle)
    each_has_one_name(held, oracle)
    balances_are_chain(house, oracle, held, spent)
    booked: Counter[str] = Counter()
    for one in held:
        if one.status == CREDITED:
            booked[one.fact.asset or ""] += one.fact.units
    assert +Counter(house.unswept()) == +booked, "what is unswept is not what is credited"
    assert house.inbox() == oracle.strays(), "the inbox is not what strayed"
    assert ledger_is_sound(), "the ledger's proofs find something"


def credited_is_chain(held: list[Held], oracle: Oracle) -> None:
    """All that is final on the true chain is credited, nothing else is."""
    expected = oracle.expected()
    credited = Counter(one.fact for one in held if one.status == CREDITED)
    assert credited <= expected, f"credited, and not on the chain: {credited - expected}"
    missing = expected - credited
    lost = [fact for fact in missing if not oracle.small(fact)]
    assert not lost, f"on the chain, and not credited: {lost}"
    waiting = Counter(one.fact for one in held if one.status == CONFIRMING)
    assert waiting == missing, f"waiting {waiting}, missing {missing}"
    together: defaultdict[tuple[bytes, str | None], int] = defaultdict(int)
    for fact in missing.elements():
        together[fact.to, fact.asset] += fact.units
    assert all(units < oracle.policy.minimum for units in together.values()), (
        "enough small ones wait"
    )
    for one in held:
        if one.status == CREDITED and oracle.small(one.fact):
            enough = oracle.together(one.fact.to, one.fact.asset) >= oracle.policy.minimum
            assert enough, f"{one} is credited alone and is too small"
    wrong = [one for one in held if one.account != oracle.owner[one.fact.to]]
    assert not wrong, f"of another's address: {wrong}"


def each_has_one_name(held: list[Held], oracle: Oracle) -> None:
    """A movement is the same deposit wherever its transaction is mined."""
    for (tx, kind), rows in Counter((one.fact.tx, one.fact.kind) for one in held).items():
        places = oracle.places(tx, kind)
        assert rows <= len(places), f"{rows} deposits are of {len(places)} movements of {tx.hex()}"


def balances_are_chain(house: House, oracle: Oracle, held: list[Held], spent: Spent) -> None:
    """What an account has, less what it owes, is what the chain brought it and transfers moved."""
    due: Counter[tuple[str, str]] = Counter(spent)
    for one in held:
        if one.status == CREDITED:
            due[one.account, one.fact.asset or ""] += one.fact.units
    standing = house.standing()
    for account in house.accounts:
        for asset in ("USDC", "ETH"):
            has = standing.get((account, asset, Chart.AVAILABLE), 0)
            owes = standing.get((account, asset, Chart.RECEIVABLE), 0)
            assert has + owes == due[account, asset], f"{account} has {has}, owes {-owes} {asset}"
            assert has == 0 or owes == 0, f"{account} has {has} and owes {-owes} {asset}"
