"""Signing in to the consoles: nobody else's page can do it, and the cookie keeps to https."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from gateway.settings import settings

ROOMS = ("shop", "console")


@pytest.fixture
def keys(http: TestClient) -> dict[str, str]:
    """A good key for each room."""
    with db.transaction() as session:
        shop = accounts.open_account(session, handle="shop", kind="merchant")
        return {
            "shop": accounts.issue_key(
                session, account_id=shop.id, name="shop", scopes=ACCOUNT_SCOPES
            )[1],
            "console": accounts.issue_key(
                session, account_id=None, name="anna", scopes=OPERATOR_SCOPES
            )[1],
        }


@pytest.fixture
def https(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MIZAN_BASE_URL", "https://pay.example")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def sessions() -> int:
    with db.transaction() as session:
        return int(session.scalar(text("select count(*) from console_session")) or 0)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_the_page_of_another_site_signs_nobody_in(
    http: TestClient, keys: dict[str, str], room: str, site: str
) -> None:
    answer = http.post(
        f"/{room}/sign-in", data={"key": keys[room]}, headers={"sec-fetch-site": site}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "other_site")
    assert "set-cookie" not in answer.headers
    assert sessions() == 0


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_the_room_s_own_page_does_and_so_does_an_old_browser(
    http: TestClient, keys: dict[str, str], room: str, site: str | None
) -> None:
    headers = {} if site is None else {"sec-fetch-site": site}
    answer = http.post(
        f"/{room}/sign-in", data={"key": keys[room]}, headers=headers, follow_redirects=False
    )
    assert answer.status_code == 303
    assert sessions() == 1


@pytest.mark.parametrize("room", ROOMS)
def test_the_cookie_is_sent_over_https_alone_by_no_script_and_no_other_site(
    http: TestClient, keys: dict[str, str], room: str, https: None
) -> None:
    answer = http.post(f"/{room}/sign-in", data={"key": keys[room]}, follow_redirects=False)
    said = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}
    assert {"secure", "httponly", "samesite=strict", f"path=/{room}"} <= said
