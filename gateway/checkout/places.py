"""The networks of a page, as a payer and a payer's wallet know them."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.chain.address import show_address
from gateway.chain.store import Chain, ChainAsset
from gateway.checkout.calls import AddedChain, NativeCoin
from gateway.settings import settings

COIN = "ETH"
NATIVE_DECIMALS = 18
"""Every wallet takes the coin of an EVM chain to have so many (EIP-3085)."""


@dataclass(frozen=True, slots=True)
class Places:
    """The chains of an invoice by id, and what each chain's assets are there."""

    chains: dict[str, Chain]
    assets: dict[tuple[str, str], ChainAsset]
    coins: dict[str, str]
    """The code of each chain's own coin, where it is listed."""

    def name(self, chain: str) -> str:
        """Return the network's name as a payer knows it."""
        return self.chains[chain].name

    def explorer(self, chain: str, tx_hash: bytes) -> str | None:
        """Return where to look a transaction up."""
        url = self.chains[chain].explorer_url
        return url.replace("{tx}", f"0x{tx_hash.hex()}") if url else None

    def added(self, chain: str) -> AddedChain | None:
        """Return what tells a wallet of this network; None where no public node is named."""
        row = self.chains[chain]
        url = row.public_rpc_url or development_node(chain)
        if url is None:
            return None
        coin = self.coins.get(chain, COIN)
        parts = urlsplit(row.explorer_url or "")
        return AddedChain(
            chainId=hex(row.chain_id),
            chainName=row.name,
            rpcUrls=[url],
            nativeCurrency=NativeCoin(name=coin, symbol=coin, decimals=NATIVE_DECIMALS),
            blockExplorerUrls=[f"{parts.scheme}://{parts.netloc}"] if parts.netloc else [],
        )


def development_node(chain: str) -> str | None:
    """Return development's own node; elsewhere a node's address may carry an access key."""
    if not settings().development:
        return None
    urls = settings().endpoints.get(chain, [])
    return next((url for url in urls if url.startswith("http")), None)


def places_of(session: Session, chains: set[str], pairs: set[tuple[str, str]]) -> Places:
    """Load what a page needs of its chains and of its ways to pay as (chain, asset)."""
    rows = {one: row for one in sorted(chains) if (row := session.get(Chain, one))}
    assets = {pair: one for pair in sorted(pairs) if (one := session.get(ChainAsset, pair))}
    native = select(ChainAsset).where(ChainAsset.chain.in_(rows), ChainAsset.contract.is_(None))
    return Places(rows, assets, {one.chain: one.asset for one in session.scalars(native)})


def shown_contract(row: ChainAsset) -> str | None:
    """Return a token's contract, None for native coin."""
    return show_address(row.contract) if row.contract else None
