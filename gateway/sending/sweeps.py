"""Sweeps: the call that empties vaults, and the books of its receipt.

Booked is what the receipt says arrived. What deposits were credited for leaves "unswept"; coins
nobody was credited for are owed to somebody unknown, and a person is told.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain import vaults
from gateway.chain.port import Receipt
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from gateway.sending.call import Call, SignerRefuses
from gateway.sending.store import Intent, SweepDecision, SweepItem, Transaction
from gateway.sending.sweep_rules import Content, Reason
from gateway.sending.unswept import InBooks

ITEMS = text(
    "select salt, address from sweep_item where intent_id = :intent and asset = :asset"
    " order by salt"
)

TAKEN_ALONG = text("""
    select i.intent_id, i.salt, i.surplus, t.id as transaction_id, t.block_number, t.tx_hash
    from sweep_item i join transaction t on t.intent_id = i.intent_id
    where i.chain = :chain and i.asset = :asset and i.address = :address and i.surplus > 0
        and t.block_number >= :block
    order by t.block_number, t.id for update of i
""")
CLAIM = text("""
    update sweep_item set swept = swept + :part, surplus = surplus - :part
    where intent_id = :intent and asset = :asset and salt = :salt
""")


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


def add_items(
    session: Session,
    intent: Intent,
    contents: dict[Content, Reason],
    facts: dict[str, Any],
) -> None:
    """Write down the vaults of a sweep, each with its reason, and what that was decided from."""
    for content, reason in contents.items():
        session.add(
            SweepItem(
                intent_id=intent.id,
                asset=intent.asset,
                salt=content.salt,
                chain=intent.chain,
                address=content.address,
                expected=content.unswept,
                reason=reason,
            )
        )
    session.add(SweepDecision(intent_id=intent.id, facts=facts))
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
    due: InBooks,
) -> Booked | None:
    """Book one vault's sweep. None if this was booked before.

    `due` is what the books say was in the vault. More than that is owed to somebody unknown.
    """
    listed = listed_by(session, chain, swept.token)
    row = item_of(session, intent, listed, chain, swept.salt)
    if row.swept is not None:
        return None
    asset = ledger.asset(session, listed.asset)
    arrived = listed.to_ledger(swept.amount, asset).units
    taken, surplus = min(arrived, due.at_most), max(0, arrived - due.at_most)
    row.swept, row.surplus = Decimal(taken), Decimal(surplus)
    session.flush()
    parts = {
        "swept": (Money(taken, asset), ledger.house(session, Chart.UNSWEPT, asset, chain.id)),
        "surplus": (Money(surplus, asset), ledger.house(session, Chart.UNATTRIBUTED, asset)),
    }
    for name, (money, source) in parts.items():
        if money.units:
            move(session, transaction, chain, swept, name, money, source=source, receipt=receipt)
    return Booked(row.address, asset, taken, surplus, max(0, due.at_least - arrived))


def move(
    session: Session,
    transaction: Transaction,
    chain: Chain,
    swept: vaults.Swept,
    part: str,
    money: Money,
    *,
    source: int,
    receipt: Receipt,
) -> None:
    """Move a part of what was in a vault to where the sweep brought it."""
    ledger.post(
        session,
        key=f"sweep:{transaction.id}:{money.asset.code}:{swept.salt.hex()}:{part}",
        debit=ledger.house(session, custody(chain, swept.to), money.asset, chain.id),
        credit=source,
        money=money,
        movement=Movement.SWEEP,
        ref=transaction.id,
        evidence=ledger.Evidence(chain.id, receipt.block_number, receipt.tx_hash),
    )


def claim(
    session: Session, *, chain: str, money: Money, address: bytes, block: int, key: str
) -> int:
    """Give a deposit that is credited only now the coins that a sweep took along before.

    They were booked as owed to somebody unknown, since nobody knew of the deposit yet: it was
    missed, or set aside. Returns the units that were found there.
    """
    facts = {"chain": chain, "asset": money.asset.code, "address": address, "block": block}
    left = money.units
    for row in session.execute(TAKEN_ALONG, facts).all():
        part = Money(min(left, int(row.surplus)), money.asset)
        if not part:
            break
        left -= part.units
        session.execute(
            CLAIM, {"intent": row.intent_id, "salt": row.salt, "part": part.units, **facts}
        )
        ledger.post(
            session,
            key=f"claim:{key}:{row.transaction_id}",
            debit=ledger.house(session, Chart.UNATTRIBUTED, money.asset),
            credit=ledger.house(session, Chart.UNSWEPT, money.asset, chain),
            money=part,
            movement=Movement.SWEEP,
            ref=row.transaction_id,
            evidence=ledger.Evidence(chain, row.block_number, bytes(row.tx_hash)),
        )
    return money.units - left


def listed_by(session: Session, chain: Chain, token: bytes | None) -> ChainAsset:
    """Return the asset of a token's contract, None for the native coin."""
    return next(a for a in chains.chain_assets(session, chain.id) if a.contract == token)


def close_items(session: Session, intent_id: str, *, tried: bool) -> list[SweepItem]:
    """Close the vaults that gave nothing; if they were `tried`, they are left for a while.

    Returns those something was expected of.
    """
    query = select(SweepItem).where(SweepItem.intent_id == intent_id, SweepItem.swept.is_(None))
    rows = list(session.scalars(query))
    for row in rows:
        row.swept, row.surplus, row.failed = Decimal(0), Decimal(0), tried
    session.flush()
    return rows if tried else []
