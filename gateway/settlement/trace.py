""" "Where is my money?": everything a transaction did here, or why it did nothing."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain.address import show_address
from gateway.chain.port import Node, NodeAway, NodeError, Receipt, Transaction
from gateway.chain.store import Chain
from gateway.deposits import service as deposits
from gateway.deposits.store import Cursor, Deposit
from gateway.errors import DependencyAway
from gateway.inbox import store as inbox
from gateway.inbox.shapes import shapes
from gateway.ledger.chart import Movement
from gateway.money import Asset, Money
from gateway.settlement.reconciliation import node_of
from gateway.settlement.shapes import Trace, TraceEntry
from gateway.withdrawals import service as withdrawals
from gateway.withdrawals.store import Withdrawal

# keccak256("Transfer(address,address,uint256)"), ERC-20
TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
ROWS_MAX = 500
REASONS_MAX = 5
INTERNAL = {"decided_by", "decisions"}

# Any attempt's hash leads to its transaction: one that was replaced is still a good question.
OWN = text("""
    select t.intent_id, t.state, t.tx_hash, t.block_number, i.chain, i.kind
    from attempt a join transaction t on t.id = a.transaction_id
    join intent i on i.id = t.intent_id where a.hash = :hash
""")
SWEEPS = text("""
    select i.*, s.decimals from sweep_item i join ledger.asset s on s.code = i.asset
    where i.intent_id = :intent order by i.address limit :limit
""")
ENTRIES = text("""
    select a.owner, a.code as place, t.code, s.code as asset, s.decimals, e.amount, t.ref,
        t.created_at, t.chain, t.block_number
    from ledger.transfer t join ledger.entry e on e.transfer_id = t.id
    join ledger.account a on a.id = e.account_id join ledger.asset s on s.id = a.asset_id
    where t.tx_hash = :hash and (cast(:owner as text) is null or a.owner = :owner)
    order by t.created_at, t.id, e.amount limit :limit
""")
OURS = text("""
    select account_id, address from address where chain = :chain and address = any(:addresses)
        and (cast(:owner as text) is null or account_id = :owner)
""")


def trace(session: Session, tx_hash: bytes, *, owner: str | None) -> Trace:
    """Return what a transaction did, as far as `owner` may see it (None sees all)."""
    own = session.execute(OWN, {"hash": tx_hash}).one_or_none()
    found = Trace(
        tx_hash=f"0x{tx_hash.hex()}",
        found=False,
        chain=None,
        block_number=None,
        deposits=deposits_of(session, tx_hash, owner),
        withdrawals=withdrawals_of(session, tx_hash, own.intent_id if own else None, owner),
        sweeps=sweeps_of(session, own) if own and owner is None else [],
        inbox=inbox_of(session, tx_hash, owner),
        entries=entries_of(session, tx_hash, owner),
        explanation="",
    )
    if found.deposits or found.withdrawals or found.sweeps or found.inbox or found.entries:
        return placed(session, found, tx_hash, own)
    chain, block, reason = why_nothing(session, tx_hash, owner)
    return found.model_copy(update={"chain": chain, "block_number": block, "explanation": reason})


def deposits_of(session: Session, tx_hash: bytes, owner: str | None) -> list[dict[str, Any]]:
    """Show the deposits of a transaction."""
    query = select(Deposit).where(Deposit.tx_hash == tx_hash).order_by(Deposit.id).limit(ROWS_MAX)
    if owner is not None:
        query = query.where(Deposit.account_id == owner)
    rows = list(session.scalars(query))
    return [shape.model_dump(mode="json") for shape in deposits.shapes(session, rows)]


def withdrawals_of(
    session: Session, tx_hash: bytes, intent_id: str | None, owner: str | None
) -> list[dict[str, Any]]:
    """Show the withdrawals a transaction carries, or would have carried."""
    wanted = Withdrawal.tx_hash == tx_hash
    if intent_id is not None:
        wanted = wanted | (Withdrawal.intent_id == intent_id)
    query = select(Withdrawal).where(wanted).order_by(Withdrawal.id).limit(ROWS_MAX)
    if owner is not None:
        query = query.where(Withdrawal.account_id == owner)
    rows = session.scalars(query)
    return [withdrawals.shape(session, row).model_dump(mode="json") for row in rows]


def sweeps_of(session: Session, own: Any) -> list[dict[str, Any]]:
    """Show the vaults a transaction of ours swept."""
    rows = session.execute(SWEEPS, {"intent": own.intent_id, "limit": ROWS_MAX})
    return [
        {
            "chain": row.chain,
            "asset": row.asset,
            "address": show_address(bytes(row.address)),
            "expected": str(Money(int(row.expected), Asset(row.asset, row.decimals))),
            "swept": (
                None
                if row.swept is None
                else str(Money(int(row.swept), Asset(row.asset, row.decimals)))
            ),
            "failed": row.failed,
            "status": own.state,
        }
        for row in rows
    ]


def inbox_of(session: Session, tx_hash: bytes, owner: str | None) -> list[dict[str, Any]]:
    """Show what of a transaction waits for an operator, to its owner without who decides."""
    blocks = inbox.of_transaction(session, tx_hash, ROWS_MAX)
    rows = [row for row in inbox.named(session, list(blocks)) if owner in (None, row.account_id)]
    hidden = None if owner is None else INTERNAL
    return [
        one.model_dump(mode="json", exclude=hidden) | {"block_number": blocks[one.id]}
        for one in shapes(session, rows)
    ]


def entries_of(session: Session, tx_hash: bytes, owner: str | None) -> list[TraceEntry]:
    """Show the ledger entries a transaction caused."""
    rows = session.execute(ENTRIES, {"hash": tx_hash, "owner": owner, "limit": ROWS_MAX})
    return [
        TraceEntry(
            account=row.owner,
            place=row.place,
            type=Movement(row.code).name.lower(),
            asset=row.asset,
            amount=str(Money(int(row.amount), Asset(row.asset, row.decimals))),
            ref=row.ref,
            created_at=row.created_at,
        )
        for row in rows
    ]


def placed(session: Session, found: Trace, tx_hash: bytes, own: Any) -> Trace:
    """Say where the transaction stands and how its money fared."""
    fact = session.execute(
        text("select chain, block_number from ledger.transfer where tx_hash = :hash limit 1"),
        {"hash": tx_hash},
    ).one_or_none()
    shown = [*found.deposits, *found.withdrawals, *found.inbox]
    chain = own.chain if own else fact.chain if fact else shown[0]["chain"]
    block = own.block_number if own else fact.block_number if fact else shown[0]["block_number"]
    parts = [
        f"{len(rows)} {name}: {', '.join(sorted({str(row['status']) for row in rows}))}"
        for name, rows in (
            ("deposits", found.deposits),
            ("withdrawals", found.withdrawals),
            ("sweeps", found.sweeps),
        )
        if rows
    ]
    waiting = {f"in the inbox ({one['status']}): {one['detail']}" for one in found.inbox}
    parts += sorted(waiting)[:REASONS_MAX]
    if own and own.tx_hash is not None and bytes(own.tx_hash) != tx_hash:
        parts.append(f"this attempt was replaced by 0x{bytes(own.tx_hash).hex()}")
    reason = "; ".join(parts) or "ledger entries only"
    return found.model_copy(
        update={"found": True, "chain": chain, "block_number": block, "explanation": reason}
    )


def why_nothing(
    session: Session, tx_hash: bytes, owner: str | None
) -> tuple[str | None, int | None, str]:
    """Ask the nodes why we have nothing: chain, block and reason. A node away is a reason too."""
    away = []
    for chain in chains.chains(session):
        try:
            asked = node_of(chain)
            transaction = asked.transaction(tx_hash)
            if transaction is not None:
                block, reason = explain(session, asked, chain, transaction, owner)
                return chain.id, block, reason
        except (NodeAway, NodeError, DependencyAway):
            away.append(chain.id)
    if away:
        return None, None, f"no record of it here, and the node of {', '.join(away)} is away"
    return None, None, "unknown to the node of every chain we serve: not sent, or dropped"


def explain(
    session: Session, asked: Node, chain: Chain, transaction: Transaction, owner: str | None
) -> tuple[int | None, str]:
    """Say why a transaction the node knows did nothing here."""
    receipt = asked.receipt(transaction.hash)
    if receipt is None:
        return None, "pending: in no block yet"
    block = receipt.block_number
    if not receipt.succeeded:
        return block, "it failed on chain: no money moved"
    return block, why_not_ours(session, chain, receipt, transaction, owner)


def why_not_ours(
    session: Session, chain: Chain, receipt: Receipt, transaction: Transaction, owner: str | None
) -> str:
    """Say why a transaction that succeeded did nothing here."""
    block = receipt.block_number
    targets = arrivals(receipt, transaction)
    ours = session.execute(
        OURS, {"chain": chain.id, "addresses": [to for to, _ in targets], "owner": owner}
    )
    mine = {bytes(row.address) for row in ours}
    contracts = {contract for to, contract in targets if to in mine}
    if not mine:
        return "not to us: it pays none of our addresses"
    listed = {asset.contract for asset in chains.chain_assets(session, chain.id)}
    if not contracts & listed:
        tokens = ", ".join(show_address(contract) for contract in contracts if contract)
        return f"the token is not listed here: {tokens or 'the native coin'}"
    return unread(session, chain, block)


def unread(session: Session, chain: Chain, block: int) -> str:
    """Say why what reached our address in this block has no row."""
    cursor = session.get(Cursor, chain.id)
    if cursor is None or block > cursor.number:
        return "in a block we have not read yet; it will appear within seconds"
    if block < chain.start_block:
        return f"in a block before {chain.start_block}, from which we read this chain"
    return "it reached our address and is not recorded: an operator can rescan the block"


def arrivals(receipt: Receipt, transaction: Transaction) -> list[tuple[bytes, bytes | None]]:
    """Return whom the transaction paid in what: (address, token contract; None the native coin)."""
    found: list[tuple[bytes, bytes | None]] = [
        (log.topics[2][12:], log.address)
        for log in receipt.logs
        if len(log.topics) == 3 and log.topics[0] == TRANSFER
    ]
    if transaction.to is not None and transaction.value:
        found.append((transaction.to, None))
    return found
