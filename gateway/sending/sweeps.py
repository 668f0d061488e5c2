"""Sweeps: what a vault should hold, the call that empties vaults, and the books of its receipt.

Booked is what the receipt says arrived. What deposits were credited for leaves "unswept"; coins
nobody was credited for are owed to somebody unknown, and a person is told.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain import vaults
from gateway.chain.port import Receipt
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from gateway.sending.signing import Call, SignerRefuses
from gateway.sending.store import Intent, SweepItem, Transaction

ITEMS = text(
    "select salt, address from sweep_item where intent_id = :intent and asset = :asset"
    " order by salt"
)


@dataclass(frozen=True, slots=True)
class Content:
    """A vault and what was credited for coins in it that are not swept yet, in ledger units."""

    address: bytes
    salt: bytes
    unswept: int


@dataclass(frozen=True, slots=True)
class Booked:
    """How one vault's sweep was booked, in ledger units."""

    address: bytes
    asset: Asset
    swept: int
    surplus: int
    missing: int


def describe(to: bytes, salts: list[bytes]) -> dict[str, Any]:
    """Return what an intent says it sweeps; salts in order, each once."""
    return {"to": to.hex(), "salts": [salt.hex() for salt in sorted(set(salts))]}


def encode(session: Session, intent: Intent, chain: Chain, seq: int) -> Call:
    """Return the call that sweeps an intent's vaults, worked out from its rows; `seq` is unused.

    Raises SignerRefuses when the money would not come to the payout vault or the treasury, when a
    vault is not our factory's, or when the intent says something else than its rows.
    """
    del seq
    to = bytes.fromhex(intent.payload["to"])
    if to not in (chain.payout_vault, chain.treasury):
        raise SignerRefuses("other_destination")
    rows = session.execute(ITEMS, {"intent": intent.id, "asset": intent.asset}).all()
    for row in rows:
        if vaults.vault_address(chain.vault_factory, bytes(row.salt)) != bytes(row.address):
            raise SignerRefuses("other_vault")
    salts = [bytes(row.salt) for row in rows]
    if not salts or describe(to, salts) != intent.payload:
        raise SignerRefuses("payload_differs")
    token = chains.chain_asset(session, chain.id, intent.asset).contract
    return Call(to=chain.vault_factory, data=vaults.sweep_call(token, to, salts))


def add_items(session: Session, intent: Intent, contents: list[Content]) -> None:
    """Write down the vaults of a sweep."""
    for content in contents:
        session.add(
            SweepItem(
                intent_id=intent.id,
                asset=intent.asset,
                salt=content.salt,
                chain=intent.chain,
                address=content.address,
                expected=content.unswept,
            )
        )
    session.flush()


def custody(chain: Chain, to: bytes) -> Chart:
    """Return the place of the chart that a destination is."""
    return Chart.HOT if to == chain.payout_vault else Chart.TREASURY


def item_of(
    session: Session, intent: Intent, listed: ChainAsset, chain: Chain, salt: bytes
) -> SweepItem:
    """Return the row of a vault and asset, locked; coins that went along get one now."""
    place = (intent.id, listed.asset, salt)
    row = session.get(SweepItem, place, with_for_update=True, populate_existing=True)
    if row is None:
        row = SweepItem(
            intent_id=intent.id,
            asset=listed.asset,
            salt=salt,
            chain=chain.id,
            address=vaults.vault_address(chain.vault_factory, salt),
            expected=0,
        )
        session.add(row)
        session.flush()
    return row


def book(
    session: Session,
    transaction: Transaction,
    intent: Intent,
    chain: Chain,
    swept: vaults.Swept,
    *,
    receipt: Receipt,
    credited: int,
    credited_before: int,
) -> Booked | None:
    """Book one vault's sweep. None if this was booked before.

    `credited` is what deposits up to the receipt's block were credited for and no sweep has booked
    yet, `credited_before` that without the receipt's own block: at least so much should arrive.
    """
    listed = listed_by(session, chain, swept.token)
    row = item_of(session, intent, listed, chain, swept.salt)
    if row.swept is not None:
        return None
    asset = ledger.asset(session, listed.asset)
    arrived = listed.to_ledger(swept.amount, asset).units
    row.swept, row.surplus = min(arrived, credited), max(0, arrived - credited)  # type: ignore[assignment]
    session.flush()
    sources = {
        "swept": (int(row.swept or 0), ledger.house(session, Chart.UNSWEPT, asset, chain.id)),
        "surplus": (int(row.surplus or 0), ledger.house(session, Chart.UNATTRIBUTED, asset)),
    }
    for name, (units, source) in sources.items():
        if units == 0:
            continue
        ledger.post(
            session,
            key=f"sweep:{transaction.id}:{listed.asset}:{swept.salt.hex()}:{name}",
            debit=ledger.house(session, custody(chain, swept.to), asset, chain.id),
            credit=source,
            money=Money(units, asset),
            movement=Movement.SWEEP,
            ref=transaction.id,
            evidence=ledger.Evidence(chain.id, receipt.block_number, receipt.tx_hash),
        )
    missing = max(0, credited_before - arrived)
    return Booked(row.address, asset, int(row.swept or 0), int(row.surplus or 0), missing)


def listed_by(session: Session, chain: Chain, token: bytes | None) -> ChainAsset:
    """Return the asset of a token's contract, None for the native coin."""
    return next(a for a in chains.chain_assets(session, chain.id) if a.contract == token)


def close_items(session: Session, intent: Intent, failed: list[bytes]) -> list[SweepItem]:
    """Mark the vaults that gave nothing: it is tried again later. Returns them."""
    rows = session.query(SweepItem).filter_by(intent_id=intent.id, swept=None).all()
    for row in rows:
        row.swept, row.surplus, row.failed = 0, 0, True  # type: ignore[assignment]
    session.flush()
    return [row for row in rows if row.salt in failed or row.expected]
