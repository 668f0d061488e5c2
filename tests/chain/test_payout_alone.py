"""Native coin to accounts that were never used: by itself, from the signer, once."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import db
from gateway.chain.port import NodeAway
from gateway.ledger.chart import Chart
from tests.chain.money_in import ETH, ETHER, open_till
from tests.chain.money_out import Desk, open_desk
from tests.conftest import TestNode
from workers import signer

TENTH = ETHER // 10  # 200 USD: nobody need approve it
FRESH = [bytes([n] * 20) for n in range(0xC1, 0xC6)]


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund(ethers=50)
    with db.transaction() as session:
        session.execute(text("update chain set send_alone = true"))
    return desk


def ask(desk: Desk, account: str, *places: bytes, wei: int = TENTH) -> list[str]:
    return [desk.ask(account, wei, place, ETH) for place in places]


def kinds(desk: Desk) -> list[str]:
    return [intent.kind for intent in desk.intents()]


def test_each_goes_by_itself_for_the_price_of_a_plain_transaction(desk: Desk) -> None:
    account = desk.rich(ethers=20)
    before = desk.holds(desk.vault, ETH)
    wanted = ask(desk, account, *FRESH[:3])
    desk.finish()
    assert kinds(desk) == ["send"] * 3
    assert [desk.holds(place, ETH) for place in FRESH[:3]] == [TENTH] * 3
    assert {desk.row(wd).status for wd in wanted} == {"confirmed"}
    plain = desk.till.node.estimate_gas(sender=desk.operator, to=FRESH[4], value=1)
    assert [tx.gas_used for tx in desk.transactions()] == [plain] * 3
    assert (desk.holds(desk.vault, ETH), desk.seq()) == (before, 0)
    assert desk.house(Chart.HOT, ETH) == 0  # neither booked in by the test nor paid out
    assert desk.sound()


def test_the_books_say_that_it_came_from_the_signer(desk: Desk) -> None:
    account = desk.rich(ethers=20)
    tank = desk.house(Chart.GAS_TANK, ETH)
    ask(desk, account, FRESH[0])
    desk.finish()
    (sent,) = desk.transactions()
    assert tank - desk.house(Chart.GAS_TANK, ETH) == TENTH + int(sent.fee or 0)


def test_a_known_account_is_paid_by_the_vault(desk: Desk) -> None:
    known = bytes.fromhex(desk.till.anvil.accounts()[3][2:])
    account = desk.rich(ethers=20)
    ask(desk, account, known, FRESH[0])
    desk.finish()
    assert sorted(kinds(desk)) == ["payout", "send"]
    assert desk.holds(FRESH[0], ETH) == TENTH
    assert desk.sound()


def test_without_enough_to_spare_the_vault_pays(desk: Desk) -> None:
    place = "0x" + desk.operator.hex()
    desk.till.anvil.call("anvil_setBalance", place, hex(TENTH))
    (wd,) = ask(desk, desk.rich(ethers=20), FRESH[0])
    desk.finish()
    assert kinds(desk) == ["payout"]
    assert (desk.holds(FRESH[0], ETH), desk.row(wd).status) == (TENTH, "confirmed")


def test_a_crash_or_a_lost_answer_pays_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (wd,) = ask(desk, desk.rich(ethers=20), FRESH[0])
    desk.pay()
    desk.sign()

    def lost(*_: object) -> bytes:
        raise NodeAway("the answer was lost")

    with monkeypatch.context() as broken:
        broken.setattr(type(desk.till.node), "send_raw", lost)
        desk.pay()
    desk.till.anvil.mine()
    desk.finish()
    assert (desk.holds(FRESH[0], ETH), desk.row(wd).status) == (TENTH, "confirmed")
    assert len(desk.transactions()) == 1


def test_a_stuck_one_is_signed_again_with_its_value(desk: Desk) -> None:
    ask(desk, desk.rich(ethers=20), FRESH[0])
    desk.pay()
    desk.sign()
    desk.pay()
    with db.transaction() as session:
        session.execute(text("update attempt set created_at = now() - interval '1 hour'"))
    desk.pay()
    assert signer.raise_next("eip155:31337")
    desk.finish()
    assert desk.holds(FRESH[0], ETH) == TENTH
    assert len(desk.attempts()) == 2


def test_a_recipient_that_refuses_has_the_money_given_back(desk: Desk) -> None:
    account = desk.rich(ethers=20)
    (wd,) = ask(desk, account, FRESH[0])
    desk.pay()
    desk.sign()
    # between the plan and the block it becomes a contract that takes nothing
    code = desk.till.node.code(desk.till.mock("NoReceive"))
    desk.till.anvil.call("anvil_setCode", "0x" + FRESH[0].hex(), "0x" + code.hex())
    desk.finish()
    row = desk.row(wd)
    assert (row.status, row.failure_reason) == ("failed", "recipient_refused")
    assert desk.till.available(account, ETH) == 20 * ETHER
    assert desk.sound()
