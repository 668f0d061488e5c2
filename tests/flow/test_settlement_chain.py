"""The ledger against a real node: equal at one block, and money moved behind our back is seen."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from gateway import bell, db
from gateway.chain import store as chains
from gateway.chain.evm import node
from gateway.errors import DependencyAway, Refused
from gateway.ledger import service as ledger
from gateway.ledger.chart import Chart, Movement
from gateway.money import Money
from gateway.settings import settings
from gateway.settlement import audit, capital, reconciliation
from gateway.settlement.trace import trace
from tests.conftest import TestNode
from tests.flow.books import CHAIN, ETH
from tests.flow.day import open_chain, open_shop, own_address, read_to

VAULT = "0x00000000000000000000000000000000000000aa"
DEPOSIT_ADDRESS = "0x00000000000000000000000000000000000000bb"
GWEI = 10**9


@pytest.fixture(autouse=True)
def quiet(anvil: TestNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "send", lambda *_: None)
    monkeypatch.setattr(bell, "speak", lambda _: None)
    node.cache_clear()
    open_chain(vault=bytes.fromhex(VAULT[2:]))
    with db.transaction() as session:
        session.execute(text("delete from chain_asset where asset = 'USDC'"))


def watched(anvil: TestNode) -> None:
    """Let the watcher have read the whole chain."""
    hashes = {}
    for height in range(1, anvil.head() + 1):
        block = anvil.call("eth_getBlockByNumber", hex(height), False)
        assert isinstance(block, dict)
        hashes[height] = bytes.fromhex(str(block["hash"])[2:])
    read_to(anvil.head(), datetime.now(UTC), hashes)


def paid(anvil: TestNode, to: str, value: int) -> tuple[str, int]:
    """Pay on chain; returns the hash and the block."""
    tx = anvil.send(to=to, value=value)
    return tx, anvil.mine()


def book(debit: Chart, owner: str | None, value: int, tx: str, block: int) -> None:
    with db.transaction() as session:
        capital = ledger.house(session, Chart.CAPITAL, ETH)
        credit = ledger.owned(session, owner, ETH) if owner else capital
        ledger.post(
            session,
            key=tx,
            debit=ledger.house(session, debit, ETH, CHAIN),
            credit=credit,
            money=Money(value, ETH),
            movement=Movement.DEPOSIT if owner else Movement.CAPITAL,
            ref=f"dep_{block}",
            evidence=ledger.Evidence(CHAIN, block, bytes.fromhex(tx[2:])),
        )


def compared() -> reconciliation.Compared:
    with db.transaction() as session:
        (row,) = reconciliation.compare(session)
        return row


def business(anvil: TestNode) -> str:
    shop = open_shop()
    with db.transaction() as session:
        own_address(session, shop, bytes.fromhex(DEPOSIT_ADDRESS[2:]))
    book(Chart.HOT, None, 50 * GWEI, *paid(anvil, VAULT, 50 * GWEI))
    book(Chart.UNSWEPT, shop, 7 * GWEI, *paid(anvil, DEPOSIT_ADDRESS, 7 * GWEI))
    anvil.mine(4)
    watched(anvil)
    return shop


def test_the_chain_and_the_ledger_agree_at_one_block(anvil: TestNode) -> None:
    business(anvil)
    row = compared()
    assert row.block_number == anvil.head() - 2
    assert (row.on_chain.units, row.ledger.units) == (57 * GWEI, 57 * GWEI)
    assert row.unswept.units == 7 * GWEI
    assert not row.difference
    with db.transaction() as session:
        for position in reconciliation.positions(session):
            assert not position.difference


def test_coins_moved_behind_our_back_are_seen(anvil: TestNode) -> None:
    business(anvil)
    anvil.call("anvil_setBalance", VAULT, hex(20 * GWEI))
    anvil.mine(3)
    watched(anvil)
    assert compared().difference.units == -30 * GWEI
    with db.transaction() as session:
        (finding,) = audit.audit_chain(session)
    assert finding.is_breach
    assert "difference -0.00000003" in finding.detail


def test_what_is_pending_is_on_neither_side(anvil: TestNode) -> None:
    shop = business(anvil)
    tx, block = paid(anvil, DEPOSIT_ADDRESS, GWEI)
    watched(anvil)
    assert not compared().difference
    book(Chart.UNSWEPT, shop, GWEI, tx, block)
    assert not compared().difference
    anvil.mine(2)
    watched(anvil)
    row = compared()
    assert row.on_chain.units == 58 * GWEI
    assert not row.difference


def test_our_own_transaction_that_is_not_booked_yet_moves_the_block_back(anvil: TestNode) -> None:
    business(anvil)
    anvil.call("anvil_impersonateAccount", VAULT)
    stranger = f"{DEPOSIT_ADDRESS[:-2]}cc"
    fields = {"from": VAULT, "to": stranger, "value": hex(GWEI), "gasPrice": "0x0"}
    anvil.call("anvil_setNextBlockBaseFeePerGas", "0x0")
    tx = str(anvil.call("eth_sendTransaction", fields))
    block = anvil.mine()
    anvil.mine(3)
    watched(anvil)
    with db.transaction() as session:
        session.execute(
            text(
                "insert into signer (id, chain, address, role) values ('s', :chain, :a, 'payout');"
            ),
            {"chain": CHAIN, "a": b"\x05" * 20},
        )
        for statement in (
            "insert into intent (id, chain, kind, asset, signer_id, amount, payload, gas, tip, cap)"
            " values ('i', :chain, 'payout', 'ETH', 's', 1, '{}', 1, 1, 1)",
            "insert into transaction (id, signer_id, nonce, intent_id, call_hash)"
            " values ('t', 's', 0, 'i', sha256('call'))",
            "insert into attempt (hash, transaction_id, raw, tip, cap, gas)"
            " values (:hash, 't', '', 1, 1, 1)",
        ):
            session.execute(text(statement), {"chain": CHAIN, "hash": bytes.fromhex(tx[2:])})
    row = compared()
    assert row.block_number == block - 1
    assert not row.difference


def test_a_node_that_is_away_is_424(anvil: TestNode, monkeypatch: pytest.MonkeyPatch) -> None:
    business(anvil)
    monkeypatch.setenv("CHAINS", f"{CHAIN}=http://127.0.0.1:1")
    settings.cache_clear()
    node.cache_clear()
    with pytest.raises(DependencyAway), db.transaction() as session:
        reconciliation.compare(session)


def test_a_trace_tells_why_nothing_happened(anvil: TestNode) -> None:
    shop = business(anvil)

    def why(tx: str, owner: str | None = None) -> str:
        with db.transaction() as session:
            found = trace(session, bytes.fromhex(tx[2:]), owner=owner)
        assert not found.found
        return found.explanation

    stranger = "0x00000000000000000000000000000000000000dd"
    assert "unknown" in why("0x" + "ab" * 32)
    waiting = anvil.send(to=stranger, value=1)
    assert "pending" in why(waiting)
    anvil.mine()
    assert "not to us" in why(waiting)
    ours = anvil.send(to=DEPOSIT_ADDRESS, value=1)
    anvil.mine()
    assert "have not read yet" in why(ours)
    other = open_shop("other")
    assert "not to us" in why(ours, other)
    assert "have not read yet" in why(ours, shop)
    watched(anvil)
    assert "not recorded" in why(ours)


def test_a_trace_finds_what_the_ledger_has(anvil: TestNode) -> None:
    shop = business(anvil)
    with db.transaction() as session:
        tx = session.scalars(text("select tx_hash from ledger.transfer where code = 1")).one()
        found = trace(session, bytes(tx), owner=None)
        mine = trace(session, bytes(tx), owner=shop)
        other = trace(session, bytes(tx), owner="acct_other")
    assert [entry.place for entry in found.entries] == [1010, 2000]
    assert [entry.amount for entry in mine.entries] == ["0.000000007"]
    assert found.found
    assert not other.found


def test_a_float_is_booked_once_and_only_when_an_operator_says_so(anvil: TestNode) -> None:
    paid(anvil, VAULT, 5 * GWEI)
    anvil.mine(3)
    watched(anvil)
    with db.transaction() as session:
        chain = chains.chain(session, CHAIN)
        (before,) = reconciliation.compare_chain(session, chain)
        assert before.difference.units == 5 * GWEI
        booked = capital.book_float(session, chain)
    assert [(name, money.units) for name, money in booked] == [("payout vault", 5 * GWEI)]
    with db.transaction() as session:
        (after,) = reconciliation.compare_chain(session, chain)
        assert after.difference.units == 0
        assert capital.book_float(session, chain) == []


def test_a_loss_is_no_capital(anvil: TestNode) -> None:
    tx, block = paid(anvil, VAULT, 5 * GWEI)
    book(Chart.HOT, None, 6 * GWEI, tx, block)
    anvil.mine(3)
    watched(anvil)
    with db.transaction() as session, pytest.raises(Refused, match="less than the ledger"):
        capital.book_float(session, chains.chain(session, CHAIN))


def test_two_operators_at_once_book_a_float_once(anvil: TestNode) -> None:
    paid(anvil, VAULT, 5 * GWEI)
    anvil.mine(3)
    watched(anvil)
    seen: list[object] = []

    def book_too() -> None:
        with db.transaction() as session:
            seen.append(capital.book_float(session, chains.chain(session, CHAIN)))

    other = threading.Thread(target=book_too)
    with db.transaction() as session:
        assert capital.book_float(session, chains.chain(session, CHAIN))
        anvil.mine()
        watched(anvil)  # a later block, so that only the lock keeps the two apart
        other.start()
        other.join(1)
    other.join()
    assert seen == [[]]
