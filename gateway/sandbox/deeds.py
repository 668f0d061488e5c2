"""What can happen to an invoice, made to happen on the development node. Nothing here is pretended:
the coins are sent, the blocks are mined or taken back, and all else hears of it as always.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from gateway.chain import evm, freshness
from gateway.chain.store import Chain, ChainAsset, chain, chain_asset, chain_assets
from gateway.checkout import trial
from gateway.errors import Conflict, NotFound
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts
from gateway.invoices.settle import recompute
from gateway.invoices.store import InvoiceOption, InvoicePayment, locked
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.settings import settings

Deed = Literal[
    "pay", "underpay", "overpay", "late", "wrong_asset", "confirm", "expire", "advance", "reorg"
]
REORG_BLOCKS_MAX = 32
"""Anvil calls what is 64 blocks deep final, and final blocks do not go."""
PAST_THE_END = timedelta(seconds=2)
"""Blocks have whole seconds: a payment right after the end must not look punctual."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: the transaction that was sent, if one was, and what to expect next."""

    expect: str
    tx_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """An invoice, the way it is paid by, and how far its clock is moved on, in seconds."""

    session: Session
    facts: Facts
    option: InvoiceOption
    seconds: int

    @property
    def asset(self) -> ChainAsset:
        """The asset it is paid in, as its chain has it."""
        return chain_asset(self.session, self.option.chain, self.option.asset)

    @property
    def remaining(self) -> Money:
        """What is still to be paid by this way."""
        return self.facts.remaining(self.option)

    def part(self, money: Money) -> Money:
        """Return half of an amount, in the decimals a payer is asked for; raises Conflict."""
        step = int(10 ** (money.asset.decimals - self.option.places))
        units = money.units // 2 // step * step
        if units == 0:
            raise Conflict("there is nothing smaller to pay", code="wrong_state")
        return Money(units, money.asset)

    def send(self, amount: Money) -> str:
        """Pay an amount to the invoice's address; returns the transaction's hash."""
        if amount.units == 0:
            raise Conflict("nothing is left to pay: overpay instead", code="wrong_state")
        return trial.pay(self.asset, to=self.option.address, amount=amount)


def simulate(
    session: Session,
    invoice_id: str,
    deed: Deed,
    *,
    asset: str | None,
    chain_id: str | None,
    seconds: int,
) -> Done:
    """Make it happen. Raises NotFound in production, Conflict where it cannot, NodeAway."""
    only_in_development()
    facts = invoices.get(session, invoice_id)
    return DEEDS[deed](Stage(session, facts, option_of(facts, asset, chain_id), seconds))


def only_in_development() -> None:
    """Raise NotFound in production."""
    if not settings().development:
        raise NotFound("there is no sandbox in production")


def option_of(facts: Facts, asset: str | None, chain_id: str | None) -> InvoiceOption:
    """Return the way to pay that is meant, the first without a choice; raises NotFound."""
    for option in facts.options:
        if asset in (None, option.asset) and chain_id in (None, option.chain):
            return option
    raise NotFound("the invoice has no such way to pay")


def pay(stage: Stage) -> Done:
    """Pay what remains."""
    sent = stage.send(stage.remaining)
    return Done("invoice.processing, then invoice.paid once it is final", sent)


def underpay(stage: Stage) -> Done:
    """Pay half of what remains."""
    sent = stage.send(stage.part(stage.remaining))
    return Done("invoice.partially_paid; the rest may follow at the same address", sent)


def overpay(stage: Stage) -> Done:
    """Pay half as much again as remains; once all is paid, half of the price."""
    whole = stage.facts.option(stage.option).whole
    remaining = stage.remaining
    sent = stage.send(remaining + stage.part(remaining if remaining.units else whole))
    return Done("invoice.paid and invoice.overpaid once it is final", sent)


def late(stage: Stage) -> Done:
    """Let the time run out, then pay what remains."""
    amount = stage.remaining
    move_clock(stage, until_end(stage) + timedelta(seconds=stage.seconds))
    sent = stage.send(amount)
    return Done("invoice.expired, then invoice.paid_late or the late action of your terms", sent)


def expire(stage: Stage) -> Done:
    """Let the time run out."""
    move_clock(stage, until_end(stage))
    return Done("invoice.expired unless it is paid")


def advance(stage: Stage) -> Done:
    """Move the invoice's clock on by some seconds."""
    move_clock(stage, timedelta(seconds=stage.seconds))
    return Done("what the passing of time brings")


def until_end(stage: Stage) -> timedelta:
    """Return how far the invoice's clock is from just after its end."""
    left = stage.facts.invoice.expires_at - datetime.now(UTC)
    return max(left, timedelta(0)) + PAST_THE_END


def move_clock(stage: Stage, by: timedelta) -> None:
    """Let time pass for one invoice: all of its times move back, so that its spans stay as long."""
    row = locked(stage.session, stage.facts.invoice.id)
    assert row is not None, "it was found in this transaction"
    row.created_at -= by
    row.expires_at -= by
    if row.requoted_at is not None:
        row.requoted_at -= by
    recompute(stage.session, row)


def wrong_asset(stage: Stage) -> Done:
    """Pay one unit of an asset the invoice does not take, to its address."""
    offered = {one.asset for one in stage.facts.options}
    for listed in chain_assets(stage.session, stage.option.chain):
        if listed.asset not in offered:
            asset = ledger.asset(stage.session, listed.asset)
            whole = Money(int(10**asset.decimals), asset)
            sent = trial.pay(listed, to=stage.option.address, amount=whole)
            return Done("an item of kind wrong_asset in the inbox: accept it or send it back", sent)
    raise Conflict("the invoice takes every asset: open one with `assets`", code="wrong_state")


def confirm(stage: Stage) -> Done:
    """Mine the blocks that make the newest payments final."""
    facts: Chain = chain(stage.session, stage.option.chain)
    evm.node(facts.id).ask("anvil_mine", [hex(facts.confirmations)], Any)
    return Done("what is confirming is credited")


def reorg(stage: Stage) -> Done:
    """Take the newest payment's block back, and all after it; what was in them stays out."""
    payment = newest(stage)
    heads = {head.chain: head.number for head in freshness.heads(stage.session)}
    depth = (heads.get(payment.chain) or 0) - (payment.block_number or 0) + 1
    if depth > REORG_BLOCKS_MAX:
        raise Conflict(f"it is {depth} blocks deep, too deep to leave", code="wrong_state")
    evm.node(payment.chain).ask("anvil_reorg", [depth, []], Any)
    return Done("deposit.orphaned or deposit.reversed, and invoice.payment_reverted if it counted")


def newest(stage: Stage) -> InvoicePayment:
    """Return the newest payment that stands; raises Conflict without one."""
    standing = [one for one in stage.facts.payments if one.status in ("confirming", "credited")]
    if not standing:
        raise Conflict("no payment stands that could be taken back", code="wrong_state")
    return max(standing, key=lambda one: one.block_number or 0)


DEEDS: dict[Deed, Callable[[Stage], Done]] = {
    "pay": pay,
    "underpay": underpay,
    "overpay": overpay,
    "late": late,
    "wrong_asset": wrong_asset,
    "confirm": confirm,
    "expire": expire,
    "advance": advance,
    "reorg": reorg,
}
