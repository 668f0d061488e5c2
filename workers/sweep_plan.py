"""Plan a sweep: which vaults, where to, and why.

Facts are read first, the node is asked outside any transaction, and the plan is written only if
the vaults are still as they were.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import vaults
from gateway.chain.port import Node, NodeError
from gateway.chain.store import Chain, ChainAsset
from gateway.errors import DependencyAway
from gateway.ledger import service as ledger
from gateway.money import Asset, Money
from gateway.sending import rules, sweep_rules, sweeps, unswept
from gateway.sending import service as sending
from gateway.sending.store import Signer
from gateway.sending.sweep_rules import Content, Reason, Terms
from gateway.withdrawals import quotes
from workers.follow import alarm, alarm_of

JUDGED_AGAIN_SECONDS = 60
"""What was not worth its gas is asked about again after so long: an estimate is not free."""

LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
JUDGED = text("""
    insert into sweep_worth (chain, asset, least, swept_some, judged_at)
    values (:chain, :asset, :least, :some, now()) on conflict (chain, asset) do update set
        least = excluded.least, swept_some = excluded.swept_some, judged_at = now()
""")
NOTHING_LATELY = text("""
    select exists (select from sweep_worth where chain = :chain and asset = :asset
        and not swept_some and judged_at > now() - make_interval(secs => :seconds))
""")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """An asset on a chain whose vaults may be swept, and the signer who would sign it."""

    place: Chain
    listed: ChainAsset
    asset: Asset
    signer: Signer
    fullest: list[Content]
    oldest: list[Content]
    wanted: int
    coming: int

    @property
    def terms(self) -> Terms:
        """The chain's rules."""
        return Terms(self.place.sweep_worth_gas, self.place.sweep_age_seconds)


@dataclass(frozen=True, slots=True)
class Plan:
    """Vaults with their reasons, where they go, what it costs, and what that was decided from."""

    to: bytes
    contents: dict[Content, Reason]
    proposal: sending.Proposal
    facts: dict[str, Any]


def plan(place: Chain, listed: ChainAsset, node: Node) -> None:
    """Plan one sweep of an asset, if a signer is free and there is a reason. Raises NodeAway."""
    with db.transaction() as session:
        job = read(session, place, listed)
    if job is None:
        return
    try:
        sending.check_account(node, job.signer)
    except sending.Trouble as trouble:
        alarm_of(trouble, job.signer.id)
        return
    lacking = job.wanted - job.coming - hot_units(job, node)
    found = for_need(job, node, lacking) if lacking > 0 else by_worth(job, node)
    if found is not None:
        write(job, found)


def read(session: Session, place: Chain, listed: ChainAsset) -> Job | None:
    """Return the facts of an asset; None when nothing can be swept now."""
    signer = sending.idle_signer(session, place.id, "sweep")
    if signer is None or unswept.is_halted(session, place.id):
        return None
    key = (place.id, listed.asset)
    fullest = unswept.fullest(session, *key, rules.BATCH_MAX)
    if not fullest:
        return None
    return Job(
        place=place,
        listed=listed,
        asset=ledger.asset(session, listed.asset),
        signer=signer,
        fullest=fullest,
        oldest=unswept.oldest(session, *key, place.sweep_age_seconds, rules.BATCH_MAX),
        wanted=int(listed.hot_target)
        + unswept.wanted(session, *key)
        + sending.in_flight(session, *key, "payout"),  # still in the vault, and spoken for
        coming=unswept.on_the_way(session, *key, place.payout_vault),
    )


def hot_units(job: Job, node: Node) -> int:
    """Return what the payout vault holds, ledger units."""
    vault, token = job.place.payout_vault, job.listed.contract
    units = node.balance(vault) if token is None else node.token_balance(token, vault)
    return job.listed.to_ledger(units, job.asset).units


def for_need(job: Job, node: Node, lacking: int) -> Plan | None:
    """Return what brings the payout vault what it lacks, whatever that costs."""
    contents = sweep_rules.needed(job.fullest, lacking)
    to = job.place.payout_vault
    while (gas := estimated(job, node, to, contents)) is not None:
        if rules.gas_limit(gas) is not None or len(contents) == 1:
            reasons: dict[Content, Reason] = dict.fromkeys(contents, "need")
            return proposed(job, node, to, reasons, gas, {"lacking": str(lacking)})
        contents = contents[: len(contents) // 2]
    return None


def by_worth(job: Job, node: Node) -> Plan | None:
    """Return what is worth its gas today or waited for too long; it goes to the treasury.

    Each vault that is left makes the share of the others larger, so they are judged again until
    all that are there stay.
    """
    if not job.oldest and nothing_lately(job):
        return None
    level = sending.ask_fees(node)
    price = int(level.base_fee) + int(level.tip)
    coin_decimals, rate = coin_rate(job)
    by_address = {content.address: content for content in (*job.oldest, *job.fullest)}
    contents = list(by_address.values())[: rules.BATCH_MAX]
    least: int | None = None
    to = job.place.treasury
    while contents and (gas := estimated(job, node, to, contents)) is not None:
        if rules.gas_limit(gas) is None and len(contents) > 1:
            contents = contents[: len(contents) // 2]
            continue
        share = sweep_rules.gas_share(gas, price, len(contents))
        least = sweep_rules.least_worth(
            share,
            job.terms,
            rate=rate,
            coin_decimals=coin_decimals,
            decimals=job.asset.decimals,
        )
        kept = sweep_rules.chosen(contents, least, job.terms)
        if len(kept) == len(contents):
            remember(job, least, some=True)
            facts = {"least": told(least), "share": str(int(share)), "gas_price": str(price)}
            return proposed(job, node, to, reasons_of(job, kept, least), gas, facts)
        contents = kept
    leave(job, least, price)
    return None


def leave(job: Job, least: int | None, gas_price: int) -> None:
    """Note that nothing is worth its gas at this price, wei."""
    remember(job, least, some=False)
    log.info(
        "sweep.left",
        chain=job.place.id,
        asset=job.listed.asset,
        vaults=len(job.fullest),
        least=told(least),
        gas_price=gas_price,
    )


def told(units: int | None) -> str | None:
    """Write ledger units for a log or a stored fact; JSON's numbers are too short for them."""
    return None if units is None else str(units)


def reasons_of(job: Job, contents: list[Content], least: int | None) -> dict[Content, Reason]:
    """Return each vault with why it is swept."""
    found = {content: sweep_rules.reason(content, least, job.terms) for content in contents}
    return {content: reason for content, reason in found.items() if reason is not None}


def coin_rate(job: Job) -> tuple[int, Decimal | None]:
    """Return the decimals of the coin that pays gas, and what one costs in the swept asset.

    None when nobody knows, which is said: age and need still bring a vault home.
    """
    with db.transaction() as session:
        coin = quotes.native_asset(session, job.place.id)
        if job.terms.worth_gas == 0:
            return coin.decimals, None
        try:
            return coin.decimals, quotes.rate(session, coin.asset, job.listed.asset)
        except DependencyAway as error:
            log.warning("sweep.no_price", chain=job.place.id, detail=error.detail)
            return coin.decimals, None


def nothing_lately(job: Job) -> bool:
    """True if all of this was judged not worth its gas a moment ago."""
    with db.transaction() as session:
        facts = {"chain": job.place.id, "asset": job.listed.asset, "seconds": JUDGED_AGAIN_SECONDS}
        return bool(session.execute(NOTHING_LATELY, facts).scalar_one())


def remember(job: Job, least: int | None, *, some: bool) -> None:
    """Keep from how much on a vault is worth its gas."""
    with db.transaction() as session:
        session.execute(
            JUDGED,
            {
                "chain": job.place.id,
                "asset": job.listed.asset,
                "least": least,
                "some": some,
            },
        )


def estimated(job: Job, node: Node, to: bytes, contents: list[Content]) -> int | None:
    """Return the gas that sweeping these vaults needs now; None when the node would refuse it."""
    salts = sorted(content.salt for content in contents)
    data = vaults.sweep_call(job.listed.contract, to, salts)
    try:
        return node.estimate_gas(sender=job.signer.address, to=job.place.vault_factory, data=data)
    except NodeError as error:
        subject = f"{job.place.id} {job.listed.asset}"
        alarm("sweep_not_accepted", subject, error.message[:500])
        return None


def proposed(
    job: Job,
    node: Node,
    to: bytes,
    contents: dict[Content, Reason],
    gas: int,
    facts: dict[str, Any],
) -> Plan | None:
    """Return the plan with what it may cost; None while that is beyond what a signer signs."""
    level = sending.ask_fees(node)
    fees = rules.fees(int(level.base_fee), int(level.tip))
    limit = rules.gas_limit(gas) or 0
    if rules.refusal_of_fees(gas=limit, tip=fees.tip, cap=fees.cap) is not None:
        log.warning("sweep.put_off", chain=job.place.id, cap=fees.cap)
        return None
    terms = {
        "worth_gas": str(job.terms.worth_gas),
        "age_seconds": job.terms.age_seconds,
        "gas": gas,
        "vaults": len(contents),
    }
    return Plan(to, contents, sending.Proposal(gas=limit, fees=fees), facts | terms)


def write(job: Job, plan: Plan) -> None:
    """Write the intent and its vaults, unless another round was faster."""
    place, asset = job.place, job.listed.asset
    with db.transaction() as session:
        session.execute(LOCK, {"name": f"sweep {place.id}"})
        if sending.is_busy(session, job.signer.id):
            return
        expected = {content.address: content.unswept for content in plan.contents}
        if unswept.still_free(session, place.id, asset, list(expected)) != expected:
            return
        intent = sending.plan(
            session,
            signer=job.signer,
            kind="sweep",
            amount=Money(sum(expected.values()), job.asset),
            payload=sweeps.describe(plan.to, [content.salt for content in plan.contents]),
            proposal=plan.proposal,
        )
        sweeps.add_items(session, intent, plan.contents, plan.facts)
    log.info("sweep.planned", intent=intent.id, asset=asset, **plan.facts)
