"""Serve a real chain: check its node, deploy, note where to watch from, register who signs."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import typer
from eth_abi.abi import decode
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain import deploy
from gateway.chain.add import NewAsset, add_asset, add_chain
from gateway.chain.address import parse_address, show_address
from gateway.chain.calls import call_of
from gateway.chain.decimals import token_decimals
from gateway.chain.evm import node
from gateway.chain.port import Node
from gateway.chain.store import Chain, chain_assets
from gateway.chain.store import chain as chain_of
from gateway.deposits import pending
from gateway.deposits.native.choose import DRIVERS, driver_of
from gateway.deposits.rescan import rescan as read_again
from gateway.errors import GatewayError
from gateway.inbox import service as inbox
from gateway.ledger import service as ledger
from gateway.money import Money
from gateway.operators.keystore import new_signer, open_owner
from gateway.operators.reading import explorer_url as read_explorer
from gateway.sending.service import register_signer
from gateway.sending.store import signers as signers_of
from gateway.settings import settings
from gateway.settlement import capital

NATIVE = "native"
NATIVE_DECIMALS = 18


def add(
    *,
    chain_id: str,
    name: str,
    treasury: str,
    owner_keystore: Path,
    payout_signer: str | None,
    sweep_signer: str | None,
    assets: list[str],
    confirmations: int,
    block_seconds: float,
    explorer_url: str | None,
    approver: str | None = None,
    native_driver: str | None = None,
) -> str:
    """Do it all, or say what is missing; running it again goes on where it stopped."""
    explorer = read_explorer(explorer_url or "none")
    evm = node(chain_id)
    listed = [asset_of(evm, text) for text in assets]
    refuse_without_coin(chain_id, listed)
    signers = signers_named(chain_id, payout=payout_signer, sweep=sweep_signer)
    deployed = deployed_for(
        evm, signers, owner_keystore, treasury, approver_address(approver, chain_id)
    )
    with db.transaction() as session:
        chain = add_chain(
            session,
            chain_id=int(chain_id.removeprefix("eip155:")),
            name=name,
            confirmations=confirmations,
            block_seconds=Decimal(str(block_seconds)),
            deployed=deployed,
            explorer_url=explorer,
            assets=listed,
        )
        keep_driver(session, chain, native_driver)
        register_signers(session, evm, chain, signers)
    return described(chain, deployed, signers)


def refuse_without_coin(chain_id: str, listed: list[NewAsset]) -> None:
    """Raise BadParameter unless the chain's own coin is listed: it pays for gas, and what is sent
    of it to an address of ours is looked for only where it is listed.
    """
    with db.transaction() as session:
        known = [asset.contract for asset in chain_assets(session, chain_id)]
    if None not in (*known, *(asset.contract for asset in listed)):
        raise typer.BadParameter("name the chain's own coin as well, as in --asset ETH=native")


def deployed_for(
    evm: Node, signers: dict[str, bytes], keystore: Path, treasury: str, approver: bytes | None
) -> deploy.Deployed:
    """Deploy our contracts for these signers, or find them where they are."""
    return deploy.deploy(
        evm,
        open_owner(keystore),
        operators=[signers["payout"]],
        sweepers=[signers["sweep"]],
        treasury=parse_address(treasury, "treasury"),
        approver=approver,
    )


def signers_named(chain_id: str, **given: str | None) -> dict[str, bytes]:
    """Return who signs in each role."""
    return {role: signer_address(address, chain_id, role) for role, address in given.items()}


def keep_driver(session: Session, chain: Chain, wanted: str | None) -> None:
    """Write how native coin is found: as wanted, as it was, or as the node turns out to tell it."""
    if wanted is not None:
        if wanted not in DRIVERS:
            raise typer.BadParameter(f"{wanted!r} is none of {', '.join(DRIVERS)}")
        chain.native_driver = wanted
    driver_of(session, chain, node(chain.id).primary())


def register_signers(session: Session, evm: Node, chain: Chain, signers: dict[str, bytes]) -> None:
    """Register who signs, with the nonce and the sequence number the chain has for each."""
    for role, address in signers.items():
        register_signer(
            session,
            chain=chain.id,
            address=address,
            role=role,
            next_nonce=evm.nonce(address),
            first_seq=sequence(evm, chain.payout_vault, address),
        )


def described(chain: Chain, deployed: deploy.Deployed, signers: dict[str, bytes]) -> str:
    """Say what is served now, and what must be funded."""
    return (
        f"{chain.name} ({chain.id}) is served from block {chain.start_block}\n"
        f"vault factory {show_address(deployed.vault_factory)}\n"
        f"payout vault  {show_address(deployed.payout_vault)}  (send it the float)\n"
        + "\n".join(
            f"{role} signer  {show_address(address)}  (send it gas)"
            for role, address in signers.items()
        )
        + (
            f"\napprover      {show_address(chain.payout_approver)}  (it needs no coins)"
            if chain.payout_approver
            else ""
        )
        + f"\nnative coin   {chain.native_driver or 'is looked at when it first moves'}"
    )


def asset_of(evm: Node, text: str) -> NewAsset:
    """Read "ETH=native" or "USDC=0x…"; a token's decimals are asked from the token."""
    code, _, where = text.partition("=")
    if not code or not where:
        raise typer.BadParameter(f"{text!r} is not of the form USDC=0x… or ETH=native")
    if where == NATIVE:
        return NewAsset(code, code, None, NATIVE_DECIMALS)
    contract = parse_address(where, "asset")
    return NewAsset(code, code, contract, token_decimals(evm, contract))


def list_asset(
    chain_id: str, text: str, *, ledger_decimals: int | None, minimum_deposit: str | None
) -> str:
    """List an asset on a chain that is served, its decimals as the token tells them.

    One that was not trusted any more is trusted again. What came of it before waits in the inbox;
    says how many items can be assigned now.
    """
    try:
        new = replace(asset_of(node(chain_id), text), ledger_decimals=ledger_decimals)
        with db.transaction() as session:
            chain = chain_of(session, chain_id)
            listed = add_asset(session, chain.id, new)
            listed.active, listed.distrusted_since = True, None
            known = ledger.asset(session, listed.asset)
            if minimum_deposit is not None:
                listed.minimum_deposit = Decimal(Money.parse(minimum_deposit, known).units)
                pending.beside(session, chain.id)  # it forgot what was too small
            waiting = inbox.waiting_for(session, chain.id, new.contract)
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal
    return (
        f"{listed.asset} is listed on {chain.id} with {listed.decimals} decimals;"
        f" the least deposit is {Money(int(listed.minimum_deposit), known)}\n"
        f"{waiting} items in the inbox can be assigned now"
    )


def signer_address(given: str | None, chain_id: str, role: str) -> bytes:
    """Return the signer named, else the one an earlier run registered, else a fresh one."""
    if given is not None:
        return parse_address(given, f"{role}_signer")
    with db.transaction() as session:
        known = signers_of(session, chain_id, role)
    if known:
        return known[0].address
    password = settings().keystore_secret
    if settings().keystore is None or not password:
        raise typer.BadParameter(
            f"name the {role} signer, or set MIZAN_KEYSTORE and MIZAN_KEYSTORE_PASSWORD to make one"
        )
    return parse_address(new_signer(Path(settings().keystore or "."), password))


def approver_address(given: str | None, chain_id: str) -> bytes | None:
    """Return the second key named, else the one an earlier run named; None: payouts need none."""
    if given is not None:
        return parse_address(given, "approver")
    with db.transaction() as session:
        known = session.get(Chain, chain_id)
    return None if known is None else known.payout_approver


def sequence(evm: Node, vault: bytes, operator: bytes) -> int:
    """Return the sequence number the payout vault expects of this operator."""
    (expected,) = decode(["uint256"], evm.call(vault, call_of("PayoutVault", "seq", operator)))
    return int(expected)


def book_float(chain_id: str) -> list[str]:
    """Book the house's own coins on a chain; returns a line for each amount."""
    with db.transaction() as session:
        try:
            booked = capital.book_float(session, chain_of(session, chain_id))
        except GatewayError as refusal:
            raise typer.BadParameter(refusal.detail) from refusal
    lines = [f"{money} {money.asset.code} booked as capital: {place}" for place, money in booked]
    return lines or ["nothing to book: the ledger has all that is there"]


def rescan(chain_id: str, from_block: int) -> int:
    """Read a chain again from a block; returns how many deposits had been missed."""
    evm = node(chain_id)
    head = int(evm.head().number)
    return read_again(chain_id, evm, from_block=from_block, to_block=head)
