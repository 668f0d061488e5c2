"""A shop whose payers sign (EIP-3009), a relay that sends it, every round at the test's command."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI
from sqlalchemy import text

from gateway import db
from gateway.chain.artifacts import call_data, creation_code
from gateway.checkout import signed
from gateway.checkout.routes import routes
from gateway.errors import GatewayError
from gateway.gasless import listing
from gateway.gasless.shapes import AuthorizationShape, SignedBody
from gateway.gasless.store import PaymentAuthorization
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts
from gateway.links import service as links
from gateway.links.rules import Offer
from gateway.local.ports import Ports
from gateway.money import USD, Money
from gateway.sending import service as sending
from gateway.web import problems
from tests import asking
from tests.chain.money_in import CHAIN, DOLLAR, ETHER, created, hexed, open_till
from tests.chain.money_out import PASSWORD, Desk, open_desk
from tests.conftest import TestNode
from workers import relay

RELAY_KEY, PAYER_KEY, OTHER_KEY = (bytes([n] * 32) for n in (0x44, 0x55, 0x66))
PAYER: LocalAccount = Account.from_key(PAYER_KEY)
OTHER: LocalAccount = Account.from_key(OTHER_KEY)


@dataclass
class Shop:
    """A merchant's invoices, a payer with a key and dollars and no coin for gas."""

    desk: Desk
    relay: bytes
    token: bytes

    def invoice(self, amount: str = "12.50", **order: Any) -> str:
        with db.transaction() as session:
            merchant = asking.merchant(session, f"shop-{time.time_ns()}")
            return asking.asked(session, merchant, amount, **order).invoice.id

    def link(self, amount: str) -> str:
        with db.transaction() as session:
            merchant = asking.merchant(session, f"shop-{time.time_ns()}")
            offer = Offer("Tea", USD, amount=Money.parse(amount, USD))
            return links.create(session, account_id=merchant.id, offer=offer).id

    def facts(self, invoice: str) -> Facts:
        with db.transaction() as session:
            return invoices.get(session, invoice)

    def place(self, invoice: str) -> bytes:
        return next(bytes(o.address) for o in self.facts(invoice).options if o.asset == "USDC")

    def typed(self, invoice: str, payer: LocalAccount = PAYER) -> dict[str, Any]:
        return signed.to_be_signed(invoice, CHAIN, "USDC", payer.address).typed_data

    def sign(
        self,
        invoice: str,
        payer: LocalAccount = PAYER,
        key: LocalAccount | None = None,
        **other: Any,
    ) -> SignedBody:
        """What a wallet hands back; `other` replaces fields of the message before it is signed."""
        typed = self.typed(invoice, payer)
        typed["message"] |= other
        return body_of(typed, key or payer)

    def hand_in(self, invoice: str, body: SignedBody) -> AuthorizationShape:
        return signed.take_signed(invoice, body)

    def round(self, blocks: int = 1) -> None:
        """Plan, sign, send, mine, read the blocks."""
        relay.tick(CHAIN, self.desk.till.node)
        while self.desk.sign():
            pass
        relay.tick(CHAIN, self.desk.till.node)
        self.desk.till.mine(blocks)

    def settle(self, rounds: int = 5) -> None:
        for _ in range(rounds):
            self.round()

    def row(self, authorization: str) -> PaymentAuthorization:
        with db.transaction() as session:
            return session.get_one(PaymentAuthorization, authorization)

    def rows(self) -> list[PaymentAuthorization]:
        with db.transaction() as session:
            return session.query(PaymentAuthorization).order_by(PaymentAuthorization.id).all()

    def invoice_of(self, authorization: str) -> str:
        return self.row(authorization).invoice_id

    def end_signatures(self) -> None:
        """Let every signature handed in have ended."""
        with db.transaction() as session:
            session.execute(text("update payment_authorization set valid_before = 1"))

    def mint(self, payer: LocalAccount, dollars: int) -> None:
        data = call_data("mint(address,uint256)", payer.address, dollars * DOLLAR)
        self.desk.till.anvil.send(to=hexed(self.token), data=hexed(data))
        self.desk.till.mine()


def body_of(typed: dict[str, Any], key: LocalAccount) -> SignedBody:
    """Sign typed data as a wallet does and make the page's request of it."""
    made = key.sign_message(encode_typed_data(full_message=typed))
    return SignedBody.model_validate(
        {
            "chain": CHAIN,
            "asset": "USDC",
            "authorization": typed["message"],
            "signature": hexed(bytes(made.signature)),
        }
    )


def open_shop(anvil: TestNode, keystore: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Open a till whose USDC takes signatures, and register a relay for them."""
    till = open_till(anvil)
    account = Account.from_key(RELAY_KEY)
    kept = Account.encrypt(RELAY_KEY, PASSWORD, kdf="pbkdf2", iterations=1)
    (keystore / "relay.json").write_text(json.dumps(kept))
    anvil.call("anvil_setBalance", account.address, hex(100 * ETHER))
    till.usdc = created(anvil, {"data": hexed(creation_code("SignedUSDC"))})
    with db.transaction() as session:
        session.execute(
            text("update chain_asset set contract = :token where asset = 'USDC'"),
            {"token": till.usdc},
        )
    desk = open_desk(till, keystore, monkeypatch)
    relay_address = bytes.fromhex(account.address[2:])
    with db.transaction() as session:
        sending.register_signer(
            session, chain=CHAIN, address=relay_address, role="relay", next_nonce=0
        )
        domain = listing.ask_domain(session, till.node, CHAIN, "USDC")
        listing.allow(session, domain, "USDC", listing.Terms())
        sending.remember_fees(session, CHAIN, sending.ask_fees(till.node))
    shop = Shop(desk, relay_address, till.usdc)
    shop.mint(PAYER, 1_000)
    return shop


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Serve the payers' pages in this process, over real HTTP."""
    app = FastAPI()
    problems.install(app)
    app.include_router(routes)
    port, _ = Ports(home).choose("api")
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    server.force_exit = True  # a live page's stream would be waited for
    thread.join()


@contextmanager
def workers_at_work(shop: Shop) -> Iterator[None]:
    """Do the workers' rounds meanwhile, a block for each."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            shop.round()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def refused(shop: Shop, invoice: str, body: SignedBody) -> str:
    with pytest.raises(GatewayError) as found:
        shop.hand_in(invoice, body)
    return found.value.code


def run_away(shop: Shop) -> None:
    """Send the payer's dollars elsewhere."""
    anvil = shop.desk.till.anvil
    anvil.call("anvil_impersonateAccount", PAYER.address)
    anvil.call("anvil_setBalance", PAYER.address, hex(ETHER))
    held = shop.desk.holds(bytes.fromhex(PAYER.address[2:]))
    data = hexed(call_data("transfer(address,uint256)", OTHER.address, held))
    anvil.call(
        "eth_sendTransaction", {"from": PAYER.address, "to": hexed(shop.token), "data": data}
    )
    anvil.mine()


def sent(shop: Shop, invoice: str) -> str:
    """Hand in, plan and sign; the node has nothing yet."""
    handed = shop.hand_in(invoice, shop.sign(invoice))
    relay.tick(CHAIN, shop.desk.till.node)
    assert shop.desk.sign()
    return handed.id
