"""Take a list in, say what is listed, and whether the lists are young enough to go by."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.screening import lists, rules
from gateway.screening.store import ListVersion, WatchAddress
from gateway.settings import settings

ADDRESSES, TOKENS = "addresses", "tokens"
STALE, MISSING = "watchlist_stale", "watchlist_missing"
CURRENT = text("select id, source, kind, confirmed_at from watchlist order by source")
HITS = text(
    "select source, kind, version_id from watched_address"
    " where address = :address and kind = :kind order by source"
)
LISTED_BOOK = text("""
    update address_book set removed_at = now() where removed_at is null
        and address in (select address from watched_address where kind = 'addresses')
    returning id
""")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a list that was fetched."""

    version: ListVersion
    is_new: bool


def load(session: Session, *, source: str, kind: str, body: bytes) -> Loaded:
    """Take a list in. One that is cut off, empty, or much shorter than before is refused and kept
    on record; the one before it goes on counting. A new one takes listed addresses out of books.
    """
    session.execute(text("select pg_advisory_xact_lock(hashtextextended('watchlist', 0))"))
    sha256 = hashlib.sha256(body).digest()
    before = current(session, source)
    if before is not None and before.sha256 == sha256:
        before.confirmed_at = datetime.now(UTC)
        session.flush()
        return Loaded(before, False)
    found, refusal = judged(body, before)
    parties = found.parties if found else {}
    version = ListVersion(
        id=new_id("wlv"),
        source=source,
        kind=kind,
        sha256=sha256,
        published=found.published if found else None,
        count=len(parties),
        accepted=refusal is None,
        refusal=refusal,
    )
    session.add(version)
    session.flush()
    if refusal is None:
        keep(session, version, parties)
    journal.write(
        session,
        actor=journal.SYSTEM,
        action="watchlist.accepted" if refusal is None else "watchlist.refused",
        subject=version.id,
        reason=refusal,
        facts={"source": source, "count": len(parties), "sha256": sha256.hex()},
    )
    log.info("watchlist.loaded", source=source, count=len(parties), refusal=refusal)
    return Loaded(version, refusal is None)


def judged(body: bytes, before: ListVersion | None) -> tuple[lists.Listed | None, str | None]:
    """Return what a list says, None if it cannot be read, and why it is refused, None if not."""
    try:
        found = lists.read(body)
    except lists.Unreadable as error:
        return None, str(error)
    return found, rules.refusal_of(len(found.parties), before.count if before else None)


def keep(session: Session, version: ListVersion, parties: dict[bytes, str]) -> None:
    """Write an accepted version's addresses, and take them out of everybody's address book."""
    rows = [
        {"version_id": version.id, "address": address, "party": party}
        for address, party in parties.items()
    ]
    session.execute(insert(WatchAddress), rows)
    for entry in session.scalars(LISTED_BOOK).all():
        journal.write(
            session,
            actor=journal.SYSTEM,
            action="address.listed",
            subject=entry,
            facts={"version": version.id},
        )


def current(session: Session, source: str) -> ListVersion | None:
    """Return the version of a source that counts, None before the first."""
    query = select(ListVersion).where(ListVersion.source == source, ListVersion.accepted)
    return session.scalar(query.order_by(ListVersion.id.desc()).limit(1))


def stopped(session: Session) -> str | None:
    """Return why the lists let nothing leave now, None if they do: one is missing or too old."""
    known = {row.source: row for row in session.execute(CURRENT)}
    wanted = settings().watchlists
    if settings().screening_needed and not wanted:
        return MISSING
    if any(source not in known for source in wanted):
        return MISSING
    now = datetime.now(UTC)
    if any(rules.is_stale(known[source].confirmed_at, now) for source in wanted):
        return STALE
    return None


def is_listed(session: Session, address: bytes) -> bool:
    """True if nothing may go to or come from an address, whatever the chain."""
    return bool(session.execute(HITS, {"address": address, "kind": ADDRESSES}).all())


def facts_of(session: Session, address: bytes, contract: bytes | None) -> rules.ScreeningFacts:
    """Return what the lists say of a counterparty and of the token it is paid in."""
    hits = session.execute(HITS, {"address": address, "kind": ADDRESSES}).all()
    token = session.execute(HITS, {"address": contract or b"", "kind": TOKENS}).all()
    versions = session.execute(CURRENT).all()
    return rules.ScreeningFacts(
        needed=settings().screening_needed,
        versions=tuple(row.id for row in versions),
        hits=tuple(f"{row.source} {row.version_id}" for row in hits),
        token_denied=bool(token),
    )
