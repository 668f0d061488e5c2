"""Say how final a deposit must be: the more is at stake the surer."""

import re

import typer
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import store as chains
from gateway.chain.evm import node
from gateway.chain.port import NodeError
from gateway.deposits import finality, rules
from gateway.deposits.rules import Rule
from gateway.errors import GatewayError
from gateway.ledger import service as ledger
from gateway.money import Asset, Money

NONE = "none"
BLOCKS = re.compile(r"[1-9][0-9]{0,5}")


def set_tier(chain_id: str, code: str, amount: str | None, rule: str | None) -> list[str]:
    """Set or drop a tier, if one is named; returns a line for each tier there is then."""
    if (amount is None) is not (rule is None):
        raise typer.BadParameter("name both an amount and a rule, or neither to see the tiers")
    try:
        with db.transaction() as session:
            chain = chains.chain(session, chain_id)
            asset = ledger.asset(session, chains.chain_asset(session, chain_id, code).asset)
            if amount is not None and rule is not None:
                start = Money(0, asset) if amount == "0" else Money.parse(amount, asset)
                change(session, chain_id, start, rule)
            return described(session, chain.id, asset, chain.confirmations)
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal


def change(session: Session, chain_id: str, start: Money, rule: str) -> None:
    """Write or drop a tier; a word the chain's node does not know is refused."""
    if rule == NONE:
        finality.drop_tier(session, chain=chain_id, start=start)
        return
    if rule in rules.TAGS:
        if not tells(chain_id, rule):
            raise typer.BadParameter(f"the node of {chain_id} does not tell what is {rule}")
        finality.set_tier(session, chain=chain_id, start=start, rule=Rule(rule))
        return
    if BLOCKS.fullmatch(rule) is None:
        raise typer.BadParameter(
            f"{rule!r} is neither finalized, safe, none nor a number of blocks"
        )
    blocks = Rule(rules.BLOCKS, int(rule))
    finality.set_tier(session, chain=chain_id, start=start, rule=blocks)


def tells(chain_id: str, tag: str) -> bool:
    """True if the chain's node tells its safe or finalized block. Raises NodeAway."""
    try:
        return node(chain_id).header("safe" if tag == rules.SAFE else "finalized") is not None
    except NodeError:
        return False


def described(session: Session, chain_id: str, asset: Asset, confirmations: int) -> list[str]:
    """Return a line for each amount from which another rule is followed."""
    tiers = finality.tiers(session, chain_id, asset.code)
    lines = [(Money(tier.from_amount, asset), tier.rule) for tier in tiers]
    if not tiers or tiers[0].from_amount > 0:
        lines.insert(0, (Money(0, asset), Rule(rules.BLOCKS, confirmations)))
    return [f"from {money} {asset.code}: {spoken(rule)}" for money, rule in lines]


def spoken(rule: Rule) -> str:
    """Say a rule in words."""
    if rule.required is None:
        return f"when the network calls its block {rule.finality}"
    return f"{rule.required} block" + ("s" if rule.required != 1 else "")
