"""Move money between two accounts of the platform."""

from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.errors import Refused
from gateway.ids import new_id
from gateway.ledger import service as ledger
from gateway.ledger.chart import Movement
from gateway.money import Money
from gateway.transfers.shapes import TransferShape
from gateway.transfers.store import Transfer
from gateway.webhooks import service as webhooks


def send(
    session: Session, *, from_account: str, to: str, asset: str, amount: str, memo: str | None
) -> Transfer:
    """Post a transfer; `to` is an account id or "@handle".

    Raises InsufficientFunds, AccountFrozen, NotFound, InvalidAmount, UnknownAsset, Refused.
    """
    payer = accounts.get_active(session, from_account)
    payee = accounts.get(session, to)
    if payer.id == payee.id:
        raise Refused("an account cannot pay itself", code="same_account", field="to")
    money = Money.parse(amount, ledger.asset(session, asset))
    transfer = Transfer(
        id=new_id("tr"),
        from_account=payer.id,
        to_account=payee.id,
        asset=asset,
        amount=money.units,
        memo=memo,
    )
    session.add(transfer)
    ledger.post(
        session,
        key=f"transfer:{transfer.id}",
        debit=ledger.owned(session, payer.id, money.asset),
        credit=ledger.owned(session, payee.id, money.asset),
        money=money,
        movement=Movement.TRANSFER,
        ref=transfer.id,
    )
    session.refresh(transfer)
    tell(session, transfer, money)
    return transfer


def tell(session: Session, transfer: Transfer, money: Money) -> None:
    """Tell both sides."""
    data = TransferShape.of(transfer, money.asset).model_dump(mode="json", by_alias=True)
    for account_id in (transfer.from_account, transfer.to_account):
        webhooks.emit(
            session,
            type="transfer.posted",
            account_id=account_id,
            object_id=transfer.id,
            data=data,
        )
