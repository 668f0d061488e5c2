"""What is hot, what is cold, and what the cold side should sign."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.chain.artifacts import call_data
from gateway.chain.evm import node
from gateway.chain.port import NodeAway, NodeError
from gateway.chain.store import Chain, ChainAsset
from gateway.errors import UnknownChain
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart
from gateway.money import Asset, Money
from gateway.sending import unswept
from gateway.sending.store import signers
from gateway.treasury import rules
from gateway.treasury.rules import Position, Proposal

NATIVE = bytes(20)
"""How the payout vault names the native coin."""
OUTGOING = text("""
    select coalesce(sum(amount) filter (where status = 'sent'), 0) as leaving,
        coalesce(sum(amount) filter (where status = 'sent' and block_number is null), 0) as unmined,
        coalesce(sum(amount) filter (where status = 'approved'), 0) as waiting
    from withdrawal where chain = :chain and asset = :asset and status in ('approved', 'sent')
""")
# Vaults of sweeps that are planned or sent and not booked yet.
BEING_SWEPT = text("""
    select coalesce(sum(i.expected), 0) from sweep_item i join intent n on n.id = i.intent_id
    where i.chain = :chain and i.asset = :asset and i.swept is null
        and n.status in ('planned', 'signed') and n.payload ->> 'to' = :to
""")


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset on one chain as an operator sees it; `on_chain` None while the node is away."""

    chain: Chain
    listed: ChainAsset
    asset: Asset
    position: Position
    unswept: int
    gas_tank: int | None
    on_chain: int | None

    @property
    def proposal(self) -> Proposal | None:
        """What should move now; nothing where the payout vault is the treasury."""
        if self.chain.treasury == self.chain.payout_vault:
            return None
        return rules.proposal(self.position, int(self.listed.to_ledger(1, self.asset).units))

    def money(self, units: int) -> Money:
        """Return ledger units as money of this asset."""
        return Money(units, self.asset)

    def shown(self, units: int) -> str:
        """Return ledger units as people read them."""
        return str(self.money(units))


@dataclass(frozen=True, slots=True)
class Order:
    """A transaction for the cold wallet; `value` in wei."""

    to: bytes
    value: int
    calldata: bytes


def look(session: Session) -> list[Holding]:
    """Return every asset on every chain we serve."""
    return [one for chain in chains.chains(session) for one in look_at(session, chain)]


def look_at(session: Session, chain: Chain) -> list[Holding]:
    """Return the assets of a chain."""
    listed = chains.chain_assets(session, chain.id)
    return [holding(session, chain, one) for one in listed]


def holding(session: Session, chain: Chain, listed: ChainAsset) -> Holding:
    """Return one asset on one chain. A node that is away leaves the ledger's word alone."""
    asset = ledger.asset(session, listed.asset)
    place = {"chain": chain.id, "asset": asset.code}
    outgoing = session.execute(OUTGOING, place).one()
    at_vault = asked(chain, listed, asset)
    native = listed.contract is None
    return Holding(
        chain=chain,
        listed=listed,
        asset=asset,
        position=Position(
            hot=held(session, Chart.HOT, asset, chain),
            leaving=int(outgoing.leaving),
            waiting=int(outgoing.waiting),
            coming=coming(session, chain, asset.code),
            treasury=held(session, Chart.TREASURY, asset, chain),
            target=int(listed.hot_target),
            least=int(listed.hot_min),
            most=None if listed.hot_max is None else int(listed.hot_max),
            seen=None if at_vault is None else at_vault - int(outgoing.unmined),
        ),
        unswept=held(session, Chart.UNSWEPT, asset, chain),
        gas_tank=held(session, Chart.GAS_TANK, asset, chain) if native else None,
        on_chain=at_vault,
    )


def held(session: Session, code: Chart, asset: Asset, chain: Chain) -> int:
    """Return what the ledger says is at a place of the chart, ledger units."""
    return ledger.house_balance(session, code, asset, chain.id).units


def asked(chain: Chain, listed: ChainAsset, asset: Asset) -> int | None:
    """Return what the node says the payout vault holds, ledger units; None if it is away."""
    try:
        place = node(chain.id)
        if listed.contract is None:
            units = place.balance(chain.payout_vault)
        else:
            units = place.token_balance(listed.contract, chain.payout_vault)
    except (NodeAway, NodeError, UnknownChain):
        return None
    return listed.to_ledger(units, asset).units


def coming(session: Session, chain: Chain, asset: str) -> int:
    """Return what sweeps are bringing to the payout vault, and what they could bring, units."""
    facts = {"chain": chain.id, "asset": asset, "to": chain.payout_vault.hex()}
    on_the_way = int(session.execute(BEING_SWEPT, facts).scalar_one())
    if unswept.is_halted(session, chain.id) or not signers(session, chain.id, "sweep"):
        return on_the_way
    return on_the_way + unswept.free_units(session, chain.id, asset)


def order(found: Holding, wanted: Proposal) -> Order:
    """Return the transaction that does what is proposed, for the cold wallet to sign as it is.

    A refill is the treasury's own transfer, a drain the vault owner's `withdraw`.
    """
    chain, token = found.chain, found.listed.contract
    units = found.listed.to_chain(found.money(wanted.units))
    if wanted.direction == "drain":
        values = (token or NATIVE, chain.treasury, units)
        return Order(chain.payout_vault, 0, call_data("withdraw(address,address,uint256)", *values))
    if token is None:
        return Order(chain.payout_vault, units, b"")
    return Order(token, 0, call_data("transfer(address,uint256)", chain.payout_vault, units))


def refill_needed(found: Holding) -> str | None:
    """Say what a chain lacks that no sweep can bring; None if nothing."""
    units = rules.lacking(found.position)
    if not units:
        return None
    position, code = found.position, found.asset.code
    return (
        f"the payout vault of {found.chain.id} lacks {found.money(units)} {code}:"
        f" it can spend {found.money(position.free)}, {found.money(position.waiting)} wait,"
        f" sweeps can bring {found.money(position.coming)}, the treasury has"
        f" {found.money(position.treasury)}; GET /v1/treasury has the refill"
    )
