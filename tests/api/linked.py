"""A merchant that sells by payment links, over HTTP."""

from typing import Any

from sqlalchemy import text

from gateway import db
from tests import asking
from tests.api.conftest import Client, Make

PAST, FUTURE = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
JSON = {"accept": "application/json"}
SCRIPT = "<script>alert(1)</script>"
PREVIEWERS = ("facebookexternalhit/1.1", "WhatsApp/2.23", "TelegramBot (like TwitterBot)")


def open_shop(open_account: Make) -> Client:
    """Open a merchant where payers can pay; returns its client."""
    with db.transaction() as session:
        asking.add_chain(session)
    client: Client = open_account("falafel-corner", kind="merchant")
    return client


def new(client: Client, **body: Any) -> Any:
    answer = client.post("/v1/payment_links", {"title": "Tea", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def patch(client: Client, link: Any, **body: Any) -> Any:
    path = f"/v1/payment_links/{link['id']}"
    return client.http.patch(path, json=body, headers=client.headers())


def invoices() -> int:
    with db.transaction() as session:
        return session.scalar(text("select count(*) from invoice")) or 0
