"""Deposits that are kept apart: from a listed sender, in a denied token, or for an account that
nobody may pay. They are the owner's, but cannot be spent until a person releases them.
"""

from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.chain import store as chains
from gateway.deposits import rules
from gateway.deposits.store import Deposit
from gateway.deposits.tell import tell
from gateway.errors import Conflict
from gateway.holds import service as holds
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.screening import service as screening

LISTED_SENDER, DENIED_TOKEN, FROZEN = "listed_sender", "denied_token", "account_takes_nothing"


def place_for(session: Session, deposit: Deposit) -> Chart:
    """Return where a deposit is credited; one that is blocked opens a case for a person."""
    reason = reason_of(session, deposit)
    deposit.blocked = reason is not None
    if reason is None:
        return Chart.AVAILABLE
    holds.open_case(
        session,
        kind=holds.DEPOSIT,
        subject=deposit.id,
        account_id=deposit.account_id,
        reason=reason,
    )
    return Chart.BLOCKED


def reason_of(session: Session, deposit: Deposit) -> str | None:
    """Return why a deposit must be kept apart, None if it need not."""
    contract = chains.chain_asset(session, deposit.chain, deposit.asset).contract
    facts = screening.facts_of(session, deposit.from_address, contract)
    if facts.hits:
        return LISTED_SENDER
    if facts.token_denied:
        return DENIED_TOKEN
    return FROZEN if accounts.get(session, deposit.account_id).credit_frozen else None


def place_of(deposit: Deposit) -> Chart:
    """Return where a credited deposit's money is."""
    return Chart.BLOCKED if deposit.blocked else Chart.AVAILABLE


def release(session: Session, deposit_id: str, *, head: int) -> Deposit:
    """Let the owner have a blocked deposit. Raises Conflict when it is not blocked any more."""
    deposit = session.get_one(Deposit, deposit_id, with_for_update=True, populate_existing=True)
    if not deposit.blocked or deposit.status != rules.CREDITED:
        raise Conflict("this deposit is not kept apart", code="wrong_state")
    asset = ledger.asset(session, deposit.asset)
    ledger.post(
        session,
        key=f"release:{deposit.id}:{deposit.epoch}",
        debit=ledger.owned(session, deposit.account_id, asset, Chart.BLOCKED),
        credit=ledger.owned(session, deposit.account_id, asset),
        money=Money(int(deposit.amount), asset),
        movement=Movement.RELEASED,
        ref=deposit.id,
        evidence=ledger.Evidence(deposit.chain, deposit.block_number, deposit.tx_hash),
    )
    deposit.blocked = False
    tell(session, deposit, head)
    return deposit
