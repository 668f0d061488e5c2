"""The tables of blocks, cursors, deposits and their sightings."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.chain.port import Header
from gateway.deposits import rules


class Deposit(db.Base):
    """A payment to one of our addresses; block, amount and sender are of its latest sighting."""

    __tablename__ = "deposit"

    id: Mapped[str] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(ForeignKey("chain.id"))
    tx_hash: Mapped[bytes]
    kind: Mapped[str]
    position: Mapped[str]
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    invoice_id: Mapped[str | None]
    address: Mapped[bytes]
    from_address: Mapped[bytes]
    asset: Mapped[str]
    amount: Mapped[Decimal]
    block_number: Mapped[int]
    block_hash: Mapped[bytes]
    block_time: Mapped[datetime]
    log_index: Mapped[int | None]
    status: Mapped[str]
    epoch: Mapped[int] = mapped_column(default=1)
    credited_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class Cursor(db.Base):
    """How far a chain is read: start_block - 1 and no hash before the first block."""

    __tablename__ = "watch_cursor"

    chain: Mapped[str] = mapped_column(ForeignKey("chain.id"), primary_key=True)
    number: Mapped[int]
    hash: Mapped[bytes | None]
    block_time: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    node_head: Mapped[int | None]
    away_since: Mapped[datetime | None]
    halted_since: Mapped[datetime | None]


def cursor_of(session: Session, chain: str, start_block: int) -> Cursor:
    """Return the chain's cursor as it stands in the table now, made on first use."""
    session.execute(
        text(
            "insert into watch_cursor (chain, number) values (:chain, :number)"
            " on conflict (chain) do nothing"
        ),
        {"chain": chain, "number": start_block - 1},
    )
    return session.get_one(Cursor, chain, populate_existing=True)


def lock_cursor(session: Session, chain: str) -> None:
    """Keep the cursor where it is until the transaction ends."""
    session.execute(
        text("select from watch_cursor where chain = :chain for share"), {"chain": chain}
    )


def canonical_hash(session: Session, chain: str, number: int) -> bytes | None:
    """Return the hash of our chain's block at this height; the parent of our first one counts."""
    found = session.execute(
        text(
            "select hash from block where chain = :chain and number = :number and canonical"
            " union all select parent_hash from block"
            " where chain = :chain and number = :number + 1 and canonical limit 1"
        ),
        {"chain": chain, "number": number},
    ).scalar_one_or_none()
    return None if found is None else bytes(found)


def advance(
    session: Session, chain: str, before: tuple[int, bytes | None], block: Header, node_head: int
) -> bool:
    """Move the cursor from `before` to `block`; False when it stands elsewhere."""
    moved = session.execute(
        text(
            "update watch_cursor set number = :number, hash = :hash, block_time = :time,"
            " seen_at = now(), node_head = :head, away_since = null, halted_since = null"
            " where chain = :chain and number = :old and hash is not distinct from :old_hash"
            " returning chain"
        ),
        {
            "chain": chain,
            "number": block.number,
            "hash": block.hash,
            "time": block.time,
            "head": node_head,
            "old": before[0],
            "old_hash": before[1],
        },
    ).one_or_none()
    return moved is not None


def keep_block(session: Session, chain: str, block: Header) -> None:
    """Write an accepted block; one that comes back after a reorganisation is canonical again."""
    session.execute(
        text(
            "insert into block (chain, hash, number, parent_hash, time)"
            " values (:chain, :hash, :number, :parent, :time)"
            " on conflict (chain, hash) do update set canonical = true, seen_at = now()"
        ),
        {
            "chain": chain,
            "hash": block.hash,
            "number": block.number,
            "parent": block.parent_hash,
            "time": block.time,
        },
    )


def keep_sighting(session: Session, deposit: Deposit) -> None:
    """Write that the deposit stands in the block it names."""
    session.execute(
        text(
            "insert into sighting (deposit_id, chain, block_hash, log_index, amount)"
            " values (:deposit, :chain, :hash, :log_index, :amount)"
            " on conflict (deposit_id, block_hash) do update set canonical = true,"
            " log_index = excluded.log_index, amount = excluded.amount, seen_at = now()"
        ),
        {
            "deposit": deposit.id,
            "chain": deposit.chain,
            "hash": deposit.block_hash,
            "log_index": deposit.log_index,
            "amount": deposit.amount,
        },
    )


def orphan_above(session: Session, chain: str, number: int) -> list[Deposit]:
    """Mark the blocks above a height and what was seen in them; return the deposits hit, locked."""
    session.execute(
        text(
            "update sighting s set canonical = false from block b where b.chain = :chain"
            " and b.number > :number and b.canonical and s.chain = b.chain"
            " and s.block_hash = b.hash and s.canonical"
        ),
        {"chain": chain, "number": number},
    )
    session.execute(
        text(
            "update block set canonical = false"
            " where chain = :chain and number > :number and canonical"
        ),
        {"chain": chain, "number": number},
    )
    query = select(Deposit).where(
        Deposit.chain == chain,
        Deposit.block_number > number,
        Deposit.status.in_((rules.CONFIRMING, rules.CREDITED)),
    )
    return list(session.scalars(query.order_by(Deposit.id).with_for_update()))


def waiting(session: Session, chain: str) -> list[tuple[str, int]]:
    """Return the chain's confirming deposits, each with its block's number."""
    rows = session.execute(
        text("select id, block_number from deposit where chain = :chain and status = 'confirming'"),
        {"chain": chain},
    )
    return [(row.id, row.block_number) for row in rows]
