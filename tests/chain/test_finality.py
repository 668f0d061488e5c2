"""When a deposit counts: by blocks, or when the network calls its block safe or final."""

import pytest
from sqlalchemy import text

from gateway import db
from gateway.deposits import credit, rules, service, store
from gateway.deposits.rules import Heights, Rule
from tests.chain.money_in import (
    CHAIN,
    CONFIRMATIONS,
    DOLLAR,
    ETHER,
    Till,
    created,
    hexed,
    ledger_is_sound,
    number,
)
from tests.chain.tagging import FINAL_BELOW, SAFE_BELOW, Wordless, read_by, standing, tier

MINTS_ITS_BLOCK = (
    "6340c10f1960e01b600052"  # the word that begins mint(address,uint256)
    "6020356004524360245260006000604460006000600035"  # to the second argument, the block's number
    "5af100"  # call the first argument
)
"""A contract whose effect depends on the block it is mined in."""


@pytest.fixture
def till(tagged: Till) -> Till:
    return tagged


@pytest.fixture
def account(till: Till) -> str:
    return till.account()


def test_each_amount_follows_its_own_tier(till: Till, account: str) -> None:
    tier(10 * DOLLAR, Rule("blocks", 2))
    tier(100 * DOLLAR, Rule("safe"))
    tier(1000 * DOLLAR, Rule("finalized"))
    ours = till.address(account)
    for units in (10 * DOLLAR - 1, 10 * DOLLAR, 100 * DOLLAR, 1000 * DOLLAR):
        till.pay_usdc(ours, units)
        till.pay_eth(bytes([7] * 20), 1)
    credited_after: dict[int, int] = {}
    till.mine()
    for depth in range(FINAL_BELOW + 2):
        for place, status in enumerate(standing(till)):
            if status == "credited":
                credited_after.setdefault(place, depth)
        till.mine()
    assert credited_after == {0: CONFIRMATIONS - 1, 1: 1, 2: SAFE_BELOW, 3: FINAL_BELOW}
    assert till.available(account) == 1120 * DOLLAR - 1
    assert ledger_is_sound()


def test_a_tier_is_of_one_asset(till: Till, account: str) -> None:
    tier(0, Rule("finalized"))
    till.pay_usdc(till.address(account), DOLLAR)
    till.pay_eth(till.address(account), ETHER)
    till.mine(CONFIRMATIONS)
    assert {(one.asset, one.status) for one in till.deposits()} == {
        ("USDC", "confirming"),
        ("ETH", "credited"),
    }


def test_the_rule_is_fixed_when_a_deposit_is_seen(till: Till, account: str) -> None:
    tier(0, Rule("finalized"))
    tx = till.pay_usdc(till.address(account), DOLLAR)
    till.mine()
    tier(0, Rule("blocks", 1))
    till.mine(CONFIRMATIONS)
    assert till.only().rule == Rule("finalized")
    assert till.only().status == "confirming"
    raw = till.raw(tx)
    till.anvil.reorg(CONFIRMATIONS + 1)
    till.mine()
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine()
    assert till.only().rule == Rule("blocks", 1)
    assert till.only().status == "credited"


def test_mined_again_with_another_effect_it_follows_that_effects_tier(
    till: Till, account: str
) -> None:
    length = len(MINTS_ITS_BLOCK) // 2
    minter = created(till.anvil, {"data": f"0x60{length:02x}80600b6000396000f3" + MINTS_ITS_BLOCK})
    first = till.anvil.head() + 1
    tier(0, Rule("blocks", 1))
    tier(first + 2, Rule("finalized"))
    words = till.usdc.rjust(32, b"\0") + till.address(account).rjust(32, b"\0")
    fields = {"from": till.anvil.accounts()[9], "to": hexed(minter), "data": hexed(words)}
    # an estimate would find what is enough for the outer call alone
    tx = str(till.anvil.call("eth_sendTransaction", fields | {"gas": hex(200_000)}))
    till.mine()
    assert (till.only().status, till.available(account)) == ("credited", first)
    raw, seen = till.raw(tx), till.only()
    till.anvil.reorg(1)
    till.mine(1)
    assert (till.only().status, till.available(account)) == ("reversed", 0)
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine()
    again = till.only()
    assert (again.id, again.epoch, int(again.amount)) == (seen.id, 2, first + 2)
    assert (again.rule, again.status) == (Rule("finalized"), "confirming")
    till.mine(FINAL_BELOW)
    assert (till.only().status, till.available(account)) == ("credited", first + 2)
    assert ledger_is_sound()


def test_a_reorganisation_takes_back_what_was_safe(till: Till, account: str) -> None:
    """The other branch's blocks are not safe because ours at that height were."""
    tier(0, Rule("safe"))
    till.mine()
    tx = till.pay_usdc(till.address(account), DOLLAR)
    till.mine(SAFE_BELOW + 2)
    seen, raw = till.only(), till.raw(tx)
    assert seen.status == "credited"
    till.anvil.call("anvil_rollback", SAFE_BELOW + 2)
    till.anvil.call("evm_increaseTime", 100)
    till.anvil.call("eth_sendRawTransaction", raw)
    till.mine()
    again = till.only()
    assert (again.block_number, again.epoch) == (seen.block_number, 2)
    till.restarted().resume()  # goes by what is recorded, whatever the node tells now
    assert till.only().status == "confirming"
    till.mine(SAFE_BELOW - 1)
    assert till.only().status == "confirming"
    till.mine()
    assert till.only().status == "credited"
    assert till.available(account) == DOLLAR


@pytest.mark.parametrize(
    ("rule", "depth"),
    [(Rule("blocks", 3), 3), (Rule("safe"), SAFE_BELOW + 1), (Rule("finalized"), FINAL_BELOW + 1)],
)
def test_the_compare_and_set_itself_asks_the_rule(
    till: Till, account: str, monkeypatch: pytest.MonkeyPatch, rule: Rule, depth: int
) -> None:
    """Whatever proposes a deposit, it is not booked before its time."""
    tier(0, rule)
    till.pay_usdc(till.address(account), DOLLAR)
    monkeypatch.setattr(credit, "credit_due", lambda *_: 0)
    booked = []
    for _ in range(depth):
        till.mine()
        with db.transaction() as session:
            booked.append(credit.book(session, till.only().id, till.anvil.head()))
    assert booked == [False] * (depth - 1) + [True]
    assert till.available(account) == DOLLAR


def test_a_word_the_node_never_tells_is_waited_for_and_an_operator_called(
    till: Till, account: str
) -> None:
    tier(0, Rule("finalized"))
    read_by(till, Wordless)
    for _ in range(2):
        till.pay_usdc(till.address(account), DOLLAR)
    till.mine(3 * FINAL_BELOW)
    assert standing(till) == ["confirming", "confirming"]
    assert till.events().count("alarm.finality_untold") == 1
    till.restarted()  # another endpoint, which tells it
    till.mine()
    assert standing(till) == ["credited", "credited"]


def test_the_books_are_compared_below_what_still_waits_by_its_own_rule(
    till: Till, account: str
) -> None:
    tier(0, Rule("finalized"))
    till.mine(2)
    till.pay_usdc(till.address(account), DOLLAR)
    till.mine(2 * CONFIRMATIONS)
    seen = till.only().block_number
    with db.transaction() as session:
        through = service.credited_through(session, CHAIN)
    assert through is not None
    assert through[0] == seen - 1
    till.mine(FINAL_BELOW)
    with db.transaction() as session:
        through = service.credited_through(session, CHAIN)
    assert through is not None
    assert through[0] == till.follower.cursor()[0] - CONFIRMATIONS + 1


def test_the_sql_and_the_pure_rule_say_the_same(till: Till) -> None:
    cases = [
        (rule, block, Heights(head, safe, final))
        for rule in (Rule("blocks", 1), Rule("blocks", 3), Rule("safe"), Rule("finalized"))
        for block in (4, 5, 6)
        for head in (4, 5, 7)
        for safe in (None, 0, 5, 9)
        for final in (None, 0, 5, 9)
    ]
    query = text(
        "select is_final(:finality, cast(:required as integer), :block, :head,"
        " cast(:safe as bigint), cast(:final as bigint))"
    )
    with db.transaction() as session:
        for rule, block, heights in cases:
            facts = {
                "finality": rule.finality,
                "required": rule.required,
                "block": block,
                "head": heights.head,
                "safe": heights.safe,
                "final": heights.finalized,
            }
            said = session.execute(query, facts).scalar_one()
            assert said is rules.is_final(rule, block, heights), facts


def test_heights_are_recorded_and_never_go_down(till: Till) -> None:
    till.mine(3)
    head = till.anvil.head()
    with db.transaction() as session:
        assert store.heights(session, CHAIN) == (head, head - SAFE_BELOW, head - FINAL_BELOW)
    assert number(
        "select count(*) from watch_cursor c join block b on b.hash = c.finalized_hash"
        " and b.number = c.finalized"
    ) == (1 if head - FINAL_BELOW >= till.follower.start_block else 0)
    node = read_by(till, Wordless)
    till.mine()
    assert node is till.follower.pool.nodes[0]
    with db.transaction() as session:
        assert store.heights(session, CHAIN) == (head + 1, head - SAFE_BELOW, head - FINAL_BELOW)
