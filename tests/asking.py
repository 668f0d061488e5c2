"""A small world for invoices: one chain with two assets, a merchant, payments told by hand."""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.accounts.store import Account
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts
from gateway.ledger import service as ledger
from gateway.money import Money

CHAIN = "eip155:31337"
OTHER = "eip155:1337"
USDC_CONTRACT = bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3")


def add_chain(session: Session, chain: str = CHAIN, name: str = "Mizan Devnet") -> None:
    """Write the rows of a chain with USDC (6 decimals) and ETH (18)."""
    session.execute(
        text(
            "insert into ledger.asset (code, name, decimals) values ('USDC', 'USD Coin', 6),"
            " ('ETH', 'Ether', 18), ('XYZ', 'Unpriced', 18) on conflict do nothing"
        )
    )
    session.execute(
        text(
            "insert into chain (id, chain_id, name, confirmations, block_seconds, start_block,"
            " vault_factory, payout_vault, treasury, explorer_url)"
            " values (:id, :number, :name, 3, 1, 0, :a, :b, :c, null) on conflict do nothing"
        ),
        {
            "id": chain,
            "number": int(chain.partition(":")[2]),
            "name": name,
            "a": b"\1" * 20,
            "b": b"\2" * 20,
            "c": b"\3" * 20,
        },
    )
    session.execute(
        text(
            "insert into chain_asset (chain, asset, contract, decimals) values"
            " (:chain, 'USDC', :usdc, 6), (:chain, 'ETH', null, 18), (:chain, 'XYZ', :xyz, 18)"
            " on conflict do nothing"
        ),
        {"chain": chain, "usdc": USDC_CONTRACT, "xyz": b"\4" * 20},
    )
    read_up_to_now(session, chain)


def read_up_to_now(session: Session, chain: str = CHAIN, age: str = "-1 hour") -> None:
    """Have the watcher's cursor at a block of this age; the default is for tests that take long."""
    session.execute(
        text(
            "insert into watch_cursor (chain, number, hash, block_time)"
            " values (:chain, 0, :hash, now() - cast(:age as interval))"
            " on conflict (chain) do update set block_time = excluded.block_time"
        ),
        {"chain": chain, "hash": b"\0" * 32, "age": age},
    )


def merchant(session: Session, handle: str = "falafel-corner") -> Account:
    """Open a merchant."""
    return accounts.open_account(session, handle=handle, kind="merchant")


def asked(session: Session, account: Account, amount: str = "12.50", **order: Any) -> Facts:
    """Open an invoice in USD unless the order names another currency."""
    price = invoices.price(session, amount, order.pop("currency", "USD"))
    order_of = invoices.Order(price=price, **order)
    return invoices.open_invoice(session, account_id=account.id, order=order_of)[0]


def pay(
    session: Session,
    facts: Facts,
    amount: str,
    status: str = "credited",
    *,
    asset: str = "USDC",
    deposit: str = "dep_1",
    seen_at: datetime | None = None,
    block_number: int = 10,
) -> Facts:
    """Tell the invoice of a deposit, and return what is true of it then."""
    money = Money.parse(amount, ledger.asset(session, asset))
    invoices.payment_changed(
        session,
        invoice_id=facts.invoice.id,
        deposit_id=deposit,
        chain=CHAIN,
        asset=asset,
        amount=money,
        status=status,
        tx_hash=(deposit.encode() * 32)[:32],
        from_address=secrets.token_bytes(20),
        block_number=block_number,
        seen_at=seen_at or datetime.now(UTC),
        details={"id": deposit, "status": status, "amount": amount, "asset": asset},
    )
    return invoices.get(session, facts.invoice.id)


def told(session: Session, facts: Facts) -> list[str]:
    """Return the events of an invoice, in order."""
    query = text("select type from event where object_id = :id order by seq")
    return list(session.scalars(query, {"id": facts.invoice.id}))
