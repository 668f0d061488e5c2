"""Deposits, transfers and withdrawals of a client that goes on whatever happens."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from eth_account import Account

from tests.whole.conftest import Whole
from tests.whole.world import Api, Chain, NodeAway, NodeRefused, decimal, eventually

ACCOUNTS = 6
FLOAT = {"USDC": 500 * 10**6, "ETH": 10**18}
DEPOSIT_UNITS = {"USDC": 10**6, "ETH": 10**15}
PAYMENT_MOST = {"USDC": 20 * 10**6, "ETH": 10**16}
ANSWERED_SECONDS = 120.0


@dataclass
class Wish:
    """A POST under its key, and what came of it."""

    path: str
    body: dict[str, Any]
    key: str = field(default_factory=lambda: str(uuid4()))
    answer: dict[str, Any] | None = None
    refused: str = ""


class Traffic:
    """Deposits, transfers and withdrawals that go on whatever happens."""

    def __init__(self, whole: Whole, seed: int, funds: dict[str, int] = FLOAT) -> None:
        self.whole, self.seed, self.funds = whole, seed, funds
        self.addresses: dict[str, str] = {}
        self.sent: list[str] = []
        self.transfers: list[Wish] = []
        self.withdrawals: list[Wish] = []
        self.crashes: list[str] = []
        self.stop = threading.Event()

    def open_accounts(self) -> None:
        """Open the accounts and give each some of every asset."""
        api, chain = self.whole.api, self.whole.chain
        for _ in range(ACCOUNTS):
            account = api.account("killed")
            where = api.post(f"/v1/accounts/{account}/addresses", {"chain": chain.id})
            self.addresses[account] = where["address"]
            self.sent += [
                chain.send(where["address"], asset, amount) for asset, amount in self.funds.items()
            ]
        eventually("the accounts have money", self.all_credited)

    def all_credited(self) -> bool:
        """True when each account has its float."""
        rows = [
            row
            for account in self.addresses
            for row in self.whole.api.all("/v1/deposits", account=account, status="credited")
        ]
        return len(rows) == len(self.sent)

    def pay_in(self, choice: random.Random, _: Api, chain: Chain) -> None:
        """Send one deposit; a node that is away gets none."""
        asset = choice.choice(("USDC", "ETH"))
        to = choice.choice(list(self.addresses.values()))
        amount = DEPOSIT_UNITS[asset] * choice.randint(1, 20) + len(self.sent)
        try:
            self.sent.append(chain.send(to, asset, amount))
        except (NodeAway, NodeRefused):
            return

    def pay_across(self, choice: random.Random, api: Api, _: Chain) -> None:
        """Send money from one account to another."""
        payer, payee = choice.sample(list(self.addresses), 2)
        asset = choice.choice(("USDC", "ETH"))
        amount = decimal(choice.randint(1, PAYMENT_MOST[asset]), asset)
        wish = Wish("/v1/transfers", {"from": payer, "to": payee, "asset": asset, "amount": amount})
        self.transfers.append(wish)
        self.fulfil(wish, api)

    def pay_out(self, choice: random.Random, api: Api, _: Chain) -> None:
        """Withdraw to an address that nobody else pays."""
        asset = choice.choice(("USDC", "ETH"))
        wish = Wish(
            "/v1/withdrawals",
            {
                "account": choice.choice(list(self.addresses)),
                "asset": asset,
                "chain": self.whole.chain.id,
                "to_address": Account.create().address,
                "amount": decimal(choice.randint(10**4, PAYMENT_MOST[asset]), asset),
            },
        )
        self.withdrawals.append(wish)
        self.fulfil(wish, api)

    def fulfil(self, wish: Wish, api: Api) -> None:
        """Repeat a POST under its key until it is answered."""
        deadline = time.monotonic() + ANSWERED_SECONDS
        while time.monotonic() < deadline:
            answer = api.once("POST", wish.path, wish.body, {"idempotency-key": wish.key}, {})
            if answer is not None and answer.status_code < 300:
                wish.answer = answer.json()
                return
            if answer is not None and answer.status_code == 422:
                wish.refused = answer.json()["code"]
                return
            if answer is not None and not api.in_progress(answer) and answer.status_code != 424:
                self.crashes.append(f"{wish.path}: {answer.status_code} {answer.text}")
            time.sleep(0.2)
        self.crashes.append(f"{wish.path} was never answered")

    def go_on(self, act: Callable[[random.Random, Api, Chain], None], pause: float) -> None:
        """Do one thing again and again until told to stop."""
        choice = random.Random(f"{self.seed} {act.__name__}")
        facts = self.whole.facts
        with Api(facts["base_url"], facts["operator_key"]) as api, Chain(facts) as chain:
            while not self.stop.wait(pause * choice.uniform(0.5, 1.5)):
                act(choice, api, chain)
            self.crashes += api.crashes

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Keep everything going inside the block."""
        acts = ((self.pay_in, 0.4), (self.pay_across, 0.4), (self.pay_out, 0.4))
        threads = [threading.Thread(target=self.go_on, args=act, daemon=True) for act in acts]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(ANSWERED_SECONDS)
            assert not any(thread.is_alive() for thread in threads)
