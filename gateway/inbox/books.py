"""What the ledger has of an item: how much, in whose balance, and how it gets there."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.errors import Conflict
from gateway.inbox import rules, store
from gateway.inbox.store import Item
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money

CREDITED = text("select status = 'credited' from deposit where id = :id")


def amount_of(session: Session, item: Item) -> Money:
    """Return what is in the books for an item; raises UnknownAsset, Conflict when it is nothing."""
    assert item.asset is not None, f"{item.id} is in the books"
    asset = ledger.asset(session, item.asset)
    listed = chains.chain_asset(session, item.chain, item.asset)
    money = listed.to_ledger(int(item.units), asset)
    if not money:
        raise Conflict("nothing of it is left: it was explained", code="nothing_left")
    return money


def holder_of(session: Session, item: Item) -> str | None:
    """Return in whose balance the money is; None while it is nobody's in the books."""
    if item.kind == rules.WRONG_ASSET:
        return item.account_id
    named = [one.account_id for one in store.decisions(session, [item.id]).get(item.id, [])]
    return next((account for account in reversed(named) if account is not None), None)


def check_credited(session: Session, item: Item) -> None:
    """Raise Conflict while the deposit of an item is not in its account's balance."""
    if item.deposit_id is None:
        return
    if not session.execute(CREDITED, {"id": item.deposit_id}).scalar_one():
        raise Conflict("its deposit is not credited yet: wait for it", code="not_final")


def book(session: Session, item: Item, to: str, money: Money) -> None:
    """Give what nobody was known to have paid to an account, once for ever."""
    (arrival,) = store.arrivals(session, item.id)
    ledger.post(
        session,
        key=f"inbox:{item.id}",
        debit=ledger.house(session, Chart.UNATTRIBUTED, money.asset),
        credit=ledger.owned(session, to, money.asset),
        money=money,
        movement=Movement.ASSIGNMENT,
        ref=item.id,
        evidence=ledger.Evidence(item.chain, arrival.block_number, arrival.tx_hash),
    )
