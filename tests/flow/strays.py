"""Transfers that cannot be credited, put into the inbox as the watcher does; no node is there."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.deposits.adopt import adopt
from gateway.deposits.store import Deposit
from gateway.errors import GatewayError
from gateway.inbox import decide, service
from gateway.inbox.decide import Doors
from gateway.inbox.rules import Transfer
from gateway.inbox.store import Decision, Item
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Asset, Money
from tests.flow import day
from tests.flow.books import CHAIN, ETH, USDC

OTHER = "eip155:1337"
TOKEN = bytes([0x70] * 20)
PAYER = bytes([0x99] * 20)
HEAD = 10
OPERATOR = "key_operator"


def open_world() -> str:
    """Write two chains of one factory, blocks 1 to HEAD of the first, and a merchant's address on
    it; returns the merchant.
    """
    day.open_chain()
    with db.transaction() as session:
        session.execute(
            text(
                "insert into chain (id, chain_id, name, confirmations, block_seconds, start_block,"
                " vault_factory, payout_vault, treasury) select :other, 1337, 'other',"
                " confirmations, 1, 1, vault_factory, payout_vault, treasury from chain"
            ),
            {"other": OTHER},
        )
        session.execute(
            text("insert into fee_level (chain, base_fee, tip) values (:chain, 1000000000, 1)"),
            {"chain": CHAIN},
        )
    day.read_to(HEAD, datetime.now(UTC))
    return day.open_shop()


def given(account: str, chain: str = CHAIN, invoice: str | None = None) -> bytes:
    """Give an address out; returns it."""
    from gateway.addresses import service as addresses

    with db.transaction() as session:
        return addresses.allocate(
            session, account_id=account, chain=chain, invoice_id=invoice
        ).address


def put(kind: str, address: bytes, **facts: Any) -> str | None:
    """Put a transfer of block 5 into the inbox, unless `facts` say otherwise."""
    with db.transaction() as session:
        return put_in(session, kind, address, **facts)


def put_in(session: Session, kind: str, address: bytes, **facts: Any) -> str | None:
    number = facts.pop("block", 5)
    name = facts.pop("name", "one")
    said = {one: facts.pop(one) for one in ("asset", "deposit_id") if one in facts}
    detail = facts.pop("detail", "")
    told: dict[str, Any] = {
        "chain": CHAIN,
        "sender": PAYER,
        "contract": TOKEN if kind == "unknown_token" else None,
        "units": 5 * 10**6,
        "tx_hash": day.tx(name),
        "position": "0",
        "block_number": number,
        "block_hash": day.tx(f"block {number}"),
        "block_time": datetime.now(UTC),
    }
    transfer = Transfer(kind=kind, address=address, **(told | facts))
    return service.put(session, transfer, detail=detail, **said)


def unattributed(account: str, wei: int = 10**18, *, block: int = 5) -> str:
    """Find coins at an account's address as the probe does; returns the item."""
    address = given(account)
    with db.transaction() as session:
        ledger.post(
            session,
            key=f"unattributed:{address.hex()}:{block}",
            debit=ledger.house(session, Chart.UNSWEPT, ETH, CHAIN),
            credit=ledger.house(session, Chart.UNATTRIBUTED, ETH),
            money=Money(wei, ETH),
            movement=Movement.UNATTRIBUTED,
            ref="probe",
            evidence=ledger.Evidence(CHAIN, block),
        )
        made = put_in(
            session,
            "unattributed",
            address,
            sender=None,
            asset="ETH",
            units=wei,
            tx_hash=None,
            position="",
            block=block,
        )
    assert made is not None
    return made


def wrong_asset(shop: str) -> str:
    """A credited deposit of 2 USDC for an invoice that wanted something else."""
    invoice = day.invoice_for(shop, "1042")
    deposit = day.deposit(shop, 2 * 10**6, invoice=invoice)
    with db.transaction() as session:
        address = day.own_address(session, shop)
    made = put(
        "wrong_asset",
        address,
        contract=b"\x01" * 20,
        asset="USDC",
        units=2 * 10**6,
        deposit_id=deposit,
        block=1,
    )
    assert made is not None
    return made


def list_token(code: str = "TOK", decimals: int = 6) -> Asset:
    """List the unknown token on the chain."""
    with db.transaction() as session:
        session.execute(
            text("insert into ledger.asset (code, name, decimals) values (:code, :code, :n)"),
            {"code": code, "n": decimals},
        )
        session.execute(
            text(
                "insert into chain_asset (chain, asset, contract, decimals)"
                " values (:chain, :code, :token, :n)"
            ),
            {"chain": CHAIN, "code": code, "token": TOKEN, "n": decimals},
        )
    return Asset(code, decimals)


def doors() -> Doors:
    """The real doors, as the routes open them."""
    from gateway.inbox.routes import DOORS

    assert DOORS.adopt is adopt
    return DOORS


def assign(item: str, account: str | None = None, by: str = OPERATOR) -> Item:
    with db.transaction() as session:
        return decide.assign(
            session, item, account_id=account, by=by, reason="theirs", doors=doors()
        )


def dismiss(item: str, reason: str = "rubbish", by: str = OPERATOR) -> Item:
    with db.transaction() as session:
        return decide.dismiss(session, item, by=by, reason=reason)


def item(item_id: str | None) -> Item:
    assert item_id is not None
    with db.transaction() as session:
        return service.get(session, item_id)


def decisions(item_id: str) -> list[tuple[str, str]]:
    """Return what was decided about an item and by whom, oldest first."""
    with db.transaction() as session:
        rows = session.query(Decision).filter_by(item_id=item_id).order_by(Decision.id)
        return [(row.decision, row.decided_by) for row in rows]


def deposits() -> list[Deposit]:
    with db.transaction() as session:
        return session.query(Deposit).order_by(Deposit.id).all()


def orphan_above(number: int) -> int:
    with db.transaction() as session:
        return service.orphan_above(session, CHAIN, number)


def refusal(call: Callable[..., object], *arguments: object, **named: object) -> GatewayError:
    """Return how a call is refused; fails when it is not."""
    with pytest.raises(GatewayError) as caught:
        call(*arguments, **named)
    return caught.value


def available(account: str, asset: Asset = USDC) -> int:
    with db.transaction() as session:
        return ledger.balance(session, account, asset).available.units


def owed_to_nobody(asset: Asset = ETH) -> int:
    with db.transaction() as session:
        return ledger.house_balance(session, Chart.UNATTRIBUTED, asset, None).units


def told() -> list[str]:
    """Return the inbox's events, in order."""
    with db.transaction() as session:
        rows = session.execute(
            text("select type from event where type like 'inbox.%' order by seq")
        )
        return [row.type.removeprefix("inbox.") for row in rows]
