"""The API on a fresh database, and a client for each kind of key."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from gateway import db
from gateway.accounts import service as accounts
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from tests.flow.books import ETH, USDC, new_asset

Make = Callable[..., Any]


class Client:
    """One key's view of the API; a POST brings its Idempotency-Key or gets a fresh one."""

    def __init__(self, http: TestClient, key: str, account_id: str | None = None) -> None:
        self.http, self.key, self.account_id = http, key, account_id

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(path, params=query, headers=self.headers())

    def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = self.headers() | {"idempotency-key": key or str(uuid4())}
        return self.http.post(path, json={} if body is None else body, headers=headers)

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}


@pytest.fixture
def http(database: str, redis_url: str) -> Iterator[TestClient]:
    """The API in this process, on the test's database."""
    from gateway.app import app

    with db.transaction() as session:
        for asset in (USDC, ETH):
            new_asset(session, asset)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def operator(http: TestClient) -> Client:
    """A key of the house with every scope."""
    with db.transaction() as session:
        _, secret = accounts.issue_key(
            session, account_id=None, name="operator", scopes=OPERATOR_SCOPES
        )
    return Client(http, secret)


@pytest.fixture
def open_account(http: TestClient) -> Make:
    """Open an account and return its own client."""

    def make(handle: str, kind: str = "person") -> Client:
        with db.transaction() as session:
            account = accounts.open_account(session, handle=handle, kind=kind)
            _, secret = accounts.issue_key(
                session, account_id=account.id, name="own", scopes=ACCOUNT_SCOPES
            )
        return Client(http, secret, account.id)

    return make
