"""Development's chain and keys: contracts, a float, a faucet, two operators and a shop.

Everything is made once and found again at later runs; doing it twice changes nothing.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway import db
from gateway.accounts import service as accounts
from gateway.accounts.store import find
from gateway.chain import deploy
from gateway.chain.add import NewAsset, add_chain
from gateway.chain.address import show_address
from gateway.chain.artifacts import creation_code
from gateway.chain.calls import call_of
from gateway.chain.evm import node
from gateway.chain.pool import Pool
from gateway.chain.port import NodeError
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.local.anvil import new_mnemonic
from gateway.local.gasless import allow_signatures
from gateway.local.process import StackError
from gateway.local.secret import remembered
from gateway.local.stack import Stack
from gateway.money import Asset, Money
from gateway.operators.keystore import seal
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES, secret_hash
from gateway.sending.service import register_signer

OWNER, PAYOUT, SWEEP, FAUCET, PAYER, TREASURY, RELAY = range(7)
USDC = NewAsset("USDC", "USD Coin (test)", None, 6)
ETHER = 10**18
DOLLAR = 10**6
CONFIRMATIONS = 3
BLOCK_SECONDS = Decimal(1)
EVERYTHING = Decimal(0)  # whatever a vault holds is swept at once: there is more to see
FAUCET_FUNDS = {"USDC": 1_000_000 * DOLLAR, "ETH": 1_000 * ETHER}
PAYER_FUNDS = {"USDC": 1_000_000 * DOLLAR, "ETH": 1_000 * ETHER}
HOT_FUNDS = {"USDC": 100_000 * DOLLAR, "ETH": 100 * ETHER}
GAS_FUNDS = 10 * ETHER
OWNER_FUNDS = 100 * ETHER
MERCHANT = "coffee-house"


@dataclass(frozen=True)
class Cast:
    """Who plays which part on the development chain."""

    owner: LocalAccount
    payout: LocalAccount
    sweep: LocalAccount
    relay: LocalAccount
    faucet: LocalAccount
    payer: bytes
    treasury: bytes


def prepare(stack: Stack, known: dict[str, Any]) -> dict[str, Any]:
    """Set everything up and return what dev.json will say."""
    chain_id = next(iter(stack.environment()["CHAINS"].split())).partition("=")[0]
    evm = node(chain_id)
    cast = cast_of(stack.home, evm)
    with mining_at_once(evm):
        deployed, usdc = set_stage(evm, cast, known=known_usdc(chain_id))
    with db.transaction() as session:
        write_chain(session, chain_id, evm, cast, deployed, usdc)
        allow_signatures(session, chain_id, evm, address_of(cast.relay), GAS_FUNDS)
        merchant = merchant_account(session)
        keys = {
            "operator_key": key(session, known.get("operator_key"), None, "operator"),
            "approver_key": key(session, known.get("approver_key"), None, "approver"),
            "merchant_key": key(session, known.get("merchant_key"), merchant, "shop"),
        }
    keep_keys(stack, cast)
    return {
        "base_url": stack.base_url,
        "rpc_url": stack.rpc_url,
        "chain": chain_id,
        **keys,
        "merchant_account": merchant,
        "assets": {
            "USDC": {"address": show_address(usdc), "decimals": 6},
            "ETH": {"address": None, "decimals": 18},
        },
        "faucet_address": cast.faucet.address,
        "faucet_private_key": "0x" + cast.faucet.key.hex().removeprefix("0x"),
    }


def cast_of(home: Path, evm: Pool) -> Cast:
    """Return who plays; the words are made at the first run and kept in the home folder."""
    words = remembered(home / "mnemonic", new_mnemonic)
    Account.enable_unaudited_hdwallet_features()
    parts = [
        Account.from_mnemonic(words, account_path=f"m/44'/60'/0'/0/{place}")
        for place in range(RELAY + 1)
    ]
    unlocked = evm.ask("eth_accounts", [], list[str])
    if len(unlocked) <= PAYER:
        raise StackError("the node has no unlocked accounts: it is no development node")
    return Cast(
        owner=parts[OWNER],
        payout=parts[PAYOUT],
        sweep=parts[SWEEP],
        relay=parts[RELAY],
        faucet=parts[FAUCET],
        payer=bytes.fromhex(unlocked[PAYER][2:]),
        treasury=bytes.fromhex(parts[TREASURY].address[2:]),
    )


class mining_at_once:
    """Mine each transaction at once inside the block, a block a second again after it."""

    def __init__(self, evm: Pool) -> None:
        self.evm = evm

    def __enter__(self) -> None:
        order(self.evm, "evm_setAutomine", True)

    def __exit__(self, *_: object) -> None:
        order(self.evm, "evm_setAutomine", False)
        order(self.evm, "evm_setIntervalMining", int(BLOCK_SECONDS))


def order(evm: Pool, method: str, *parameters: Any) -> None:
    """Give the development node an order; raises StackError if it is another kind of node."""
    try:
        evm.ask(method, list(parameters), Any)
    except NodeError as error:
        raise StackError(
            f"the node refuses {method}: it is no development node. `mizan chain add` is for real"
            " chains"
        ) from error


def known_usdc(chain_id: str) -> bytes | None:
    """Return the USDC of an earlier run that set this chain up to its end."""
    with db.transaction() as session:
        query = select(ChainAsset.contract).where(
            ChainAsset.chain == chain_id, ChainAsset.asset == USDC.code
        )
        return session.scalar(query)


def set_stage(evm: Pool, cast: Cast, *, known: bytes | None) -> tuple[deploy.Deployed, bytes]:
    """Put the contracts in place and, at the first run, the money; returns them and the USDC.

    `known` is the USDC of an earlier run: it stays what it was.
    """
    fresh = known is None
    if evm.nonce(address_of(cast.relay)) == 0:  # the node gives each of its accounts a fortune
        order(evm, "anvil_setBalance", cast.relay.address, hex(GAS_FUNDS))
    if fresh:
        for address, funds in (
            (address_of(cast.owner), OWNER_FUNDS),
            (address_of(cast.payout), GAS_FUNDS),
            (address_of(cast.sweep), GAS_FUNDS),
            (address_of(cast.faucet), FAUCET_FUNDS["ETH"]),
            (cast.payer, PAYER_FUNDS["ETH"]),
            (cast.treasury, 0),
        ):
            order(evm, "anvil_setBalance", show_address(address), hex(funds))
    deployed = deploy.deploy(
        evm,
        cast.owner,
        operators=[address_of(cast.payout)],
        sweepers=[address_of(cast.sweep)],
        treasury=cast.treasury,
    )
    hand = deploy.Hand(evm, cast.owner)
    usdc = known or deploy.create(hand, creation_code("SignedUSDC"))
    if fresh:
        order(evm, "anvil_setBalance", show_address(deployed.payout_vault), hex(HOT_FUNDS["ETH"]))
        for address, funds in (
            (address_of(cast.faucet), FAUCET_FUNDS["USDC"]),
            (cast.payer, PAYER_FUNDS["USDC"]),
            (deployed.payout_vault, HOT_FUNDS["USDC"]),
        ):
            missing = funds - evm.token_balance(usdc, address)
            if missing > 0:
                hand.send(usdc, call_of("SignedUSDC", "mint", address, missing))
    return deployed, usdc


def write_chain(
    session: Session,
    chain_id: str,
    evm: Pool,
    cast: Cast,
    deployed: deploy.Deployed,
    usdc: bytes,
) -> None:
    """Write the chain, its assets and signers, and book the float as the house's capital."""
    fresh = session.get(Chain, chain_id) is None
    chain = add_chain(
        session,
        chain_id=int(chain_id.removeprefix("eip155:")),
        name="Anvil",
        confirmations=CONFIRMATIONS,
        block_seconds=BLOCK_SECONDS,
        deployed=deployed,
        assets=[
            NewAsset("USDC", USDC.name, usdc, 6, hot_target=HOT_FUNDS["USDC"]),
            NewAsset("ETH", "Ether", None, 18, hot_target=HOT_FUNDS["ETH"]),
        ],
    )
    if fresh:
        chain.sweep_worth_gas = EVERYTHING
    signers = ((cast.payout, "payout"), (cast.sweep, "sweep"))
    for account, role in signers:
        address = address_of(account)
        register_signer(
            session, chain=chain.id, address=address, role=role, next_nonce=evm.nonce(address)
        )
    book_float(session, chain, gas=GAS_FUNDS * len(signers))


def book_float(session: Session, chain: Chain, *, gas: int) -> None:
    """Book what the contracts and signers began with as the house's capital; once."""
    for place, asset, units in (
        (Chart.HOT, Asset("USDC", 6), HOT_FUNDS["USDC"]),
        (Chart.HOT, Asset("ETH", 18), HOT_FUNDS["ETH"]),
        (Chart.GAS_TANK, Asset("ETH", 18), gas),
    ):
        ledger.post(
            session,
            key=f"capital:{chain.id}:{place}:{asset.code}",
            debit=ledger.house(session, place, asset, chain.id),
            credit=ledger.house(session, Chart.CAPITAL, asset),
            money=Money(units, asset),
            movement=Movement.CAPITAL,
            ref=f"float:{chain.id}",
            evidence=ledger.Evidence(chain.id, chain.start_block - 1),
        )


def merchant_account(session: Session) -> str:
    """Return the id of development's merchant, opened at the first run."""
    found = find(session, f"@{MERCHANT}")
    if found is None:
        found = accounts.open_account(session, handle=MERCHANT, kind="merchant")
    return found.id


def key(session: Session, known: str | None, account_id: str | None, name: str) -> str:
    """Return the key of an earlier run if it still opens, with today's scopes, else a fresh one."""
    scopes = ACCOUNT_SCOPES if account_id else OPERATOR_SCOPES
    if known:
        alive = session.execute(
            text(
                "update api_key set scopes = :scopes where hash = :hash and revoked_at is null"
                " returning id"
            ),
            {"hash": secret_hash(known), "scopes": sorted(scopes)},
        ).one_or_none()
        if alive:
            return known
    _, secret = accounts.issue_key(session, account_id=account_id, name=name, scopes=scopes)
    return secret


def keep_keys(stack: Stack, cast: Cast) -> None:
    """Leave the hot keys where only the signer is told to look, encrypted."""
    secrets = stack.secrets()
    for account in (cast.payout, cast.sweep, cast.relay):
        seal(account, Path(secrets["MIZAN_KEYSTORE"]), secrets["MIZAN_KEYSTORE_PASSWORD"])


def address_of(account: LocalAccount) -> bytes:
    """Return an account's address as bytes."""
    return bytes.fromhex(account.address[2:])
