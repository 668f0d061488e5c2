"""What the payout vault should hold, and the cold side's moves, from the command line."""

import getpass
import re
from decimal import Decimal

import typer
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.evm import node
from gateway.chain.store import ChainAsset, chain, chain_asset
from gateway.errors import GatewayError
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.money import Asset, Money
from gateway.treasury import moves

NONE = "none"
TX_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


def hot(
    chain_id: str, code: str, *, target: str | None, least: str | None, most: str | None
) -> str:
    """Set what is given and return what is true then; raises BadParameter, having set nothing."""
    try:
        with db.transaction() as session:
            listed = chain_asset(session, chain(session, chain_id).id, code)
            asset = ledger.asset(session, listed.asset)
            if (target, least, most) != (None, None, None):
                change(session, listed, asset, target=target, least=least, most=most)
            return told(listed, asset)
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal
    except ProgrammingError as refusal:
        if "permission denied" not in str(refusal):
            raise
        raise typer.BadParameter("this login may not set it: use the one that migrates") from (
            refusal
        )


def change(
    session: Session,
    listed: ChainAsset,
    asset: Asset,
    *,
    target: str | None,
    least: str | None,
    most: str | None,
) -> None:
    """Write what is given, and who gave it. Raises BadParameter when it contradicts itself."""
    if target is not None:
        listed.hot_target = units(target, asset)
    if least is not None:
        listed.hot_min = units(least, asset)
    if most is not None:
        listed.hot_max = None if most == NONE else units(most, asset)
    ceiling = listed.hot_target if listed.hot_max is None else listed.hot_max
    if not listed.hot_min <= listed.hot_target <= ceiling:
        raise typer.BadParameter("--min is at most --target, and that at most --max")
    session.flush()
    facts = {"target": listed.hot_target, "min": listed.hot_min, "max": listed.hot_max}
    journal.write(
        session,
        actor=getpass.getuser(),
        action="hot_funds.set",
        subject=f"{listed.chain} {listed.asset}",
        facts={name: None if value is None else str(value) for name, value in facts.items()},
    )


def units(text: str, asset: Asset) -> Decimal:
    """Read an amount, zero allowed, in ledger units. Raises InvalidAmount."""
    return Decimal(0 if text == "0" else Money.parse(text, asset).units)


def told(listed: ChainAsset, asset: Asset) -> str:
    """Say it in words."""
    target, least = Money(int(listed.hot_target), asset), Money(int(listed.hot_min), asset)
    most = "however much"
    if listed.hot_max is not None:
        most = f"at most {Money(int(listed.hot_max), asset)}"
    return (
        f"the payout vault of {listed.chain} should hold {target} {asset.code},"
        f" at least {least}, {most}"
    )


def moved(chain_id: str, tx: str) -> list[str]:
    """Book a refill or a drain that the cold side signed; returns a line for each amount."""
    if TX_HASH.fullmatch(tx) is None:
        raise typer.BadParameter("name the transaction by its hash: 0x and 64 digits")
    tx_hash = bytes.fromhex(tx[2:])
    try:
        with db.transaction() as session:
            place = chain(session, chain_id)
            lines = moves.book(session, node(chain_id), place, tx_hash)
            if lines:
                journal.write(
                    session,
                    actor=getpass.getuser(),
                    action="custody.moved",
                    subject=tx,
                    facts={"chain": place.id, "booked": lines},
                )
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal
    return lines or ["it was booked before"]
