"""Withdrawals while everything goes wrong: afterwards each is paid, once, and none is lost.

MIZAN_FAULT_WITHDRAWALS asks for so many instead of the few of the test command; SEED repeats the
choices of a run, as far as processes let choices decide.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account

from tests.conftest import TestNode, running_anvil
from tests.whole.conftest import Whole, installation
from tests.whole.faulty_wire import FaultyWire
from tests.whole.payout_strikes import Strikes
from tests.whole.test_kill_everything import (
    ENDED,
    audited,
    balances_add_up,
    paid_once,
    withdrawals_of,
)
from tests.whole.traffic import Traffic, Wish
from tests.whole.world import Api, Chain, decimal, eventually

SHORT = 60
WITHDRAWALS = int(os.environ.get("MIZAN_FAULT_WITHDRAWALS", str(SHORT)))
PER_SECOND = 1.5
SIGNERS = 3
ACCOUNTS_FUNDS = {"USDC": 40_000 * 10**6, "ETH": 20 * 10**18}
LEAST = {"USDC": 20 * 10**6, "ETH": 10**16}
QUIET_SECONDS = 180.0
# A plan is told after half a minute that its signer is silent.
SILENT_SECONDS, LISTEN_SECONDS = 45.0, 1.0
# What would mean that a nonce, a number or a payment is not what we took it for.
NEVER = {"signer_used_elsewhere", "nonce_gap", "nonce_taken", "payout_sequence", "payout_undone",
         "payout_without_proof", "signer_refused", "transaction_left_chain"}  # fmt: skip

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300 + 4 * WITHDRAWALS)]


class Payouts(Traffic):
    """Withdrawals only, of amounts that are worth their fee however dear gas is."""

    def __init__(self, whole: Whole) -> None:
        super().__init__(whole, seed(), ACCOUNTS_FUNDS)
        self.silent: set[str] = set()

    def pay_out(self, choice: random.Random, api: Api, _: Chain) -> None:
        asset = choice.choice(("USDC", "ETH"))
        body = {
            "account": choice.choice(list(self.addresses)),
            "asset": asset,
            "chain": self.whole.chain.id,
            "to_address": Account.create().address,
            "amount": decimal(LEAST[asset] + choice.randrange(LEAST[asset]), asset),
        }
        wish = Wish("/v1/withdrawals", body)
        self.withdrawals.append(wish)
        self.fulfil(wish, api)

    def ask_for_all(self) -> None:
        """Ask for as many as the run has, at its pace."""
        choice = random.Random(f"{self.seed} payouts")
        facts = self.whole.facts
        with Api(facts["base_url"], facts["operator_key"]) as api, Chain(facts) as chain:
            while len(self.withdrawals) < WITHDRAWALS:
                self.stop.wait(choice.uniform(0.5, 1.5) / PER_SECOND)
                self.pay_out(choice, api, chain)
            self.crashes += api.crashes

    def listen(self) -> None:
        """Note the withdrawals that wait for long without a word why."""
        facts, since = self.whole.facts, dict[str, float]()
        with Api(facts["base_url"], facts["operator_key"]) as api:
            while not self.stop.wait(LISTEN_SECONDS):
                query = {"status": "approved", "limit": 100}
                answer = api.once("GET", "/v1/withdrawals", None, {}, query)
                if answer is None or answer.status_code != 200:
                    continue
                now = time.monotonic()
                rows = [row for row in answer.json()["data"] if row["waiting_reason"] is None]
                since = {row["id"]: since.get(row["id"], now) for row in rows}
                self.silent |= {one for one, at in since.items() if now - at > SILENT_SECONDS}
            self.crashes += api.crashes


@pytest.fixture(scope="module")
def struck(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Whole, TestNode, FaultyWire]]:
    """An installation that speaks to its node through a wire under the test's control."""
    home = tmp_path_factory.mktemp("struck")
    with running_anvil(home) as node, faulty(node) as wire:
        chains = f"eip155:31337={wire.url}"
        with installation(home / "home", chains, payout_signers=SIGNERS) as found:
            facts = found.facts | {"rpc_url": f"http://127.0.0.1:{node.port}"}
            with Chain(facts) as chain:
                yield replace(found, facts=facts, chain=chain), node, wire


@contextmanager
def faulty(node: TestNode) -> Iterator[FaultyWire]:
    wire = FaultyWire(node.port, seed())
    try:
        yield wire
    finally:
        wire.close()


def seed() -> int:
    """Return the run's seed, the same one each time."""
    os.environ.setdefault("SEED", str(random.SystemRandom().randrange(10**6)))
    return int(os.environ["SEED"])


def open_ones(whole: Whole, traffic: Traffic) -> list[dict[str, Any]]:
    """Return the withdrawals that have not ended."""
    rows = withdrawals_of(whole.api, list(traffic.addresses))
    return [row for row in rows if row["status"] not in ENDED]


def is_quiet(whole: Whole, traffic: Traffic) -> bool:
    """True when every withdrawal ended and none of our transactions is open."""
    if open_ones(whole, traffic):
        return False
    return not any(
        whole.api.get("/v1/transactions", state=state, limit=1)["data"]
        for state in ("signed", "mined")
    )


@contextmanager
def everything_goes_wrong(strikes: Strikes) -> Iterator[None]:
    """Let faults come inside the block; end those that last after it."""
    striking = threading.Thread(target=strikes.go_on, daemon=True)
    strikes.wire.healthy = False
    striking.start()
    began = time.monotonic()
    try:
        yield
    finally:
        strikes.stop.set()
        striking.join(60)
        strikes.heal()
    assert not striking.is_alive()
    seconds = time.monotonic() - began
    print(f"healed after {seconds:.0f} s: {dict(strikes.done)} {dict(strikes.wire.seen)}")


@contextmanager
def listening(traffic: Payouts) -> Iterator[None]:
    """Let nothing wait in silence inside the block."""
    thread = threading.Thread(target=traffic.listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        traffic.stop.set()
        thread.join(60)
    assert not thread.is_alive()
    assert traffic.silent == set()


def settled(whole: Whole, traffic: Payouts) -> None:
    """Return when everything ended; fail with what is stuck."""
    whole.until_ready()
    began = time.monotonic()
    try:
        eventually("everything is quiet", lambda: is_quiet(whole, traffic), QUIET_SECONDS)
    except AssertionError as error:
        stuck = open_ones(whole, traffic)
        raise AssertionError(f"{stuck} {whole.logs('pay', 'signer')}") from error
    print(f"quiet {time.monotonic() - began:.0f} s later")


def test_every_withdrawal_is_paid_once_whatever_goes_wrong(
    struck: tuple[Whole, TestNode, FaultyWire],
) -> None:
    whole, node, wire = struck
    print(f"seed {seed()}: SEED={seed()} strikes in the same order again")
    traffic = Payouts(whole)
    traffic.open_accounts()
    strikes = Strikes(whole, node, wire, seed())
    with listening(traffic):
        with everything_goes_wrong(strikes):
            traffic.ask_for_all()
        settled(whole, traffic)
    paid = paid_once(whole, traffic)
    assert len(paid) == len(traffic.withdrawals) == WITHDRAWALS
    assert {row["status"] for row in paid.values()} == {"confirmed"}
    balances_add_up(whole, traffic)
    raised = Counter(row["kind"] for row in whole.api.all("/v1/alarms"))
    print(f"alarms {dict(raised)}")
    assert not NEVER & raised.keys()
    sent = whole.api.all("/v1/transactions")
    print(Counter((row["kind"], row["state"], len(row["attempts"])) for row in sent))
    audited(whole)
    assert traffic.crashes == strikes.crashes == whole.api.crashes == []
