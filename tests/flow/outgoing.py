"""A chain without a node, and an account with money: what tests of withdrawals begin with."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.money import Money
from gateway.withdrawals import service
from gateway.withdrawals.store import Withdrawal
from tests.flow.books import CHAIN, ETH, USDC, fund, new_asset

DOLLAR = 10**6
SOMEBODY = bytes.fromhex("000000000000000000000000000000000000beef")
TOKEN, FACTORY, VAULT, TREASURY = (bytes([n] * 20) for n in (0xA1, 0xA2, 0xA3, 0xA4))


def chain_rows(session: Session) -> None:
    """Write a chain with USDC and ETH, where gas costs 1 gwei: 0.15 USDC a payout."""
    for asset in (USDC, ETH):
        if not session.execute(
            text("select 1 from ledger.asset where code = :code"), {"code": asset.code}
        ).first():
            new_asset(session, asset)
    session.execute(
        text(
            "insert into chain (id, chain_id, name, confirmations, block_seconds, start_block,"
            " vault_factory, payout_vault, treasury)"
            " values (:chain, 31337, 'Test', 3, 1, 1, :factory, :vault, :treasury)"
        ),
        {"chain": CHAIN, "factory": FACTORY, "vault": VAULT, "treasury": TREASURY},
    )
    session.execute(
        text(
            "insert into chain_asset (chain, asset, contract, decimals)"
            " values (:chain, 'USDC', :token, 6), (:chain, 'ETH', null, 18)"
        ),
        {"chain": CHAIN, "token": TOKEN},
    )
    session.execute(
        text("insert into fee_level (chain, base_fee, tip) values (:chain, 1000000000, 1)"),
        {"chain": CHAIN},
    )


def rich(session: Session, handle: str = "amira", dollars: int = 100_000) -> str:
    """Open an account that has USDC."""
    account = accounts.open_account(session, handle=handle, kind="person").id
    fund(session, account, dollars * DOLLAR)
    return account


def ask(
    session: Session,
    account: str,
    units: int,
    *,
    to: bytes = SOMEBODY,
    by: str = "key_a",
    refund: str | None = None,
) -> Withdrawal:
    """Ask for a withdrawal of USDC."""
    return service.request(
        session,
        account_id=account,
        asset="USDC",
        chain=CHAIN,
        to_address=to,
        amount=Money(units, USDC),
        requested_by=by,
        refund_id=refund,
    )


def events() -> list[str]:
    """Return the withdrawal events, in order."""
    with db.transaction() as session:
        rows = session.execute(
            text("select type from event where type like 'withdrawal.%' order by seq")
        )
        return [row.type.removeprefix("withdrawal.") for row in rows]
