"""The house's own coins: what was sent to the payout vault and the signers so that they can work.

Nobody else's money goes there but through a sweep, which books itself, so whatever these addresses
hold above the ledger at one block is capital. Called by an operator, never by itself: a surplus
that nobody expected must stay a difference until a person has looked.
"""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain.store import Chain, ChainAsset
from gateway.errors import Refused
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.sending.store import Signer
from gateway.settlement.reconciliation import Place, booked_through, held_at, node_of

LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")


def book_float(session: Session, chain: Chain) -> list[tuple[str, Money]]:
    """Book what is there above the ledger; doing it again books nothing.

    Raises DependencyAway, and Refused when an address holds less than the ledger says.
    """
    # one at a time: another operator's booking must be in the books that this one compares
    session.execute(LOCK, {"name": f"float {chain.id}"})
    asked = node_of(chain)
    place = booked_through(session, asked, chain)
    signers = list(session.scalars(select(Signer.address).where(Signer.chain == chain.id)))
    booked = []
    for listed in chains.chain_assets(session, chain.id):
        places = [(Chart.HOT, "payout vault", [chain.payout_vault])]
        if listed.contract is None:
            places.append((Chart.GAS_TANK, "signers", signers))
        for code, name, addresses in places:
            units = sum(asked.balances(addresses, listed.contract, place.hash))
            money = book_place(session, place, listed, code, units)
            if money:
                booked.append((name, money))
    return booked


def book_place(
    session: Session, place: Place, listed: ChainAsset, code: Chart, units: int
) -> Money:
    """Book one place's surplus, `units` being what the chain has there; returns it."""
    asset = ledger.asset(session, listed.asset)
    surplus = listed.to_ledger(units, asset) - held_at(session, place, listed, asset, (code,))
    if surplus.units < 0:
        raise Refused(
            f"{-surplus} {asset.code} less than the ledger says are at {code.name} of"
            f" {listed.chain}: that is a loss, not capital"
        )
    if surplus:
        ledger.post(
            session,
            key=f"capital:{listed.chain}:{code}:{asset.code}:{place.number}",
            debit=ledger.house(session, code, asset, listed.chain),
            credit=ledger.house(session, Chart.CAPITAL, asset),
            money=surplus,
            movement=Movement.CAPITAL,
            ref=f"float:{listed.chain}",
            evidence=ledger.Evidence(listed.chain, place.number),
        )
    return surplus
