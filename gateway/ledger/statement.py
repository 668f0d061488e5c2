"""An account's statement: every entry with its running balance and what caused it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.errors import Refused
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from gateway.web.shapes import Time

STATEMENT = """
select e.account_id || '-' || e.version as id, s.code as asset, s.decimals, e.amount,
    e.balance_after, t.id as transfer_id, t.code as movement, t.ref, t.chain, t.tx_hash,
    t.created_at
from ledger.entry e
join ledger.account a on a.id = e.account_id
join ledger.asset s on s.id = a.asset_id
join ledger.transfer t on t.id = e.transfer_id
where a.owner = :owner and a.code = :code and (cast(:asset as text) is null or s.code = :asset)
    and (cast(:from as timestamptz) is null or t.created_at >= :from)
    and (cast(:to as timestamptz) is null or t.created_at < :to)
    and (cast(:before as timestamptz) is null
        or (t.created_at, e.account_id, e.version) < (:before, :account_id, :version))
order by t.created_at desc, e.account_id desc, e.version desc limit :limit
"""
CURSOR = """
select t.created_at from ledger.entry e join ledger.account a on a.id = e.account_id
join ledger.transfer t on t.id = e.transfer_id
where a.owner = :owner and e.account_id = :account_id and e.version = :version
"""
NUMBER_MAX = 2**63


class Entry(BaseModel):
    """One line of a statement."""

    id: str
    transfer: str
    type: Annotated[str, Field(description="why the money moved")]
    asset: str
    amount: Annotated[str, Field(description="signed: what the balance changed by")]
    balance_after: str
    caused_by: Annotated[str, Field(description="the deposit, withdrawal, transfer, …")]
    chain: str | None
    tx_hash: str | None
    created_at: Time


def entries(
    session: Session,
    owner: str,
    *,
    limit: int,
    starting_after: str | None = None,
    asset: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[list[Entry], bool]:
    """Return one page of the statement, newest first, and if there is more."""
    found = session.execute(
        text(STATEMENT),
        {
            "owner": owner,
            "code": int(Chart.AVAILABLE),
            "asset": asset,
            "from": since,
            "to": until,
            "limit": limit + 1,
            **after(session, owner, starting_after),
        },
    ).all()
    return [line(row) for row in found[:limit]], len(found) > limit


def after(session: Session, owner: str, cursor: str | None) -> dict[str, Any]:
    """Return where the page begins; raises Refused for a cursor of another statement."""
    if cursor is None:
        return {"before": None, "account_id": 0, "version": 0}
    account_id, _, version = cursor.partition("-")
    place = {"owner": owner, "account_id": number(account_id), "version": number(version)}
    before = session.execute(text(CURSOR), place).scalar_one_or_none()
    if before is None:
        raise Refused("starting_after is no id of this list", code="unknown_cursor")
    return {"before": before, "account_id": place["account_id"], "version": place["version"]}


def number(digits: str) -> int:
    """Return a non-negative bigint, or -1 for anything else."""
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(NUMBER_MAX)):
        return -1
    return min(int(digits), NUMBER_MAX - 1)


def line(row: Any) -> Entry:
    """Show one entry."""
    asset = Asset(row.asset, row.decimals)
    return Entry(
        id=row.id,
        transfer=str(row.transfer_id),
        type=Movement(row.movement).name.lower(),
        asset=row.asset,
        amount=str(Money(int(row.amount), asset)),
        balance_after=str(Money(int(row.balance_after), asset)),
        caused_by=row.ref,
        chain=row.chain,
        tx_hash=f"0x{row.tx_hash.hex()}" if row.tx_hash else None,
        created_at=row.created_at,
    )
