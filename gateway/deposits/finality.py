"""When a deposit is final: by its chain, its asset and its amount.

An operator sets tiers; what no tier reaches waits for the chain's confirmations. The rule is fixed
each time a deposit is seen in a block, so that a new tier changes nothing for what is under way.
"""

from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.deposits import rules, store
from gateway.deposits.rules import Rule, Tier
from gateway.deposits.store import Deposit, FinalityTier
from gateway.money import Money
from gateway.webhooks import alarms


def rule_for(session: Session, chain: str, asset: str, amount: int) -> Rule:
    """Return the rule of a deposit of `amount` ledger units. Raises UnknownChain."""
    otherwise = Rule(rules.BLOCKS, chains.chain(session, chain).confirmations)
    return rules.rule_of(tiers(session, chain, asset), amount, otherwise)


def fix(session: Session, deposit: Deposit) -> None:
    """Write the deposit's rule by the amount it has now.

    A rule the node's tags cannot fulfil is kept, never weakened: an operator is called instead.
    """
    rule = rule_for(session, deposit.chain, deposit.asset, int(deposit.amount))
    deposit.finality, deposit.required = rule
    told = store.heights(session, deposit.chain) if rule.finality in rules.TAGS else None
    if told is not None and getattr(told, rule.finality) is None:
        alarms.raise_alarm(
            session,
            kind="finality_untold",
            subject=f"{deposit.chain} {rule.finality}",
            detail=(
                f"deposits wait for the network's word {rule.finality!r}, which the node does not"
                " tell: give the chain another endpoint"
            ),
        )


def tiers(session: Session, chain: str, asset: str) -> list[Tier]:
    """Return an asset's tiers on a chain, the lowest amount first."""
    query = select(FinalityTier).where(FinalityTier.chain == chain, FinalityTier.asset == asset)
    return [
        Tier(int(row.from_amount), Rule(row.rule, row.blocks))
        for row in session.scalars(query.order_by(FinalityTier.from_amount))
    ]


def set_tier(session: Session, *, chain: str, start: Money, rule: Rule) -> None:
    """Have deposits from an amount on follow a rule. Raises UnknownChain, UnknownAsset."""
    chains.chain_asset(session, chains.chain(session, chain).id, start.asset.code)
    session.merge(
        FinalityTier(
            chain=chain,
            asset=start.asset.code,
            from_amount=Decimal(start.units),
            rule=rule.finality,
            blocks=rule.required,
        )
    )
    session.flush()


def drop_tier(session: Session, *, chain: str, start: Money) -> None:
    """Forget the tier that begins at an amount."""
    session.execute(
        delete(FinalityTier).where(
            FinalityTier.chain == chain,
            FinalityTier.asset == start.asset.code,
            FinalityTier.from_amount == start.units,
        )
    )
