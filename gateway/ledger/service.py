"""Post, hold, capture, release: every movement of money goes through `submit()` here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway.errors import AccountFrozen, Conflict, GatewayError, InsufficientFunds, UnknownAsset
from gateway.ledger.chart import EXPENSES, Chart, Movement
from gateway.money import Asset, Money

KEYS = UUID("6f1d5f0e-8f0b-5a57-9a39-4d495a414e00")

POSTED, HOLD, CAPTURE, RELEASE = 1, 2, 3, 4

OPEN_ACCOUNT = text(
    "select ledger.open_account((select id from ledger.asset where code = :asset),"
    " :code, :owner, :chain, :max_debt)"
)
# in the driver's own form: SQLAlchemy's text() doubles what a transfer costs in this process
SUBMIT = (
    "select ledger.submit(%s::uuid, %s::smallint, %s, %s, %s::numeric, %s::smallint, %s,"
    " %s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The chain fact behind a movement: where it can be checked by anybody."""

    chain: str
    block_number: int
    tx_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """An owner's money of one asset: free to use, and reserved by holds."""

    available: Money
    held: Money


def asset(session: Session, code: str) -> Asset:
    """Return the asset with this code; raises UnknownAsset."""
    row = session.execute(
        text("select code, decimals from ledger.asset where code = :code and is_money"),
        {"code": code},
    ).one_or_none()
    if row is None:
        raise UnknownAsset(f"no asset {code[:20]!r} here; GET /v1/assets lists them")
    return Asset(row.code, row.decimals)


def assets(session: Session) -> list[Asset]:
    """Return every asset, by code."""
    rows = session.execute(
        text("select code, decimals from ledger.asset where is_money order by code")
    )
    return [Asset(row.code, row.decimals) for row in rows]


def owned(session: Session, owner: str, money: Asset, code: Chart = Chart.AVAILABLE) -> int:
    """Return the ledger account of an owner, opened on first use; it can never be overdrawn.

    A receivable is the exception: it says what the owner owes.
    """
    max_debt = None if code is Chart.RECEIVABLE else 0
    return opened(session, money, code, owner, None, max_debt)


def house(session: Session, code: Chart, money: Asset, chain: str | None = None) -> int:
    """Return the ledger account of the house at this place; custody is one account per chain."""
    return opened(session, money, code, None, chain, None)


def opened(
    session: Session,
    money: Asset,
    code: Chart,
    owner: str | None,
    chain: str | None,
    debt: int | None,
) -> int:
    """Return the account at this place of the chart, opened on first use."""
    account_id: int = session.execute(
        OPEN_ACCOUNT,
        {
            "asset": money.code,
            "code": int(code),
            "owner": owner,
            "chain": chain,
            "max_debt": debt,
        },
    ).scalar_one()
    return account_id


def key_id(key: str) -> UUID:
    """Return the transfer id of a caller's key: the same fact is the same transfer."""
    return uuid5(KEYS, key)


def post(
    session: Session,
    *,
    key: str,
    debit: int,
    credit: int,
    money: Money,
    movement: Movement,
    ref: str,
    evidence: Evidence | None = None,
) -> bool:
    """Move money now. False if the same movement was posted before.

    Raises InsufficientFunds, AccountFrozen, or Conflict when `key` was used for something else.
    """
    return submit(
        session,
        key,
        POSTED,
        movement,
        ref,
        debit=debit,
        credit=credit,
        money=money,
        evidence=evidence,
    )


def hold(
    session: Session,
    *,
    key: str,
    debit: int,
    credit: int,
    money: Money,
    movement: Movement,
    ref: str,
    expires_at: datetime | None = None,
) -> UUID:
    """Reserve money until it is captured or released; returns the hold's id. Raises as `post`."""
    submit(
        session,
        key,
        HOLD,
        movement,
        ref,
        debit=debit,
        credit=credit,
        money=money,
        expires=expires_at,
    )
    return key_id(key)


def capture(
    session: Session, *, key: str, hold_id: UUID, movement: Movement, ref: str, evidence: Evidence
) -> bool:
    """Post all that a hold reserves. Conflict if it is resolved already by another call."""
    return submit(session, key, CAPTURE, movement, ref, hold=hold_id, evidence=evidence)


def release(session: Session, *, key: str, hold_id: UUID, movement: Movement, ref: str) -> bool:
    """Give back all that a hold reserves. Conflict if it is resolved already by another call."""
    return submit(session, key, RELEASE, movement, ref, hold=hold_id)


def submit(
    session: Session,
    key: str,
    kind: int,
    movement: Movement,
    ref: str,
    *,
    debit: int | None = None,
    credit: int | None = None,
    money: Money | None = None,
    hold: UUID | None = None,
    expires: datetime | None = None,
    evidence: Evidence | None = None,
) -> bool:
    """Call the one door of the ledger; True if done now, False if the same call was done before."""
    with refusals():
        done: bool = (
            session.connection()
            .exec_driver_sql(
                SUBMIT,
                (
                    key_id(key),
                    kind,
                    debit,
                    credit,
                    money.units if money else None,
                    int(movement),
                    ref,
                    hold,
                    expires,
                    evidence.chain if evidence else None,
                    evidence.block_number if evidence else None,
                    evidence.tx_hash if evidence else None,
                ),
            )
            .scalar_one()
        )
    return done


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the database refuses into the tree of refusals."""
    try:
        yield
    except DBAPIError as error:
        refusal = refusal_of(getattr(error.orig, "sqlstate", None))
        if refusal is None:
            raise
        raise refusal from error


def refusal_of(sqlstate: str | None) -> GatewayError | None:
    """Return what the caller should hear about an SQLSTATE of submit(), None if it is our bug."""
    if sqlstate == "23514":
        return InsufficientFunds("the available balance is less than the amount")
    if sqlstate == "LG001":
        return AccountFrozen("the account is frozen")
    if sqlstate == "LG003":
        return Conflict("this movement was posted before with other facts", code="movement_differs")
    if sqlstate == "LG004":
        return Conflict("this hold is resolved already", code="hold_resolved")
    return None


def balance(session: Session, owner: str, money: Asset) -> Balance:
    """Return what an owner has of an asset; zero where there is no account yet."""
    found = balances(session, owner)
    zero = Money(0, money)
    return found.get(money.code, Balance(zero, zero))


def balances(session: Session, owner: str) -> dict[str, Balance]:
    """Return what an owner has, by asset code."""
    rows = session.execute(
        text(
            "select s.code, s.decimals, a.debits_pending as held,"
            " a.credits_posted - a.debits_posted - a.debits_pending as available"
            " from ledger.account a join ledger.asset s on s.id = a.asset_id"
            " where a.owner = :owner and a.code = :code order by s.code"
        ),
        {"owner": owner, "code": int(Chart.AVAILABLE)},
    )
    found = {}
    for row in rows:
        money = Asset(row.code, row.decimals)
        found[row.code] = Balance(Money(int(row.available), money), Money(int(row.held), money))
    return found


def house_balance(session: Session, code: Chart, money: Asset, chain: str | None) -> Money:
    """Return the house's balance at a place, positive for what we own as for what we owe."""
    units = session.execute(
        text(
            "select coalesce(sum(a.credits_posted - a.debits_posted), 0) from ledger.account a"
            " join ledger.asset s on s.id = a.asset_id where a.owner is null and a.code = :code"
            " and s.code = :asset and a.chain is not distinct from :chain"
        ),
        {"code": int(code), "asset": money.code, "chain": chain},
    ).scalar_one()
    return Money(-int(units) if code < Chart.AVAILABLE or code in EXPENSES else int(units), money)


def freeze_credit(session: Session, owner: str, frozen: bool) -> None:
    """Stop, or allow again, what others pay to an owner; what the chain decides still posts."""
    session.execute(
        text("select ledger.freeze_credit(:owner, :frozen)"), {"owner": owner, "frozen": frozen}
    )


def freeze(session: Session, owner: str, frozen: bool) -> None:
    """Stop, or allow again, new debits and holds of an owner."""
    session.execute(
        text("select ledger.freeze(:owner, :frozen)"), {"owner": owner, "frozen": frozen}
    )
