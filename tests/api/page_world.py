"""A merchant whose every text is an attack, and what asks its pages as payers and browsers do."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.ids import new_id
from gateway.links import service as links
from gateway.links.rules import Offer
from gateway.money import USD
from gateway.refunds import payer
from gateway.refunds.service import Wish
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from gateway.webhooks import endpoints
from tests import asking
from tests.flow.books import fund

MARKS = ("<script>x</script>", '"onerror=x ', "'onerror=x ", "</title><script>x</script>")
EVIL = "".join(MARKS)
RUNNING = ("<script>x", '"onerror=', "'onerror=")
"""What is in a page only where a mark was written into it as it is."""
KINDS = ("text/html; charset=utf-8", "application/json", "application/problem+json")
CSV = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages' ids, and two browsers that are signed in."""

    http: TestClient
    shop: TestClient
    console: TestClient
    shop_form: str
    console_form: str
    account: str
    open: str
    paid: str
    link: str
    endpoint: str
    token: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Return what a path may name."""
        return (self.open, self.paid, self.link, self.endpoint, self.token)


def build(http: TestClient) -> Pages:
    """Open the merchant on a fresh database."""
    with db.transaction() as session:
        asking.add_chain(session)
        session.execute(
            text(f"insert into fee_level (chain, base_fee, tip) values ('{asking.CHAIN}', 1000, 1)")
        )
        shop = asking.merchant(session)
        open_ = asking.asked(session, shop, title=EVIL, order_id=EVIL, metadata={EVIL[:40]: EVIL})
        facts = asking.asked(session, shop, title=EVIL)
        asking.pay(session, facts, "12.5", deposit=new_id("dep"))
        fund(session, shop.id, 100 * 10**6)
        offer = Offer(title=EVIL, currency=USD, inactive_message=EVIL)
        link = links.create(session, account_id=shop.id, offer=offer).id
        endpoint = endpoints.create(
            session, account_id=shop.id, url="https://shop.example/hooks", events=None
        ).id
        wish = Wish(facts.invoice.id, "key_a", amount="1")
        token = payer.ask_payer(session, wish, expires_in=86_400)[1]
        keys = (
            accounts.issue_key(session, account_id=shop.id, name=EVIL[:80], scopes=ACCOUNT_SCOPES),
            accounts.issue_key(session, account_id=None, name=EVIL[:80], scopes=OPERATOR_SCOPES),
        )
    shop_browser, console = (TestClient(http.app, raise_server_exceptions=False) for _ in keys)
    return Pages(
        http=http,
        shop=shop_browser,
        console=console,
        shop_form=signed_in(shop_browser, "shop", keys[0][1]),
        console_form=signed_in(console, "console", keys[1][1]),
        account=shop.id,
        open=open_.invoice.id,
        paid=facts.invoice.id,
        link=link,
        endpoint=endpoint,
        token=token,
    )


def signed_in(browser: TestClient, room: str, secret: str) -> str:
    """Sign in to a console; returns what its forms carry."""
    answer = browser.post(f"/{room}/sign-in", data={"key": secret})
    assert answer.status_code == 200, answer.text
    return answer.text.partition('name="form" value="')[2].partition('"')[0]


def check(answer: Any) -> None:
    """Assert that an answer is none of a broken program, of a kind we give, and runs nothing."""
    where = f"{answer.request.method} {answer.request.url}: {answer.status_code}"
    assert answer.status_code < 500 or answer.status_code == 503, f"{where} {answer.text[:500]}"
    if 300 <= answer.status_code < 400:
        place = answer.headers["location"].removeprefix("http://testserver")
        assert place.startswith("/"), f"{where}, to {place}"
        assert not place.startswith(("//", "/\\")), f"{where}, to {place}"
        return
    kind = answer.headers.get("content-type", "")
    assert kind in (*KINDS, CSV), f"{where} is {kind!r}"
    if kind == KINDS[0]:
        low = answer.text.lower()
        assert not [mark for mark in RUNNING if mark in low], f"{where}\n{answer.text[:3000]}"
        assert "default-src 'none'" in answer.headers["content-security-policy"], where
        assert answer.headers["x-content-type-options"] == "nosniff", where


def path(*parts: str) -> str:
    """Return a path whose parts are quoted, whatever is in them."""
    return "/" + "/".join(quote(part, safe="") for part in parts)
