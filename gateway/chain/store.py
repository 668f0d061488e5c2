"""The chains we serve and the assets on them."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway import db
from gateway.errors import Refused, UnknownAsset, UnknownChain
from gateway.money import Asset, Money


class Chain(db.Base):
    """One EVM chain: its contracts, its depth of confirmation, where watching began."""

    __tablename__ = "chain"

    id: Mapped[str] = mapped_column(primary_key=True)
    chain_id: Mapped[int]
    name: Mapped[str]
    confirmations: Mapped[int]
    block_seconds: Mapped[Decimal]
    start_block: Mapped[int]
    vault_factory: Mapped[bytes]
    payout_vault: Mapped[bytes]
    treasury: Mapped[bytes]
    payout_approver: Mapped[bytes | None]
    explorer_url: Mapped[str | None]
    public_rpc_url: Mapped[str | None]
    native_driver: Mapped[str | None]
    probe_blocks: Mapped[int] = mapped_column(server_default="20")
    read_calls_max: Mapped[int] = mapped_column(server_default="50")
    read_ahead: Mapped[int] = mapped_column(server_default="2")
    read_blocks_max: Mapped[int] = mapped_column(server_default="200")
    read_logs_max: Mapped[int] = mapped_column(server_default="10000")
    sweep_worth_gas: Mapped[Decimal] = mapped_column(server_default="10")
    sweep_age_seconds: Mapped[int] = mapped_column(server_default="604800")
    gas_low_transactions: Mapped[int] = mapped_column(server_default="20")
    gas_fill_transactions: Mapped[int] = mapped_column(server_default="100")
    batch_seconds: Mapped[Decimal | None]
    send_alone: Mapped[bool] = mapped_column(server_default="true")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class ChainAsset(db.Base):
    """An asset as one chain has it; a chain may have fewer decimals than the ledger."""

    __tablename__ = "chain_asset"

    chain: Mapped[str] = mapped_column(ForeignKey("chain.id"), primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    contract: Mapped[bytes | None]
    decimals: Mapped[int]
    minimum_deposit: Mapped[Decimal]
    hot_target: Mapped[Decimal]
    hot_min: Mapped[Decimal] = mapped_column(server_default="0")
    hot_max: Mapped[Decimal | None]
    active: Mapped[bool] = mapped_column(default=True)
    distrusted_since: Mapped[datetime | None]
    """What is paid in it since then is set aside; None: it is trusted."""

    def to_ledger(self, units: int, asset: Asset) -> Money:
        """Return what `units` on this chain are in the ledger."""
        return Money(units * int(10 ** (asset.decimals - self.decimals)), asset)

    def to_chain(self, money: Money) -> int:
        """Return the units on this chain; raises Refused for dust the chain cannot express."""
        units, dust = divmod(money.units, int(10 ** (money.asset.decimals - self.decimals)))
        if dust:
            raise Refused(
                f"{money.asset.code} has {self.decimals} decimals on {self.chain}",
                code="invalid_amount",
                field="amount",
            )
        return units


def chain(session: Session, chain_id: str) -> Chain:
    """Return an active chain by CAIP-2 id; raises UnknownChain."""
    found = session.get(Chain, chain_id)
    if found is None or not found.active:
        raise UnknownChain(f"no chain {chain_id[:40]!r} here", field="chain")
    return found


def chains(session: Session) -> list[Chain]:
    """Return the active chains."""
    return list(session.scalars(select(Chain).where(Chain.active).order_by(Chain.id)))


def chain_asset(session: Session, chain_id: str, asset: str) -> ChainAsset:
    """Return an asset on a chain; raises UnknownAsset."""
    found = session.get(ChainAsset, (chain_id, asset))
    if found is None or not found.active:
        raise UnknownAsset(f"{asset[:20]!r} is not on {chain_id[:40]}", field="asset")
    return found


def chain_assets(session: Session, chain_id: str) -> list[ChainAsset]:
    """Return the active assets of a chain, by code."""
    query = select(ChainAsset).where(ChainAsset.chain == chain_id, ChainAsset.active)
    return list(session.scalars(query.order_by(ChainAsset.asset)))
