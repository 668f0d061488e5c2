"""Every process is killed once while money comes in and goes out; afterwards nothing is missing.

The clients resend no transaction: what a restarted node lost never happened, and the final chain
alone says what must be credited.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from eth_account import Account

from tests.whole.conftest import Whole
from tests.whole.world import (
    Api,
    Chain,
    NodeAway,
    NodeRefused,
    Receiver,
    decimal,
    eventually,
    listening,
    units,
)

pytestmark = [pytest.mark.serial, pytest.mark.timeout(400)]

ACCOUNTS = 6
FLOAT = {"USDC": 500 * 10**6, "ETH": 10**18}
DEPOSIT_UNITS = {"USDC": 10**6, "ETH": 10**15}
PAYMENT_MOST = {"USDC": 20 * 10**6, "ETH": 10**16}
PROCESSES = ("api", "watch", "pay", "sweep", "deliver", "close", "signer", "beat")
SERVERS = ("redis", "postgres")
QUIET_SECONDS = 120.0
BUSY_LEAST = 8  # fewer would prove little
ENDED = {"confirmed", "failed", "cancelled", "rejected"}


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

    def __init__(self, whole: Whole, seed: int) -> None:
        self.whole, self.seed = whole, seed
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
                chain.send(where["address"], asset, amount) for asset, amount in FLOAT.items()
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
        deadline = time.monotonic() + QUIET_SECONDS
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
                thread.join(QUIET_SECONDS)
            assert not any(thread.is_alive() for thread in threads)


def faults(whole: Whole, choice: random.Random) -> list[tuple[str, Callable[[], None]]]:
    """Return every fault once, in an order the seed decides."""
    found: list[tuple[str, Callable[[], None]]] = [
        (name, lambda name=name: whole.stack.kill(name))  # type: ignore[misc]
        for name in (*PROCESSES, *SERVERS)
    ]
    found.append(("redis is emptied", lambda: empty_redis(whole)))
    found.append(("anvil", lambda: kill_anvil(whole, choice)))
    choice.shuffle(found)
    return found


def empty_redis(whole: Whole) -> None:
    """Lose all of Redis at once; it may be away already."""
    import redis

    url = whole.stack.environment()["REDIS_URL"]

    def flushed() -> bool:
        try:
            with redis.Redis.from_url(url) as connection:
                return bool(connection.flushall())
        except redis.RedisError:
            return False

    eventually("redis is emptied", flushed)


def kill_anvil(whole: Whole, choice: random.Random) -> None:
    """Kill the node at most two blocks after a save: what is final on it is not lost.

    Deeper, a payout that was final would leave the chain, and no confirmation depth bears that.
    """
    save = whole.stack.home / "anvil" / "state.json.gz"
    before = save.stat().st_mtime_ns
    eventually("the chain is saved", lambda: save.stat().st_mtime_ns != before)
    time.sleep(choice.uniform(0, 1.2))
    whole.stack.kill("anvil")


def deposits_of(api: Api, accounts: list[str]) -> list[dict[str, Any]]:
    """Return every deposit of the accounts."""
    return [row for account in accounts for row in api.all("/v1/deposits", account=account)]


def withdrawals_of(api: Api, accounts: list[str]) -> list[dict[str, Any]]:
    """Return every withdrawal of the accounts."""
    return [row for account in accounts for row in api.all("/v1/withdrawals", account=account)]


def thawed(api: Api, accounts: list[str]) -> None:
    """Let go on whoever was frozen because a credited deposit left the chain."""
    for account in accounts:
        if api.get(f"/v1/accounts/{account}")["status"] == "frozen":
            api.post(f"/v1/accounts/{account}/unfreeze")


def is_quiet(whole: Whole, traffic: Traffic) -> bool:
    """True when the chain's payments are all credited and every withdrawal ended."""
    api, accounts = whole.api, list(traffic.addresses)
    thawed(api, accounts)
    deposits = deposits_of(api, accounts)
    credited = Counter((row["tx_hash"], row["asset"]) for row in deposits if is_in(row))
    paid = whole.chain.payments(set(traffic.addresses.values()), 0)
    waiting = [row for row in deposits if row["status"] == "confirming"]
    open_ones = [row for row in withdrawals_of(api, accounts) if row["status"] not in ENDED]
    return not waiting and not open_ones and set(credited) == set(paid)


def is_in(deposit: dict[str, Any]) -> bool:
    """True for a deposit whose money the account has."""
    return bool(deposit["status"] == "credited")


def credited_once(whole: Whole, traffic: Traffic) -> None:
    """What the chain says was paid is what was credited, no more and no less, to the right one."""
    accounts = {address.lower(): account for account, address in traffic.addresses.items()}
    paid = whole.chain.payments(set(accounts), 0)
    rows = [row for row in deposits_of(whole.api, list(traffic.addresses)) if is_in(row)]
    assert len(rows) == len({(row["tx_hash"], row["asset"]) for row in rows})
    said = {
        (row["tx_hash"], row["asset"]): (row["account"], units(row["amount"], row["asset"]))
        for row in rows
    }
    assert said == {key: (accounts[to], amount) for key, (to, amount) in paid.items()}


def paid_once(whole: Whole, traffic: Traffic) -> dict[str, dict[str, Any]]:
    """Each withdrawal is one row, and its target has its amount, or nothing if it was not paid."""
    rows = withdrawals_of(whole.api, list(traffic.addresses))
    asked = {wish.body["to_address"]: wish for wish in traffic.withdrawals}
    assert Counter(row["to_address"] for row in rows).keys() <= asked.keys()
    assert len(rows) == len({row["to_address"] for row in rows})
    answered = {wish.answer["id"] for wish in traffic.withdrawals if wish.answer}
    assert {row["id"] for row in rows} == answered
    for row in rows:
        want = units(row["amount"], row["asset"]) if row["status"] == "confirmed" else 0
        assert whole.chain.held(row["to_address"], row["asset"]) == want, row
        assert Decimal(row["amount"]) == Decimal(asked[row["to_address"]].body["amount"])
    unpaid = asked.keys() - {row["to_address"] for row in rows}
    for address in unpaid:
        assert asked[address].refused
        assert whole.chain.held(address, asked[address].body["asset"]) == 0
    return {row["id"]: row for row in rows}


def balances_add_up(whole: Whole, traffic: Traffic) -> None:
    """Each balance is what came in, less what went out, by this client's own book."""
    api, accounts = whole.api, list(traffic.addresses)
    book: Counter[tuple[str, str]] = Counter()
    for row in deposits_of(api, accounts):
        if is_in(row):
            book[row["account"], row["asset"]] += units(row["amount"], row["asset"])
    for wish in traffic.transfers:
        if wish.answer:
            asset, amount = wish.body["asset"], units(wish.body["amount"], wish.body["asset"])
            book[wish.body["from"], asset] -= amount
            book[wish.body["to"], asset] += amount
    for row in withdrawals_of(api, accounts):
        if row["status"] == "confirmed":
            cost = units(row["amount"], row["asset"]) + units(row["fee"], row["asset"])
            book[row["account"], row["asset"]] -= cost
    for account in accounts:
        for row in api.get(f"/v1/accounts/{account}/balances")["data"]:
            assert Decimal(row["held"]) == Decimal(row["pending"]) == 0, row
            assert units(row["available"], row["asset"]) == book[account, row["asset"]], row


def told_once(api: Api, shop: Receiver, traffic: Traffic, paid: dict[str, dict[str, Any]]) -> None:
    """One event for each credit and each payment, and the receiver heard every one of them."""
    events = api.all("/v1/events")
    rows = deposits_of(api, list(traffic.addresses))
    wanted = {
        "deposit.credited": [row["id"] for row in rows if is_in(row)],
        "withdrawal.confirmed": [key for key, row in paid.items() if row["status"] == "confirmed"],
    }
    for type_, ids in wanted.items():
        told = [event for event in events if event["type"] == type_]
        mine = Counter(event["data"]["id"] for event in told if event["data"]["id"] in set(ids))
        assert set(mine) == set(ids)
        again = {key for key, times in mine.items() if times > 1}
        taken_back = {e["data"]["id"] for e in events if e["type"] == "deposit.reversed"}
        assert again <= taken_back, f"{type_} told twice: {again}"
        due = {event["id"] for event in told if event["data"]["id"] in mine}
        eventually(f"every {type_} is heard", partial(is_heard, shop, type_, due), QUIET_SECONDS)


def is_heard(shop: Receiver, type_: str, due: set[str]) -> bool:
    """True when the receiver heard each of these events."""
    return due <= shop.heard(type_)


def test_everything_is_killed_and_nothing_is_lost(running: Whole) -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}: SEED={seed} strikes in the same order again")
    choice = random.Random(seed)
    traffic = Traffic(running, seed)
    with listening(running.api) as shop:
        traffic.open_accounts()
        with traffic.flowing():
            for name, strike in faults(running, choice):
                time.sleep(choice.uniform(0.5, 3))
                print(f"{time.monotonic():.1f} {name}", flush=True)
                strike()
            time.sleep(choice.uniform(0.5, 3))
        running.until_ready()
        eventually("everything is quiet", lambda: is_quiet(running, traffic), QUIET_SECONDS)
        print(f"{len(traffic.sent)} deposits, {len(traffic.transfers)} transfers")
        assert min(len(traffic.sent) - 2 * ACCOUNTS, len(traffic.withdrawals)) >= BUSY_LEAST
        credited_once(running, traffic)
        paid = paid_once(running, traffic)
        print(Counter(row["status"] for row in paid.values()))
        balances_add_up(running, traffic)
        told_once(running.api, shop, traffic, paid)
        assert shop.forged == []
    audited(running)
    assert traffic.crashes == []
    assert running.api.crashes == []


def audited(running: Whole) -> None:
    """The audit is clean, and the chain and the books agree to the last unit."""
    done = running.mizan("audit")
    assert done.returncode == 0, done.stdout + done.stderr
    books = running.api.get("/v1/reconciliation")
    for row in (*books["data"], *books["owed"]):
        assert Decimal(row["difference"]) == 0, row
