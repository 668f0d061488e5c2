"""The table of addresses given out."""

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db


class Address(db.Base):
    """A deposit address: of an account, or of one invoice of the account."""

    __tablename__ = "address"

    chain: Mapped[str] = mapped_column(ForeignKey("chain.id"), primary_key=True)
    address: Mapped[bytes] = mapped_column(primary_key=True)
    salt: Mapped[bytes]
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    invoice_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


def find(session: Session, chain: str, address: bytes) -> Address | None:
    """Return the address if it is one of ours on this chain."""
    return session.get(Address, (chain, address))


def keep(
    session: Session,
    *,
    chain: str,
    address: bytes,
    salt: bytes,
    account_id: str,
    invoice_id: str | None,
) -> Address:
    """Insert the address unless it is there, and return it."""
    session.execute(
        insert(Address)
        .values(
            chain=chain, address=address, salt=salt, account_id=account_id, invoice_id=invoice_id
        )
        .on_conflict_do_nothing()
    )
    query = select(Address).where(Address.chain == chain, Address.address == address)
    return session.scalars(query).one()
