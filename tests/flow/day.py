"""A merchant's business in rows: deposits, withdrawals, transfers, dated as a test wants."""

from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.ids import new_id
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.transfers import service as transfers
from tests.flow.books import CHAIN, ETH, USDC

CONFIRMATIONS = 3
SOME_ADDRESS = bytes(range(20))

DEPOSIT = text("""
    insert into deposit (id, chain, tx_hash, kind, position, account_id, invoice_id, address,
        from_address, asset, amount, block_number, block_hash, block_time, log_index, status,
        credited_at, finality, required)
    values (:id, :chain, :tx, 'erc20', '0', :account, :invoice, :address, :address, :asset,
        :units, :block, :hash, now(), 7, 'credited', now(), 'blocks', 3)
""")
SIGHTING = text("""
    insert into sighting (deposit_id, chain, block_hash, log_index, amount)
    select :id, chain, hash, 7, :units from block where number = :block
""")
WITHDRAWAL = text("""
    insert into withdrawal (id, account_id, chain, asset, to_address, amount, fee, status,
        requested_by, refund_id, tx_hash)
    values (:id, :account, :chain, 'USDC', :to, :units, :fee, :status, 'key', :refund, :tx)
""")


def open_shop(handle: str = "shop", kind: str = "merchant") -> str:
    with db.transaction() as session:
        return accounts.open_account(session, handle=handle, kind=kind).id


def open_chain(*, contract: bytes = b"\x01" * 20, vault: bytes = b"\x02" * 20) -> None:
    with db.transaction() as session:
        for asset in (ETH, USDC):
            session.execute(
                text(
                    "insert into ledger.asset (code, name, decimals) values (:code, :code, :n)"
                    " on conflict do nothing"
                ),
                {"code": asset.code, "n": asset.decimals},
            )
        session.execute(
            text(
                "insert into chain (id, chain_id, name, confirmations, block_seconds, start_block,"
                " vault_factory, payout_vault, treasury) values (:id, 31337, 'test', :n, 1, 1,"
                " :vault, :vault, :vault)"
            ),
            {"id": CHAIN, "n": CONFIRMATIONS, "vault": vault},
        )
        session.execute(
            text(
                "insert into chain_asset (chain, asset, contract, decimals) values"
                " (:chain, 'ETH', null, 18), (:chain, 'USDC', :contract, 6)"
            ),
            {"chain": CHAIN, "contract": contract},
        )


def tx(name: str) -> bytes:
    return sha256(name.encode()).digest()


def own_address(session: Session, account: str, address: bytes | None = None) -> bytes:
    found = address or sha256(account.encode()).digest()[:20]
    session.execute(
        text(
            "insert into address (chain, address, salt, account_id)"
            " values (:chain, :address, :salt, :account) on conflict do nothing"
        ),
        {"chain": CHAIN, "address": found, "salt": tx(account), "account": account},
    )
    return found


def read_to(number: int, time: datetime, hashes: dict[int, bytes] | None = None) -> None:
    """Let the watcher have read blocks 1 to `number`, the last one mined at `time`."""
    with db.transaction() as session:
        for height in range(1, number + 1):
            digest = (hashes or {}).get(height, tx(f"block {height}"))
            session.execute(
                text(
                    "insert into block (chain, hash, number, parent_hash, time) values"
                    " (:chain, :hash, :number, :hash, :time) on conflict do nothing"
                ),
                {
                    "chain": CHAIN,
                    "hash": digest,
                    "number": height,
                    "time": time - timedelta(seconds=number - height),
                },
            )
        session.execute(
            text(
                "insert into watch_cursor (chain, number, hash, block_time, seen_at) values"
                " (:chain, :number, :hash, :time, now()) on conflict (chain) do update"
                " set number = excluded.number, hash = excluded.hash"
            ),
            {"chain": CHAIN, "number": number, "hash": digest, "time": time},
        )


def deposit(
    account: str, units: int, *, block: int = 1, invoice: str | None = None, asset: str = "USDC"
) -> str:
    deposit_id = new_id("dep")
    with db.transaction() as session:
        money = ledger.asset(session, asset)
        facts = {
            "id": deposit_id,
            "chain": CHAIN,
            "tx": tx(deposit_id),
            "account": account,
            "invoice": invoice,
            "address": own_address(session, account),
            "asset": asset,
            "units": units,
            "block": block,
            "hash": tx(f"block {block}"),
        }
        session.execute(DEPOSIT, facts)
        session.execute(SIGHTING, facts)
        ledger.post(
            session,
            key=f"deposit:{deposit_id}:1",
            debit=ledger.house(session, Chart.UNSWEPT, money, CHAIN),
            credit=ledger.owned(session, account, money),
            money=Money(units, money),
            movement=Movement.DEPOSIT,
            ref=deposit_id,
            evidence=ledger.Evidence(CHAIN, block, tx(deposit_id)),
        )
    return deposit_id


def withdraw(
    account: str, units: int, fee: int, *, paid: bool = True, refund: str | None = None
) -> str:
    withdrawal_id = new_id("wd")
    with db.transaction() as session:
        facts = {
            "id": withdrawal_id,
            "account": account,
            "chain": CHAIN,
            "to": SOME_ADDRESS,
            "units": units,
            "fee": fee,
            "status": "confirmed" if paid else "approved",
            "refund": refund,
            "tx": tx(withdrawal_id) if paid else None,
        }
        session.execute(WITHDRAWAL, facts)
        hot = ledger.house(session, Chart.HOT, USDC, CHAIN)
        fees = ledger.house(session, Chart.FEES, USDC, None)
        payer = ledger.owned(session, account, USDC)
        for key, amount, place, movement in (
            (f"{withdrawal_id}:amount", units, hot, Movement.WITHDRAWAL),
            (f"{withdrawal_id}:fee", fee, fees, Movement.WITHDRAWAL_FEE),
        ):
            held = ledger.hold(
                session,
                key=key,
                debit=payer,
                credit=place,
                money=Money(amount, USDC),
                movement=movement,
                ref=withdrawal_id,
            )
            if paid:
                capture(session, f"{key}:captured", held, movement, withdrawal_id)
    return withdrawal_id


def capture(session: Session, key: str, held: UUID, movement: Movement, withdrawal: str) -> None:
    """Take what is held for a withdrawal that was mined."""
    ledger.capture(
        session,
        key=key,
        hold_id=held,
        movement=movement,
        ref=withdrawal,
        evidence=ledger.Evidence(CHAIN, 2, tx(withdrawal)),
    )


def transfer(payer: str, payee: str, amount: str) -> str:
    with db.transaction() as session:
        return transfers.send(
            session, from_account=payer, to=payee, asset="USDC", amount=amount, memo=None
        ).id


def invoice_for(account: str, order: str, *, rate: str = "1.0025") -> str:
    invoice_id = new_id("inv")
    with db.transaction() as session:
        session.execute(
            text(
                "insert into invoice (id, account_id, order_id, request_hash, currency, amount,"
                " expires_at) values (:id, :account, :order, '', 'USD', 1000, now())"
            ),
            {"id": invoice_id, "account": account, "order": order},
        )
        session.execute(
            text(
                "insert into invoice_option (invoice_id, position, chain, asset, address, amount,"
                " places, rate, rate_source, rate_at) values (:id, 0, :chain, 'USDC', :address,"
                " 1, 2, :rate, 'test', now())"
            ),
            {"id": invoice_id, "chain": CHAIN, "address": SOME_ADDRESS, "rate": Decimal(rate)},
        )
    return invoice_id


def date_all(ref: str, moment: datetime) -> None:
    """Let the ledger have posted an object's movements at another time."""
    with db.transaction() as session:
        session.execute(text("alter table ledger.transfer disable trigger append_only"))
        session.execute(
            text("update ledger.transfer set created_at = :moment where ref = :ref"),
            {"moment": moment, "ref": ref},
        )
        session.execute(text("alter table ledger.transfer enable trigger append_only"))
