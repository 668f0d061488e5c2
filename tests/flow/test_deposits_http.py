"""Addresses, deposits, chains and assets over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.accounts import service as accounts
from gateway.addresses import routes as address_routes
from gateway.addresses import service as addresses
from gateway.chain import freshness
from gateway.chain import routes as chain_routes
from gateway.chain.add import NewAsset
from gateway.chain.address import show_address
from gateway.deposits import routes as deposit_routes
from gateway.deposits import service
from gateway.deposits.rules import Rule
from gateway.deposits.store import Deposit
from gateway.ids import new_id
from gateway.scopes import ACCOUNT_SCOPES, OPERATOR_SCOPES
from gateway.web import problems
from tests.flow.test_deposits_addresses import CHAIN, DEPLOYED, add

USDC = bytes([8] * 20)
BLOCKS = Rule("blocks", 3)


@pytest.fixture
def client(database: str, redis_url: str) -> Iterator[TestClient]:
    add(31337, DEPLOYED, NewAsset("USDC", "USD Coin", USDC, 6, minimum_deposit=1_500_000))
    app = FastAPI()
    problems.install(app)
    for routes in (address_routes, deposit_routes, chain_routes):
        app.include_router(routes.routes)
    with db.transaction() as session:
        _, secret = accounts.issue_key(session, account_id=None, name="op", scopes=OPERATOR_SCOPES)
    with TestClient(app, headers={"Authorization": f"Bearer {secret}"}) as opened:
        yield opened


def person(handle: str) -> tuple[str, dict[str, str]]:
    """Open an account; returns its id and the headers of its own key."""
    with db.transaction() as session:
        account = accounts.open_account(session, handle=handle, kind="person").id
        _, secret = accounts.issue_key(
            session, account_id=account, name="own", scopes=ACCOUNT_SCOPES
        )
    return account, {"Authorization": f"Bearer {secret}"}


def arrived(
    account: str,
    tx: int,
    block: int = 8,
    status: str = "confirming",
    rule: Rule = BLOCKS,
) -> str:
    """Write a deposit of 2 USDC as the watcher would."""
    with db.transaction() as session:
        address = addresses.allocate(session, account_id=account, chain=CHAIN).address
        deposit = Deposit(
            id=new_id("dep"),
            chain=CHAIN,
            tx_hash=bytes([tx] * 32),
            kind="erc20",
            position="0",
            account_id=account,
            address=address,
            from_address=bytes([0xAB] * 20),
            asset="USDC",
            amount=Decimal(2_000_000),
            block_number=block,
            block_hash=bytes([tx] * 32),
            block_time=datetime.now(UTC),
            log_index=0,
            status=status,
            finality=rule.finality,
            required=rule.required,
        )
        session.add(deposit)
    return deposit.id


def read_up_to(block: int) -> None:
    with db.transaction() as session:
        session.execute(
            text(
                "insert into watch_cursor (chain, number, hash) values (:chain, :number, :hash)"
                " on conflict (chain) do update set number = :number"
            ),
            {"chain": CHAIN, "number": block, "hash": bytes(32)},
        )


def test_an_address_comes_with_the_minimum_of_each_asset(client: TestClient) -> None:
    account, _ = person("amira")
    url = f"/v1/accounts/{account}/addresses"
    first = client.post(url, json={"chain": CHAIN})
    assert first.status_code == 200, first.text
    assert first.json()["minimum_deposits"] == {"USDC": "1.50"}
    assert (
        client.post("/v1/accounts/@amira/addresses", json={"chain": CHAIN}).json() == first.json()
    )


def test_an_address_on_an_unknown_chain_or_of_nobody_is_refused(client: TestClient) -> None:
    account, _ = person("amira")
    _, other = person("bilal")
    url = f"/v1/accounts/{account}/addresses"
    assert client.post(url, json={"chain": "eip155:1"}).json()["code"] == "unknown_chain"
    assert client.post(url, json={"chain": CHAIN}, headers=other).status_code == 404
    assert client.post(url, json={"chain": "a\x00b"}).status_code == 422
    assert client.post(url, json={}).status_code == 422
    nobody = client.post("/v1/accounts/acct_none/addresses", json={"chain": CHAIN})
    assert nobody.status_code == 404


def test_a_deposit_is_shown_with_the_confirmations_it_has_now(client: TestClient) -> None:
    account, _ = person("amira")
    deposit = arrived(account, 1, block=8)
    shown = client.get(f"/v1/deposits/{deposit}").json()
    assert (shown["confirmations"], shown["confirmations_required"]) == (0, 3)
    read_up_to(9)
    shown = client.get(f"/v1/deposits/{deposit}").json()
    assert shown["confirmations"] == 2
    assert shown["amount"] == "2.00"
    assert shown["tx_hash"] == "0x" + "01" * 32
    assert shown["from_address"] == show_address(bytes([0xAB] * 20))
    assert set(shown) >= {
        "id",
        "account",
        "invoice",
        "chain",
        "asset",
        "amount",
        "address",
        "from_address",
        "tx_hash",
        "block_number",
        "block_hash",
        "status",
        "confirmations",
        "confirmations_required",
        "detected_at",
        "credited_at",
    }


def test_a_deposit_that_waits_for_the_network_says_so(client: TestClient) -> None:
    account, _ = person("amira")
    read_up_to(9)
    for place, tag in enumerate(("safe", "finalized")):
        deposit = arrived(account, place + 1, block=8, rule=Rule(tag))
        shown = client.get(f"/v1/deposits/{deposit}").json()
        assert (shown["finality"], shown["confirmations_required"]) == (tag, None)
        assert shown["confirmations"] == 2
    counted = client.get(f"/v1/deposits/{arrived(account, 3)}").json()
    assert (counted["finality"], counted["confirmations_required"]) == ("blocks", 3)


def test_a_list_is_filtered_and_paged_newest_first(client: TestClient) -> None:
    account, own = person("amira")
    other, _ = person("bilal")
    mine = [arrived(account, 1), arrived(account, 2, status="orphaned")]
    arrived(other, 3)
    assert ids(client, account=account) == mine[::-1]
    assert ids(client, status="orphaned") == [mine[1]]
    assert ids(client, tx_hash="0x" + "01" * 32) == [mine[0]]
    assert ids(client, chain="eip155:1") == []
    assert ids(client, asset="USDC", account=account, limit="1") == [mine[1]]
    assert ids(client, account=account, starting_after=mine[1]) == [mine[0]]
    seen = client.get("/v1/deposits", headers=own).json()["data"]
    assert [one["id"] for one in seen] == mine[::-1]
    foreign = client.get("/v1/deposits", params={"account": other}, headers=own)
    assert foreign.status_code == 404


@pytest.mark.parametrize(
    "query", [{"status": "lost"}, {"tx_hash": "0x12"}, {"limit": "0"}, {"starting_after": "x"}]
)
def test_a_filter_that_makes_no_sense_is_refused(client: TestClient, query: dict[str, str]) -> None:
    assert client.get("/v1/deposits", params=query).status_code == 422


def test_anothers_deposit_does_not_exist(client: TestClient) -> None:
    account, _ = person("amira")
    _, other = person("bilal")
    deposit = arrived(account, 1)
    assert client.get(f"/v1/deposits/{deposit}", headers=other).status_code == 404
    assert client.get("/v1/deposits/dep_none").status_code == 404


def test_what_is_confirming_is_summed_by_asset(client: TestClient) -> None:
    account, _ = person("amira")
    arrived(account, 1)
    arrived(account, 2)
    arrived(account, 3, status="orphaned")
    with db.transaction() as session:
        found = service.confirming(session, account)
    assert {code: str(money) for code, money in found.items()} == {"USDC": "4.00"}


def test_heads_are_told_for_chains_not_read_yet(client: TestClient) -> None:
    with db.transaction() as session:
        (head,) = freshness.heads(session)
    assert (head.number, head.age, head.stale) == (None, None, True)
    read_up_to(9)
    with db.transaction() as session:
        assert freshness.heads(session)[0].number == 9


def test_chains_and_assets_are_listed(client: TestClient) -> None:
    (chain,) = client.get("/v1/chains").json()["data"]
    assert (chain["chain"], chain["confirmations"]) == (CHAIN, 3)
    (asset,) = client.get("/v1/assets").json()["data"]
    assert asset["asset"] == "USDC"
    assert asset["chains"][0]["minimum_deposit"] == "1.50"
    assert client.get("/v1/assets", headers={"Authorization": "Bearer no"}).status_code == 401


def ids(client: TestClient, **query: str) -> list[str]:
    answer = client.get("/v1/deposits", params=query)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["data"]]
