"""Screening lists, by hand: load one, say which count."""

from sqlalchemy import text

from gateway import db
from gateway.screening import service
from gateway.screening.fetch import fetch
from gateway.settings import settings
from gateway.webhooks.alarms import raise_alarm


def load(name: str, place: str) -> str:
    """Fetch a list and take it in; says what became of it. Raises DependencyAway."""
    kind, source = kind_of(name)
    body = fetch(place, development=settings().development)
    with db.transaction() as session:
        loaded = service.load(session, source=source, kind=kind, body=body)
        version = loaded.version
        if not version.accepted:
            raise_alarm(
                session,
                kind="watchlist_refused",
                subject=source,
                detail=f"the new list was not taken, the one before it counts: {version.refusal}",
            )
            return f"{source}: refused, {version.refusal}"
        news = "new" if loaded.is_new else "unchanged"
        return f"{source}: {version.count} addresses, {news}, version {version.id}"


def kind_of(name: str) -> tuple[str, str]:
    """Read a source's name: `tokens:` before it says that it lists token contracts."""
    prefix, colon, rest = name.partition(":")
    return (
        (service.TOKENS, name)
        if colon and prefix == "tokens" and rest
        else (
            service.ADDRESSES,
            name,
        )
    )


def shown() -> list[str]:
    """Return a line for each list that counts."""
    query = text("select source, count, confirmed_at, id from watchlist order by source")
    with db.transaction() as session:
        return [
            f"{row.source}  {row.count} addresses  fetched {row.confirmed_at:%Y-%m-%d %H:%M} UTC"
            f"  {row.id}"
            for row in session.execute(query)
        ]
