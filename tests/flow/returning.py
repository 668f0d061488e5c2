"""A merchant with money and paid invoices, and what tests of refunds ask of them."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text

from gateway import db
from gateway.accounts.store import Account
from gateway.errors import GatewayError
from gateway.invoices.facts import Facts
from gateway.refunds import payer, rules, service
from gateway.refunds.service import Wish
from gateway.refunds.store import Refund
from gateway.screening import service as screening
from tests import asking
from tests.flow import outgoing
from tests.flow.books import ETH, USDC, fund

SOMEBODY = outgoing.SOMEBODY
ELSEWHERE = bytes([0xAB] * 20)
DAY = 86_400
RACERS = 16


def open_shop() -> Account:
    """A merchant with 300 USDC and one ETH."""
    with db.transaction() as session:
        outgoing.chain_rows(session)
        found: Account = asking.merchant(session)
        fund(session, found.id, 300 * 10**6, asset=USDC, key="u")
        fund(session, found.id, 10**18, asset=ETH, key="e")
        return found


def paid(shop: Account, *payments: tuple[str, str], price: str = "100") -> Facts:
    """An invoice in USD, paid with these amounts of these assets."""
    with db.transaction() as session:
        facts = asking.asked(session, shop, price)
        for number, (amount, asset) in enumerate(payments):
            deposit = f"dep_{facts.invoice.id}_{number}"
            facts = asking.pay(session, facts, amount, asset=asset, deposit=deposit)
        return facts


def back(facts: Facts, **wish: Any) -> Refund:
    """Refund to an address the merchant names."""
    with db.transaction() as session:
        made = Wish(facts.invoice.id, "key_test", **wish)
        return service.refund(session, made, to_address=SOMEBODY)


def promised(facts: Facts, *, expires_in: int = DAY, **wish: Any) -> tuple[str, str]:
    """Promise a refund to the payer; returns its id and its page's token."""
    with db.transaction() as session:
        made = Wish(facts.invoice.id, "key_test", **wish)
        row, token = payer.ask_payer(session, made, expires_in=expires_in)
        return row.id, token


def answered(token: str, address: bytes = SOMEBODY) -> Refund:
    with db.transaction() as session:
        return payer.answer(session, token, address)


def stored(refund_id: str) -> Refund:
    with db.transaction() as session:
        return session.get_one(Refund, refund_id)


def refusal(ask: Callable[..., object], *args: Any, **options: Any) -> str:
    """Return the code something is refused with."""
    with pytest.raises(GatewayError) as refused:
        ask(*args, **options)
    return refused.value.code


def promised_in_all() -> int:
    """Return what all refunds that count add up to, in cents."""
    query = select(func.sum(Refund.currency_amount)).where(Refund.status.in_(rules.COUNTED))
    with db.transaction() as session:
        return int(session.scalar(query) or 0)


def told(refund_id: str) -> list[str]:
    query = text("select type from event where object_id = :id order by seq")
    with db.transaction() as session:
        return [kind.removeprefix("refund.") for kind in session.scalars(query, {"id": refund_id})]


def listed(address: bytes) -> None:
    """Put an address on a list."""
    with db.transaction() as session:
        loaded = screening.load(
            session, source="test", kind="addresses", body=f"0x{address.hex()}\n".encode()
        )
        assert loaded.version.accepted, loaded.version.refusal
