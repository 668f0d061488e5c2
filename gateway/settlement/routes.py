"""Settlements, the report, reconciliation and trace, over HTTP."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.errors import NotFound
from gateway.ledger import service as ledger
from gateway.settlement import close, reconciliation, rules
from gateway.settlement.report import as_csv
from gateway.settlement.report import report as make_report
from gateway.settlement.shapes import (
    Day,
    OwedRow,
    Reconciliation,
    ReconciliationRow,
    Report,
    SettlementShape,
    Trace,
)
from gateway.settlement.store import Settlement
from gateway.settlement.trace import trace as find_trace
from gateway.web.auth import Principal, require
from gateway.web.pages import Cursor, ListCursor, Page, page
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

CSV_NAME = "settlement.csv"

settlement_routes = router("/v1/settlements", "settlement")
report_routes = router("/v1/reports", "settlement")
operator_routes = router("/v1/reconciliation", "operations")
trace_routes = router("/v1/trace", "operations")

Reader = Annotated[Principal, Depends(require("reports:read"))]
Operator = Annotated[Principal, Depends(require("operations:read"))]
Name = Annotated[Text | None, Query(max_length=80)]
Moment = Annotated[
    Text | None,
    Query(max_length=40, description="A day or an RFC 3339 time.", examples=["2026-01-31"]),
]


def owner_of(session: Session, principal: Principal, name: str | None) -> str | None:
    """Return the account asked for, None for all an operator sees; raises NotFound."""
    if name is None:
        return principal.account_id
    account = accounts.get(session, name)
    if not principal.sees(account.id):
        raise NotFound("no such account")
    return account.id


@report_routes.get(
    "/settlement",
    response_model=Report,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def settlement_report(
    session: Tx,
    principal: Reader,
    *,
    since: Annotated[Moment, Query(alias="from")] = None,
    until: Annotated[Moment, Query(alias="to")] = None,
    merchant: Name = None,
    format: Literal["json", "csv"] = "json",
) -> Any:
    """Report every movement of money: `from` inclusive, `to` exclusive, one account or all.

    Columns sum, and the totals are the change of the ledger's balances. A movement is dated by when
    the ledger posted it.
    """
    start, end = rules.span(since, until)
    owner = owner_of(session, principal, merchant)
    found = make_report(session, owner=owner, since=start, until=end)
    if format == "json":
        return found
    disposition = {"content-disposition": f'attachment; filename="{CSV_NAME}"'}
    return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=disposition)


@settlement_routes.get("")
def list_settlements(
    session: Tx,
    principal: Reader,
    where: ListCursor,
    *,
    merchant: Name = None,
    asset: Annotated[Text | None, Query(max_length=20)] = None,
) -> Page[SettlementShape]:
    """List days per merchant and asset, newest first; open ones are computed now."""
    owner = owner_of(session, principal, merchant)
    live = open_rows(session, where, owner, asset)
    ids = [row.id for row in live]
    if where.starting_after in ids:
        live = live[ids.index(where.starting_after) + 1 :]
        where = where.model_copy(update={"starting_after": None})
    elif where.starting_after is not None:
        live = []
    stored, more = page(session, Settlement, where, account_id=owner, asset=asset)
    known = {found.code: found for found in ledger.assets(session)}
    rows = [SettlementShape.of(row, known[row.asset]) for row in [*live, *stored]]
    return Page(data=rows[: where.limit], has_more=more or len(rows) > where.limit)


def open_rows(
    session: Session, where: Cursor, owner: str | None, asset: str | None
) -> list[Settlement]:
    """Return the rows of open days, newest first; none when asked by time of closing."""
    if where.created_from is not None or where.created_to is not None:
        return []
    return [
        row
        for day in close.open_days(session)
        for row in reversed(close.live(session, day, owner))
        if asset in (None, row.asset)
    ]


@settlement_routes.get("/{date}")
def get_day(
    day: Annotated[
        str, Path(alias="date", max_length=10, examples=["2026-01-31"], description="A day, UTC.")
    ],
    session: Tx,
    principal: Reader,
    merchant: Name = None,
) -> Day:
    """Return one day; 404 for one that has not begun or in which nothing was held or moved."""
    owner = owner_of(session, principal, merchant)
    rows, status = rows_of(session, read_day(day), owner)
    if not rows:
        raise NotFound("no settlement of this day")
    known = {found.code: found for found in ledger.assets(session)}
    shapes = [SettlementShape.of(row, known[row.asset]) for row in rows]
    return Day(date=rows[0].date.isoformat(), status=status, data=shapes)


def read_day(name: str) -> date:
    """Return the day; raises NotFound, because the path then names nothing."""
    try:
        return rules.day(name)
    except ValueError as error:
        raise NotFound("a day looks like 2026-01-31") from error


def rows_of(
    session: Session, day: date, owner: str | None
) -> tuple[list[Settlement], Literal["open", "closed"]]:
    """Return a closed day's stored rows, or an open day as it is now."""
    if day in close.open_days(session):
        return close.live(session, day, owner), "open"
    query = select(Settlement).where(Settlement.date == day).order_by(Settlement.id)
    if owner is not None:
        query = query.where(Settlement.account_id == owner)
    return list(session.scalars(query)), "closed"


@operator_routes.get("")
def reconcile(session: Tx, _: Operator) -> Reconciliation:
    """Compare the chain with the ledger at one block, and what we hold with what we owe.

    424 when a node is away.
    """
    compared = reconciliation.compare(session)
    return Reconciliation(
        data=[
            ReconciliationRow(
                chain=row.chain,
                asset=row.on_chain.asset.code,
                block_number=row.block_number,
                on_chain=str(row.on_chain),
                ledger=str(row.ledger),
                unswept=str(row.unswept),
                below_worth=str(row.below_worth),
                below_minimum=str(row.below_minimum),
                difference=str(row.difference),
            )
            for row in compared
        ],
        owed=[
            OwedRow(
                asset=row.custody.asset.code,
                custody=str(row.custody),
                owed=str(row.owed),
                house=str(row.house),
                difference=str(row.difference),
            )
            for row in reconciliation.positions(session)
        ],
    )


@trace_routes.get("/{tx_hash}")
def trace(
    tx_hash: Annotated[str, Path(pattern=r"^0x[0-9a-fA-F]{64}$")],
    session: Tx,
    principal: Reader,
) -> Trace:
    """Tell everything a transaction did here, or why it did nothing."""
    return find_trace(session, bytes.fromhex(tx_hash[2:]), owner=principal.account_id)


routes = APIRouter()
routes.include_router(settlement_routes)
routes.include_router(report_routes)
routes.include_router(operator_routes)
routes.include_router(trace_routes)
