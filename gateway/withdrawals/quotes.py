"""What a withdrawal costs and how long it takes, from what gas costs now."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from gateway.chain import evm
from gateway.chain import store as chains
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.prices import service as prices
from gateway.sending import service as sending
from gateway.withdrawals import rules

BLOCKS_TO_BE_MINED = 2


@dataclass(frozen=True, slots=True)
class Quote:
    """The fee on top of the amount, and the seconds until it is usually confirmed."""

    fee: Money
    seconds: int


def fee_quote(session: Session, *, asset: str, chain: str) -> Quote:
    """Quote a payout of `asset` on `chain`.

    Raises UnknownChain, UnknownAsset, DependencyAway (no rate, or a node never heard).
    """
    place = chains.chain(session, chain)
    listed = chains.chain_asset(session, chain, asset)
    native = native_asset(session, chain)
    money, coin = ledger.asset(session, asset), ledger.asset(session, native.asset)
    fee = rules.fee(
        kind="native" if listed.contract is None else "token",
        gas_price=gas_price(session, chain),
        asset=money,
        rate=rate(session, coin.code, money.code),
        native_decimals=native.decimals,
    )
    return Quote(fee=fee, seconds=seconds(place))


def native_asset(session: Session, chain: str) -> ChainAsset:
    """Return the coin that pays gas on a chain."""
    return next(a for a in chains.chain_assets(session, chain) if a.contract is None)


def gas_price(session: Session, chain: str) -> int:
    """Return wei a unit of gas as last heard; a chain never heard of is asked now."""
    level = sending.fee_level(session, chain) or sending.ask_fees(evm.node(chain))
    return rules.gas_price_wei(int(level.base_fee), int(level.tip))


def rate(session: Session, coin: str, asset: str) -> Decimal:
    """Return units of `asset` for one `coin`; raises DependencyAway."""
    if coin == asset:
        return Decimal(1)
    return prices.rate(session, coin).rate / prices.rate(session, asset).rate


def seconds(chain: Chain) -> int:
    """Return how long a payout usually takes to be confirmed."""
    return int((chain.confirmations + BLOCKS_TO_BE_MINED) * chain.block_seconds)
