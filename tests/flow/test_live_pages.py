"""The live pages of one process: all of them are served by one connection and one question."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import redis
from sqlalchemy import event, text

from gateway import db
from gateway.checkout import marks, stream
from gateway.checkout.hub import CALM_TURNS, Hub
from gateway.checkout.visit import Visit
from gateway.checkout.words import words
from gateway.gasless.store import PaymentAuthorization
from gateway.ids import new_id
from gateway.invoices import service
from tests import asking
from tests.looping import in_a_loop

PAGES = 30


@pytest.fixture
def invoices(database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Some invoices of one merchant."""
    monkeypatch.setattr("gateway.checkout.hub.POLL_SECONDS", 0.2)
    with db.transaction() as session:
        asking.add_chain(session)
        shop = asking.merchant(session)
        return [asking.asked(session, shop).invoice.id for _ in range(PAGES)]


def paid(invoice: str, *, silent: bool = False) -> None:
    """Pay an invoice; `silent`: nobody tells Redis."""
    with db.transaction() as session:
        asking.pay(session, service.get(session, invoice), "12.5", deposit=new_id("dep"))
        if silent:
            session.info.clear()


async def shown(pages: AsyncIterator[Any]) -> str:
    """Return the state the next event of a page tells."""
    told = await asyncio.wait_for(anext(pages), 10)
    return str(told.data["state"])


def opened(invoice: str) -> AsyncGenerator[Any, None]:
    pages = stream.panels(invoice, words("en"), Visit())
    assert isinstance(pages, AsyncGenerator)
    return pages


async def next_of(page: AsyncIterator[Any]) -> Any:
    return await anext(page)


def clients(url: str) -> int:
    """Return how many connections listen to a pattern."""
    with redis.Redis.from_url(url) as connection:
        return sum(1 for one in connection.client_list() if int(one["psub"]) > 0)


def test_many_pages_share_a_connection_and_only_the_changed_one_is_drawn(
    invoices: list[str], redis_url: str
) -> None:
    async def watch() -> tuple[int, str, int]:
        pages = {invoice: opened(invoice) for invoice in invoices}
        assert {await shown(page) for page in pages.values()} == {"open"}
        others = [asyncio.create_task(next_of(pages[one])) for one in invoices[1:]]
        await asyncio.sleep(0.5)
        listening = clients(redis_url)
        await asyncio.to_thread(paid, invoices[0])
        state = await shown(pages[invoices[0]])
        await asyncio.sleep(0.5)
        drawn = sum(other.done() for other in others)
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for page in pages.values():
            await page.aclose()
        return listening, state, drawn

    assert in_a_loop(watch()) == (1, "paid", 0)


def test_without_redis_the_table_is_asked_once_for_all(
    invoices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    whole = marks.read

    def counted(session: Any, ids: list[str]) -> dict[str, str]:
        asked.append(len(ids))
        return whole(session, ids)

    async def watch() -> str:
        pages = [opened(invoice) for invoice in invoices]
        for page in pages:
            await shown(page)
        monkeypatch.setattr("gateway.checkout.hub.marks.read", counted)
        await asyncio.to_thread(paid, invoices[3], silent=True)
        state = await shown(pages[3])
        for page in pages:
            await page.aclose()
        return state

    assert in_a_loop(watch()) == "paid"
    assert PAGES in asked


def test_a_mark_changes_with_all_that_a_page_shows(invoices: list[str]) -> None:
    invoice = invoices[0]
    seen = []

    def look() -> None:
        with db.transaction() as session:
            seen.append(marks.read(session, [invoice])[invoice])

    look()
    with db.transaction() as session:
        facts = service.get(session, invoice)
        asking.pay(session, facts, "5", "confirming", deposit="dep_1")
    look()
    with db.transaction() as session:
        session.execute(text("update watch_cursor set number = number + 1"))
    look()
    with db.transaction() as session:
        asking.read_up_to_now(session, age="1 hour")
    look()
    assert len(set(seen)) == len(seen) == 4
    look()
    assert seen[-1] == seen[-2]


def reverted(invoice: str, *, silent: bool = False) -> None:
    """Have what paid an invoice leave the chain."""
    with db.transaction() as session:
        facts = service.get(session, invoice)
        deposit = facts.payments[0].deposit_id
        asking.pay(session, facts, "12.5", "reversed", deposit=deposit)
        if silent:
            session.info.clear()


def paid_long_ago(invoice: str) -> None:
    with db.transaction() as session:
        session.execute(
            text("update invoice set paid_at = now() - interval '1 day' where id = :id"),
            {"id": invoice},
        )


@pytest.mark.parametrize("silent", [False, True])
def test_a_page_that_shows_paid_hears_of_a_reorganisation(
    invoices: list[str], monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    monkeypatch.setattr("gateway.checkout.hub.CALM_TURNS", 2)

    async def watch() -> list[str]:
        page = opened(invoices[0])
        states = [await shown(page)]
        await asyncio.to_thread(paid, invoices[0])
        states.append(await shown(page))
        await asyncio.to_thread(reverted, invoices[0], silent=silent)
        states.append(await shown(page))
        await page.aclose()
        return states

    assert in_a_loop(watch()) == ["open", "paid", "open"]


def test_a_page_paid_long_ago_is_told_so_and_watched_no_more(invoices: list[str]) -> None:
    paid(invoices[0])

    async def watch() -> list[bool]:
        return [bool(told.data["final"]) async for told in opened(invoices[0])]

    async def first() -> bool:
        page = opened(invoices[0])
        told = await anext(page)
        await page.aclose()
        return bool(told.data["final"])

    assert in_a_loop(first()) is False
    paid_long_ago(invoices[0])
    assert in_a_loop(watch()) == [True]


def test_paid_pages_are_asked_about_seldom(
    invoices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    whole = marks.read

    def counted(session: Any, ids: list[str]) -> dict[str, str]:
        asked.append(len(ids))
        return whole(session, ids)

    for invoice in invoices[1:]:
        paid(invoice)

    async def watch() -> None:
        pages = [opened(invoice) for invoice in invoices]
        for page in pages:
            await shown(page)
        monkeypatch.setattr("gateway.checkout.hub.marks.read", counted)
        async with asyncio.timeout(10):
            while asked.count(PAGES) < 2:
                await asyncio.sleep(0.05)
        for page in pages:
            await page.aclose()

    in_a_loop(watch())
    first = asked.index(PAGES)
    between = asked[first + 1 : asked.index(PAGES, first + 1)]
    assert between == [1] * (CALM_TURNS - 1)  # the page that is open alone


def test_a_mark_changes_with_why_a_signed_payment_fares_as_it_does(invoices: list[str]) -> None:
    """A transaction that reverts changes the reason alone."""
    seen = []
    with db.transaction() as session:
        option = service.get(session, invoices[0]).options[0]
        session.add(
            PaymentAuthorization(
                id=new_id("auth"),
                invoice_id=invoices[0],
                chain=option.chain,
                asset=option.asset,
                payer=bytes(20),
                to_address=bytes(option.address),
                value=Decimal(12_500_000),
                valid_after=Decimal(0),
                valid_before=Decimal(1),
                nonce=bytes(32),
                signature=bytes(65),
                status="sent",
            )
        )
    for reason in (None, "reverted"):
        with db.transaction() as session:
            session.execute(
                text("update payment_authorization set reason = :reason"), {"reason": reason}
            )
            seen.append(marks.read(session, [invoices[0]])[invoices[0]])
    assert seen[0] != seen[1]


def test_the_tasks_end_with_the_last_page(invoices: list[str]) -> None:
    async def watch() -> list[str]:
        page = opened(invoices[0])
        await shown(page)
        await page.aclose()
        await asyncio.sleep(0.05)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert Hub.here() is Hub.here()
        return [repr(task) for task in left]

    assert in_a_loop(watch()) == []


def test_a_page_asks_nothing_while_nothing_changes(invoices: list[str]) -> None:
    """Between two polls an open page costs no statement of its own."""
    statements: list[str] = []

    async def watch() -> None:
        page = opened(invoices[0])
        await shown(page)
        waiting = asyncio.create_task(next_of(page))
        await asyncio.sleep(0.1)
        event.listen(db.engine(), "before_cursor_execute", note)
        await asyncio.sleep(1)
        event.remove(db.engine(), "before_cursor_execute", note)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    in_a_loop(watch())
    assert statements
    assert all("watch_cursor" in statement for statement in statements), statements
