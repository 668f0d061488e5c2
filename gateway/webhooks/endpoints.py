"""Endpoints: where an account wants to be told, and the secret it believes."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.errors import NotFound, Refused
from gateway.ids import new_id
from gateway.settings import settings
from gateway.webhooks import disabling, rules, sealing, signing
from gateway.webhooks.store import Endpoint

ACTIVE_ENDPOINTS_MAX = 20
ROTATION = timedelta(hours=24)
COUNT_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")


def create(
    session: Session,
    *,
    account_id: str | None,
    url: str,
    events: list[str] | None,
    payment_link: str | None = None,
) -> Endpoint:
    """Make an endpoint with a fresh secret; `payment_link` is the only link it is told of.

    The caller knows the link to be the account's. Raises Refused for a bad URL or one too many.
    """
    rules.check_url(url, development=settings().development)
    make_room(session, account_id)
    endpoint_id = new_id("whe")
    endpoint = Endpoint(
        id=endpoint_id,
        account_id=account_id,
        url=url,
        events=events,
        payment_link=payment_link,
        secret=sealing.seal(signing.new_secret(), endpoint_id=endpoint_id),
    )
    session.add(endpoint)
    session.flush()
    session.refresh(endpoint)
    return endpoint


def secret(endpoint: Endpoint) -> str:
    """Return what the endpoint's webhooks are signed with, to show it once."""
    return sealing.unseal(endpoint.secret, endpoint_id=endpoint.id)


def owner(session: Session, name: str) -> str:
    """Return the account's id by id or @handle; raises NotFound."""
    return accounts.get(session, name).id


def make_room(session: Session, account_id: str | None) -> None:
    """Refuse more than ACTIVE_ENDPOINTS_MAX active endpoints of one owner, counted under a lock."""
    session.execute(COUNT_LOCK, {"name": f"webhook_endpoint {account_id}"})
    query = (
        select(func.count())
        .select_from(Endpoint)
        .where(Endpoint.active, Endpoint.account_id.is_not_distinct_from(account_id))
    )
    if session.scalars(query).one() >= ACTIVE_ENDPOINTS_MAX:
        raise Refused(
            f"an account has at most {ACTIVE_ENDPOINTS_MAX} active endpoints",
            code="too_many_endpoints",
        )


def change(
    session: Session,
    endpoint: Endpoint,
    *,
    url: str | None,
    events: list[str] | None,
    every_event: bool,
    active: bool | None,
    payment_link: str | None = None,
    every_link: bool = False,
) -> Endpoint:
    """Change what is not None; `every_event` and `every_link` ask for all of them from now on.

    The caller knows the link to be the account's. Deactivating fails what is pending; the event
    log keeps it for a replay. Raises Refused.
    """
    if url is not None:
        rules.check_url(url, development=settings().development)
        endpoint.url = url
        trust_again(endpoint)
    if events is not None or every_event:
        endpoint.events = events
    if payment_link is not None or every_link:
        endpoint.payment_link = payment_link
    if active and not endpoint.active:
        make_room(session, endpoint.account_id)
        endpoint.active, endpoint.disabled_reason = True, None
        trust_again(endpoint)
    session.flush()
    if active is False:
        deactivate(session, endpoint)
    return endpoint


def trust_again(endpoint: Endpoint) -> None:
    """Forget the failures: somebody says that things are different now."""
    endpoint.streak, endpoint.failed_object = 0, None
    endpoint.failing_since = endpoint.probe_at = None


def deactivate(session: Session, endpoint: Endpoint) -> Endpoint:
    """Stop sending; doing it again changes nothing."""
    if endpoint.active:
        disabling.stop(session, endpoint.id, "the endpoint was deactivated")
        session.refresh(endpoint)
    return endpoint


def rotate(session: Session, endpoint: Endpoint) -> Endpoint:
    """Make a new secret; the old one signs too for ROTATION, so that no receiver misses one."""
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_until = datetime.now(UTC) + ROTATION
    endpoint.secret = sealing.seal(signing.new_secret(), endpoint_id=endpoint.id)
    session.flush()
    return endpoint


def find(session: Session, endpoint_id: str, *, for_update: bool = False) -> Endpoint:
    """Return the endpoint; raises NotFound."""
    endpoint = session.get(Endpoint, endpoint_id, with_for_update=for_update)
    if endpoint is None:
        raise NotFound("no such webhook endpoint")
    return endpoint
