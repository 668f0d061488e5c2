"""Sweeps: final deposits go to the payout vault up to its target, the rest to the treasury.

A vault with a deposit that is still confirming waits: a sweep takes all its coins along.
"""

from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import evm, vaults
from gateway.chain import store as chains
from gateway.chain.address import show_address
from gateway.chain.port import Node, NodeAway, NodeError, Receipt
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.money import Asset, Money
from gateway.sending import follow as following
from gateway.sending import rules, sweeps
from gateway.sending import service as sending
from gateway.sending.follow import Open
from gateway.sending.store import Signer
from gateway.sending.sweeps import Booked, Content
from gateway.webhooks.alarms import raise_alarm
from workers.app import worker_task
from workers.follow import Kind, alarm, alarm_of, follow

RETRY_SECONDS = 600

CONTENTS = text("""
    select c.address, a.salt, c.units - coalesce(s.units, 0) as unswept
    from (select address, sum(amount) as units from deposit
          where chain = :chain and asset = :asset and status = 'credited' group by address) c
    join address a on a.chain = :chain and a.address = c.address
    left join (select address, sum(swept) as units from sweep_item
               where chain = :chain and asset = :asset group by address) s
        on s.address = c.address
    where c.units > coalesce(s.units, 0)
        and not exists (select from deposit d where d.chain = :chain and d.address = c.address
                        and d.status = 'confirming')
        and not exists (select from sweep_item i join intent n on n.id = i.intent_id
                        where i.chain = :chain and i.address = c.address
                        and (n.status in ('planned', 'signed') or (i.asset = :asset and i.failed
                            and i.created_at > now() - make_interval(secs => :retry))))
    order by unswept desc limit :most
""")
# `before` leaves out the sweep's own block, in which a deposit may have come after the sweep.
CREDITED = text("""
    select coalesce(sum(amount), 0) - booked.units as units,
        coalesce(sum(amount) filter (where block_number < :block), 0) - booked.units as before
    from (select coalesce(sum(swept), 0) as units from sweep_item
          where chain = :chain and asset = :asset and address = :address) booked
    left join deposit on chain = :chain and asset = :asset and address = :address
        and status = 'credited' and block_number <= :block
    group by booked.units
""")
# Deposits the sweep may have taken along are all known once the watcher has read its block.
UNDECIDED = text("""
    select not exists (select from watch_cursor where chain = :chain and number >= :block)
        or exists (select from deposit where chain = :chain and asset = :asset
            and address = :address and status = 'confirming' and block_number <= :block)
""")
DEMAND = text("""
    select coalesce(sum(amount), 0) from withdrawal
    where chain = :chain and asset = :asset and status = 'approved' and intent_id is null
""")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """An asset on a chain whose vaults are to be swept, and the signer who would sign it."""

    place: Chain
    listed: ChainAsset
    asset: Asset
    signer: Signer


@worker_task()
def sweep(chain_id: str) -> None:
    """Do whatever sweeps of the chain need now."""
    tick(chain_id, evm.node(chain_id))


def tick(chain_id: str, node: Node) -> None:
    """Do one round: follow what is signed, then plan for each asset."""
    tell(chain_id)
    with db.transaction() as session:
        place = chains.chain(session, chain_id)
        listed = chains.chain_assets(session, chain_id)
    try:
        follow(place, node, Kind("sweep", lambda *_: None, end))
        for asset in listed:
            plan(place, asset, node)
    except NodeAway as error:
        log.warning("node.away", chain=chain_id, error=error.detail)


def tell(chain_id: str) -> None:
    """Tell what the signer refused, and take back plans it never came to."""
    query = text(
        "select id, refusal from intent"
        " where chain = :chain and kind = 'sweep' and status = 'refused'"
    )
    with db.transaction() as session:
        refused = session.execute(query, {"chain": chain_id}).all()
        stale = sending.stale(session, chain_id, "sweep")
    for row in refused:
        alarm("signer_refused", row.id, f"the signer refused a sweep: {row.refusal}")
    for intent_id in stale:
        with db.transaction() as session:
            sending.take_back(session, intent_id)


def plan(place: Chain, listed: ChainAsset, node: Node) -> None:
    """Plan one sweep of an asset, if a signer is free and vaults hold some. Raises NodeAway."""
    with db.transaction() as session:
        signer = sending.idle_signer(session, place.id, "sweep")
        contents = held(session, place.id, listed.asset)
        asset = ledger.asset(session, listed.asset)
        wanted = target(session, listed)
    if signer is None or not contents:
        return
    job = Job(place, listed, asset, signer)
    try:
        sending.check_account(node, signer)
    except sending.Trouble as trouble:
        alarm_of(trouble, signer.id)
        return
    to, chosen = destination(job, node, contents, wanted)
    proposed = propose(job, node, to, chosen)
    if proposed is not None:
        write(job, to, *proposed)


def held(session: Session, chain: str, asset: str) -> list[Content]:
    """Return the vaults with credited coins that no sweep has taken, the fullest first."""
    rows = session.execute(
        CONTENTS,
        {"chain": chain, "asset": asset, "retry": RETRY_SECONDS, "most": rules.BATCH_MAX},
    )
    return [Content(bytes(row.address), bytes(row.salt), int(row.unswept)) for row in rows]


def target(session: Session, listed: ChainAsset) -> int:
    """Return what the payout vault should hold: its target, and what waits for funds."""
    place = {"chain": listed.chain, "asset": listed.asset}
    return int(listed.hot_target) + int(session.execute(DEMAND, place).scalar_one())


def destination(
    job: Job, node: Node, contents: list[Content], wanted: int
) -> tuple[bytes, list[Content]]:
    """Return where to, and which vaults: what the payout vault lacks, else all to the treasury."""
    place, listed, asset = job.place, job.listed, job.asset
    vault, token = place.payout_vault, listed.contract
    units = node.balance(vault) if token is None else node.token_balance(token, vault)
    lacking = wanted - listed.to_ledger(units, asset).units
    if lacking <= 0:
        return place.treasury, contents
    chosen = []
    for content in contents:
        if lacking > 0:
            chosen.append(content)
            lacking -= content.unswept
    return vault, chosen


def propose(
    job: Job, node: Node, to: bytes, contents: list[Content]
) -> tuple[list[Content], sending.Proposal] | None:
    """Estimate, halving the batch until one transaction can carry it; None: not now."""
    place, listed = job.place, job.listed
    level = sending.ask_fees(node)
    fees = rules.fees(int(level.base_fee), int(level.tip))
    while True:
        salts = sorted(content.salt for content in contents)
        data = vaults.sweep_call(listed.contract, to, salts)
        try:
            estimate = node.estimate_gas(
                sender=job.signer.address, to=place.vault_factory, data=data
            )
        except NodeError as error:
            alarm("sweep_not_accepted", f"{place.id} {listed.asset}", error.message[:500])
            return None
        gas = rules.gas_limit(estimate)
        if gas is not None or len(contents) == 1:
            break
        contents = contents[: len(contents) // 2]
    if rules.refusal_of_fees(gas=gas or 0, tip=fees.tip, cap=fees.cap) is not None:
        log.warning("sweep.put_off", chain=place.id, cap=fees.cap)
        return None
    return contents, sending.Proposal(gas=gas or 0, fees=fees)


def write(job: Job, to: bytes, contents: list[Content], proposal: sending.Proposal) -> None:
    """Write the intent and its vaults, unless another round was faster."""
    place, listed = job.place, job.listed
    with db.transaction() as session:
        session.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"sweep {place.id}"},
        )
        if sending.is_busy(session, job.signer.id):
            return
        fresh = set(held(session, place.id, listed.asset))
        if not fresh.issuperset(contents):
            return
        intent = sending.plan(
            session,
            signer=job.signer,
            kind="sweep",
            amount=Money(sum(content.unswept for content in contents), job.asset),
            payload=sweeps.describe(to, [content.salt for content in contents]),
            proposal=proposal,
        )
        sweeps.add_items(session, intent, contents)
    log.info("sweep.planned", intent=intent.id, vaults=len(contents), to=show_address(to))


def end(chain: Chain, item: Open, receipt: Receipt, depth: int) -> None:
    """Book a sweep whose receipt is final, a vault at a time."""
    del depth
    if not receipt.succeeded:
        alarm("sweep_reverted", item.transaction.id, "a sweep reverted; it is planned again")
    swept, failed = vaults.sweep_events(chain.vault_factory, receipt.logs)
    for one in swept:
        with db.transaction() as session:
            if following.claim_end(session, item.transaction.id, receipt) is None:
                return
            if not book(session, chain, item, one, receipt):
                return
    with db.transaction() as session:
        if following.claim_end(session, item.transaction.id, receipt) is None:
            return
        empty = (
            sweeps.close_items(session, item.intent, [one.salt for one in failed])
            if receipt.succeeded
            else []
        )
        following.finish(session, item.transaction.id, receipt)
    for row in empty:
        subject = f"{row.asset} {show_address(row.address)}"
        alarm("sweep_failed", subject, "the vault gave nothing; it is tried again later")


def book(session: Session, chain: Chain, item: Open, one: vaults.Swept, receipt: Receipt) -> bool:
    """Book one vault's sweep. False while a deposit it took along may still be credited."""
    listed = sweeps.listed_by(session, chain, one.token)
    facts = {
        "chain": chain.id,
        "asset": listed.asset,
        "address": vaults.vault_address(chain.vault_factory, one.salt),
        "block": receipt.block_number,
    }
    if session.execute(UNDECIDED, facts).scalar_one():
        return False
    credited = session.execute(CREDITED, facts).one()
    booked = sweeps.book(
        session,
        item.transaction,
        item.intent,
        chain,
        one,
        receipt=receipt,
        credited=int(credited.units),
        credited_before=int(credited.before),
    )
    if booked is not None:
        tell_difference(session, booked)
    return True


def tell_difference(session: Session, booked: Booked) -> None:
    """Raise an alarm where a vault held something else than deposits were credited for."""
    subject = f"{booked.asset.code} {show_address(booked.address)}"
    for kind, units in (("sweep_surplus", booked.surplus), ("sweep_short", booked.missing)):
        if units:
            detail = f"{Money(units, booked.asset)} {booked.asset.code} differ from the deposits"
            raise_alarm(session, kind=kind, subject=subject, detail=detail)
