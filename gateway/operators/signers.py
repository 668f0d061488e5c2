"""What signers may sign at most, and the second key, from the command line.

Ceilings are written as the owner of the tables: no process of the application can change them.
"""

import getpass
from decimal import Decimal, InvalidOperation

import typer
from eth_account import Account
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.address import parse_address, show_address
from gateway.chain.store import chain, chain_asset, chain_assets
from gateway.errors import GatewayError
from gateway.journal import service as journal
from gateway.ledger import service as ledger
from gateway.money import Asset, Money
from gateway.operators.keystore import seal
from gateway.sending import limits
from gateway.sending.store import Signer, SignerLimit
from gateway.settings import settings

GWEI_DECIMALS = 9
LIFT = "none"


def limit(chain_id: str, address: str, kind: str | None, most: str | None) -> list[str]:
    """Set a ceiling if one is named; returns a line for each that holds."""
    try:
        with db.transaction() as session:
            signer = signer_of(session, chain_id, address)
            if kind is not None:
                session.add(row_of(session, signer, kind, most))
                session.flush()
                journal.write(
                    session,
                    actor="command line",
                    action="signer.limit_set",
                    subject=signer.id,
                    facts={"kind": kind, "most": most},
                )
            return listed(session, signer)
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal
    except ProgrammingError as refusal:
        if "permission denied" not in str(refusal):
            raise
        raise typer.BadParameter("this login may not set limits: use the one that migrates") from (
            refusal
        )


def signer_of(session: Session, chain_id: str, address: str) -> Signer:
    """Return a registered signer."""
    place = parse_address(address, "address")
    query = select(Signer).where(Signer.chain == chain_id, Signer.address == place)
    found = session.scalar(query)
    if found is None:
        raise typer.BadParameter(f"no signer {address} on {chain_id}")
    return found


def row_of(session: Session, signer: Signer, kind: str, most: str | None) -> SignerLimit:
    """Return the row that sets a ceiling: a kind of fee by its name, a value by its asset."""
    if most is None:
        raise typer.BadParameter(f"say at most how much, or {LIFT}")
    asset = None if kind in limits.KINDS else chain_asset(session, signer.chain, kind).asset
    row = SignerLimit(
        chain=signer.chain,
        address=signer.address,
        kind=kind if asset is None else "value_per_day",
        asset=asset,
        set_by=getpass.getuser(),
    )
    if kind == "value_per_day":
        raise typer.BadParameter("name the asset: USDC 50000")
    row.ceiling = None if most == LIFT else Decimal(units(session, signer, kind, asset, most))
    return row


def units(session: Session, signer: Signer, kind: str, asset: str | None, most: str) -> int:
    """Return a ceiling in the units its row counts: wei, gas, or ledger units."""
    if asset is not None:
        return Money.parse(most, ledger.asset(session, asset)).units
    if kind == "fee_per_hour":
        return Money.parse(most, native(session, signer.chain)).units
    try:
        number = Decimal(most).scaleb(GWEI_DECIMALS if kind == "fee_per_gas" else 0)
    except InvalidOperation as error:
        raise typer.BadParameter(f"{most!r} is no number") from error
    if number < 0 or number != int(number):
        raise typer.BadParameter(f"{most!r} is not a whole number of units")
    return int(number)


def native(session: Session, chain_id: str) -> Asset:
    """Return the asset that gas is paid in."""
    chain(session, chain_id)
    code = next(a.asset for a in chain_assets(session, chain_id) if a.contract is None)
    return ledger.asset(session, code)


def listed(session: Session, signer: Signer) -> list[str]:
    """Return a line for each ceiling that holds."""
    query = (
        select(SignerLimit)
        .where(SignerLimit.chain == signer.chain, SignerLimit.address == signer.address)
        .order_by(SignerLimit.id)
    )
    newest = {(row.kind, row.asset): row for row in session.scalars(query)}
    lines = [line(session, signer, row) for row in newest.values() if row.ceiling is not None]
    return lines or [f"{show_address(signer.address)}: no ceilings but those of the code"]


def line(session: Session, signer: Signer, row: SignerLimit) -> str:
    """Say one ceiling in the units it was given in."""
    ceiling = int(row.ceiling or 0)
    said = f"{ceiling} gas"
    if row.asset is not None:
        said = f"{Money(ceiling, ledger.asset(session, row.asset))} {row.asset} in 24 hours"
    elif row.kind == "fee_per_hour":
        asset = native(session, signer.chain)
        said = f"{Money(ceiling, asset)} {asset.code} of fees in an hour"
    elif row.kind == "fee_per_gas":
        said = f"{Decimal(ceiling).scaleb(-GWEI_DECIMALS).normalize():f} gwei a unit of gas"
    return f"{show_address(signer.address)}: at most {said} (set by {row.set_by})"


def new_approver() -> str:
    """Make the second key in its keystore; returns its address."""
    place, password = settings().approver_keystore, settings().approver_secret
    if place is None or not password:
        raise typer.BadParameter("set MIZAN_APPROVER_KEYSTORE and MIZAN_APPROVER_PASSWORD")
    account = Account.create()
    seal(account, place, password)
    return str(account.address)
