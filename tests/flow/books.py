"""Small moves on the books that many flow tests begin with."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money

USDC = Asset("USDC", 6)
ETH = Asset("ETH", 18)
CHAIN = "eip155:31337"
PROOFS = ("check_zero", "check_balance", "check_chain", "check_two_legs", "check_holds")


def new_asset(session: Session, asset: Asset) -> Asset:
    """Put an asset into the ledger."""
    session.execute(
        text("insert into ledger.asset (code, name, decimals) values (:code, :code, :decimals)"),
        {"code": asset.code, "decimals": asset.decimals},
    )
    return asset


def fund(
    session: Session, owner: str, units: int, *, asset: Asset = USDC, key: str = "fund"
) -> None:
    """Credit an owner as a deposit does."""
    ledger.post(
        session,
        key=f"fund {key} {owner}",
        debit=ledger.house(session, Chart.UNSWEPT, asset, CHAIN),
        credit=ledger.owned(session, owner, asset),
        money=Money(units, asset),
        movement=Movement.DEPOSIT,
        ref="dep_test",
        evidence=ledger.Evidence(CHAIN, 1),
    )


def assert_proofs_are_empty(session: Session) -> None:
    """Assert the five proofs of the ledger."""
    for proof in PROOFS:
        found = session.execute(text(f"select * from ledger.{proof}")).all()
        assert found == [], f"{proof}: {found}"
