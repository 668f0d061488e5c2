"""The tables of blocks, cursors, deposits and their sightings."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.chain.port import Header
from gateway.deposits import rules

HANGS_MILLISECONDS = 2000
"""A transaction of the watcher that is silent for so long is ended by the server: the locks of a
machine that hangs would keep the next holder of the lease from its work."""
ADVANCE = text("""
    update watch_cursor set number = :number, hash = :hash, block_time = :time,
        seen_at = now(), node_head = :head, away_since = null, halted_since = null,
        safe = greatest(safe, cast(:safe as bigint)),
        finalized = greatest(finalized, cast(:finalized as bigint)),
        finalized_hash = (
            select b.hash from block b where b.chain = :chain and b.canonical
                and b.number = greatest(finalized, cast(:finalized as bigint)))
    where chain = :chain and number = :old and hash is not distinct from :old_hash
    returning set_config('idle_in_transaction_session_timeout', cast(:patience as text), true)
""")
KEEP_BLOCKS = text("""
    insert into block (chain, hash, number, parent_hash, time)
    select :chain, * from unnest(cast(:hashes as bytea[]), cast(:numbers as bigint[]),
        cast(:parents as bytea[]), cast(:times as timestamptz[]))
    on conflict (chain, hash) do update set canonical = true, seen_at = now()
""")


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
    finality: Mapped[str]
    required: Mapped[int | None]
    blocked: Mapped[bool] = mapped_column(default=False)
    credited_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")

    @property
    def rule(self) -> rules.Rule:
        """Return when it counts."""
        return rules.Rule(self.finality, self.required)


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
    safe: Mapped[int | None]
    finalized: Mapped[int | None]
    finalized_hash: Mapped[bytes | None]
    index_epoch: Mapped[int] = mapped_column(server_default="0")


class FinalityTier(db.Base):
    """The rule of an asset's deposits from an amount on."""

    __tablename__ = "finality_tier"

    chain: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    from_amount: Mapped[Decimal] = mapped_column(primary_key=True)
    rule: Mapped[str]
    blocks: Mapped[int | None]


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
        text("select from watch_cursor where chain = :chain for no key update"), {"chain": chain}
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


def heights(session: Session, chain: str) -> rules.Heights:
    """Return how far the chain is as recorded: the cursor, and the tags the node told."""
    row = session.execute(
        text("select number, safe, finalized from watch_cursor where chain = :chain"),
        {"chain": chain},
    ).one()
    return rules.Heights(row.number, row.safe, row.finalized)


def advance(
    session: Session,
    chain: str,
    before: tuple[int, bytes | None],
    block: Header,
    heights: rules.Heights,
) -> bool:
    """Move the cursor from `before` to `block`; False when it stands elsewhere.

    `heights` are the node's as it told this block. What it once called safe or final stays so.
    """
    moved = session.execute(
        ADVANCE,
        {
            "chain": chain,
            "number": block.number,
            "hash": block.hash,
            "time": block.time,
            "head": heights.head,
            "safe": heights.safe,
            "finalized": heights.finalized,
            "old": before[0],
            "old_hash": before[1],
            "patience": HANGS_MILLISECONDS,
        },
    ).one_or_none()
    return moved is not None


def keep_blocks(session: Session, chain: str, blocks: Sequence[Header]) -> None:
    """Write accepted blocks; one that comes back after a reorganisation is canonical again."""
    session.execute(
        KEEP_BLOCKS,
        {
            "chain": chain,
            "hashes": [block.hash for block in blocks],
            "numbers": [block.number for block in blocks],
            "parents": [block.parent_hash for block in blocks],
            "times": [block.time for block in blocks],
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


def waiting(session: Session, chain: str) -> list[rules.Waiting]:
    """Return the chain's confirming deposits, and what each waits for."""
    rows = session.execute(
        text(
            "select id, block_number, finality, required from deposit"
            " where chain = :chain and status = 'confirming'"
        ),
        {"chain": chain},
    )
    return [
        rules.Waiting(one, block, rules.Rule(finality, required))
        for one, block, finality, required in rows
    ]
