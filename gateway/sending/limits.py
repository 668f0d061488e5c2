"""What a signer signs at most, as data that only the owner of the tables writes.

Counted is what the signer itself stored, never what other processes can change: what reverted
counts too, because that it did is another process's word. Fees are wei, values ledger units.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.sending.store import Signer

KINDS = ("fee_per_gas", "gas", "fee_per_hour", "value_per_day")

NEWEST = text(
    "select distinct on (kind) kind, ceiling from signer_limit"
    " where chain = :chain and address = :address and (asset is null or asset = :asset)"
    " order by kind, id desc"
)
# A transaction costs what its dearest attempt may cost: only one of them can be mined.
FEES = text(
    "select coalesce(sum(dearest), 0) from (select max(a.cap * a.gas) as dearest"
    " from attempt a join transaction t on t.id = a.transaction_id"
    " where t.signer_id = :signer and t.id <> :besides"
    " and a.created_at > now() - interval '1 hour' group by t.id) one"
)
VALUE = text(
    "select coalesce(sum(amount), 0) from transaction where signer_id = :signer"
    " and asset = :asset and created_at > now() - interval '24 hours'"
)

PLANNED = text(
    "select coalesce(sum(amount), 0) from intent where signer_id = :signer"
    " and asset = :asset and status = 'planned'"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be signed: gas, the most it may cost, and the value it sends away if it is new.

    `besides`: the transaction it replaces, whose fees it does not add to.
    """

    gas: int
    cap: int
    asset: str
    units: int = 0
    besides: str = ""


def ceilings(session: Session, signer: Signer, asset: str) -> dict[str, int]:
    """Return the ceilings set for a signer and asset, by kind; what is not there is not limited."""
    place = {"chain": signer.chain, "address": signer.address, "asset": asset}
    rows = session.execute(NEWEST, place)
    return {row.kind: int(row.ceiling) for row in rows if row.ceiling is not None}


def refusal(session: Session, signer: Signer, wish: Wish) -> str | None:
    """Return which ceiling the wish would pass, None if none."""
    most = ceilings(session, signer, wish.asset)
    asked = {"fee_per_gas": wish.cap, "gas": wish.gas}
    if "fee_per_hour" in most:
        facts = {"signer": signer.id, "besides": wish.besides}
        before = session.execute(FEES, facts).scalar_one()
        asked["fee_per_hour"] = int(before) + wish.cap * wish.gas
    if "value_per_day" in most and wish.units:
        asked["value_per_day"] = signed_value(session, signer, wish.asset) + wish.units
    over = (kind for kind in KINDS if kind in most and asked.get(kind, 0) > most[kind])
    return next((f"{kind}_above_limit" for kind in over), None)


def signed_value(session: Session, signer: Signer, asset: str) -> int:
    """Return the units of an asset that the signer signed away in the last 24 hours."""
    facts = {"signer": signer.id, "asset": asset}
    return int(session.execute(VALUE, facts).scalar_one())


def room(session: Session, signer: Signer, asset: str) -> int | None:
    """Return the units that may still be planned for the signer now, None without a ceiling."""
    most = ceilings(session, signer, asset).get("value_per_day")
    if most is None:
        return None
    planned = session.execute(PLANNED, {"signer": signer.id, "asset": asset}).scalar_one()
    return max(0, most - signed_value(session, signer, asset) - int(planned))
