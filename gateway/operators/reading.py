"""How each chain is read and paid on: show it all, change one thing."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import typer
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import evm
from gateway.chain import store as chains
from gateway.chain.store import Chain
from gateway.deposits.store import FinalityTier
from gateway.errors import GatewayError
from gateway.journal import service as journal

DRIVERS = ("transactions", "trace_block", "trace_calls", "trace_each", "transfer_logs")


def number(text: str) -> int:
    """Read a whole number that is not negative."""
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is no whole number")
    return int(text)


def seconds(text: str) -> Decimal:
    """Read seconds."""
    if not text.replace(".", "", 1).isdecimal():
        raise typer.BadParameter(f"{text!r} are no seconds")
    return Decimal(text)


def yes(text: str) -> bool:
    """Read yes or no."""
    if text not in ("yes", "no"):
        raise typer.BadParameter("yes or no")
    return text == "yes"


def driver(text: str) -> str | None:
    """Read the name of a driver; "ask" asks the node again at the next start."""
    if text not in (*DRIVERS, "ask"):
        raise typer.BadParameter(f"ask, or one of {', '.join(DRIVERS)}")
    return None if text == "ask" else text


def public_url(text: str) -> str | None:
    """Read the address of a node anybody may use: wallets of payers are told it; "none" ends it."""
    if text == "none":
        return None
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
        raise typer.BadParameter("an https address without a login or a query, or none")
    return text


def explorer_url(text: str) -> str | None:
    """Read where payers look a transaction up, {tx} in the place of its hash; "none" ends it."""
    if text == "none":
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or "{tx}" not in text:
        raise typer.BadParameter("a web address with {tx} in the place of the hash, or none")
    return text


CHANGES: dict[str, tuple[Callable[[str], Any], str]] = {
    "native_driver": (driver, "how native coin is found"),
    "probe_blocks": (number, "balances are probed every so many blocks; 0: never"),
    "read_calls_max": (number, "calls in one JSON-RPC batch"),
    "read_ahead": (number, "ranges read while one is taken, in a catch-up"),
    "read_blocks_max": (number, "blocks in one range at most"),
    "read_logs_max": (number, "an answer of so many logs is taken as cut off"),
    "batch_seconds": (seconds, "how long a first withdrawal waits for company"),
    "explorer_url": (explorer_url, "where payers look a transaction up: https://…/tx/{tx}"),
    "public_rpc_url": (public_url, "the node payers' wallets are told of; without a token"),
    "send_alone": (yes, "native coin to never-used accounts comes from the signer"),
}


def change(chain_id: str, name: str, value: str) -> str:
    """Change one thing about a chain; it counts from the watcher's next slice on."""
    if name not in CHANGES:
        raise typer.BadParameter(f"one of {', '.join(CHANGES)}")
    read, _ = CHANGES[name]
    try:
        with db.transaction() as session:
            chain = chains.chain(session, chain_id)
            setattr(chain, name, read(value))
            session.flush()
            journal.write(
                session,
                actor="command line",
                action="chain.changed",
                subject=chain.id,
                facts={"name": name, "value": value},
            )
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal
    return f"{chain_id}: {name} is {value}"


def listed() -> list[str]:
    """Return what is served: each chain with its endpoints, its assets and how it is read."""
    with db.transaction() as session:
        return [line for chain in chains.chains(session) for line in described(session, chain)]


def described(session: Session, chain: Chain) -> list[str]:
    """Return the lines of one chain; of its endpoints only the hosts, their URLs carry keys."""
    lines = [f"{chain.id}  {chain.name}, {chain.confirmations} confirmations"]
    try:
        lines.append("  endpoints  " + ", ".join(one.name for one in evm.node(chain.id).nodes))
    except GatewayError:
        lines.append("  endpoints  none: this process was not told")
    for asset in chains.chain_assets(session, chain.id):
        where = "native" if asset.contract is None else f"0x{asset.contract.hex()}"
        doubt = asset.distrusted_since and f"  not trusted since {asset.distrusted_since:%F %R} UTC"
        lines.append(f"  asset      {asset.asset} {where}{doubt or ''}")
    tiers = session.query(FinalityTier).filter_by(chain=chain.id)
    for tier in tiers.order_by(FinalityTier.asset, FinalityTier.from_amount):
        rule = f"{tier.blocks} blocks" if tier.rule == "blocks" else tier.rule
        lines.append(f"  finality   {tier.asset} from {int(tier.from_amount)} units: {rule}")
    for name, (_, meaning) in CHANGES.items():
        value = getattr(chain, name)
        lines.append(f"  {name:<16} {'-' if value is None else value}  ({meaning})")
    return lines
