"""Rounds of the balance probe, and what the tests of it look at."""

from sqlalchemy import text

from gateway import db
from gateway.chain import store as chains
from gateway.deposits.probe import Probe
from gateway.settlement import audit
from tests.chain.money_in import CHAIN, Till, hexed, ledger_is_sound, number

SECONDS_MAX = 5.0


def probed(till: Till, probing: Probe | None = None) -> int:
    """Probe a whole round; returns how many addresses held unknown coin."""
    probing, found = probing or Probe(CHAIN), 0
    cursor = till.follower.cursor()[0]
    for _ in range(100):
        found += probing.step(till.node, cursor)
        if probing._asking is None:
            return found
        probing._asking[1].exception(SECONDS_MAX)
    raise AssertionError("the probe does not come to rest")


def put_there(till: Till, address: bytes, wei: int) -> None:
    """Have coin that no transaction brought, like a validator's reward."""
    till.anvil.call("anvil_setBalance", hexed(address), hex(wei))


def later(till: Till) -> None:
    """Let enough blocks pass for another round."""
    with db.transaction() as session:
        blocks = chains.chain(session, CHAIN).probe_blocks
    till.mine(blocks)


def unattributed() -> int:
    return number(
        "select coalesce(sum(credits_posted - debits_posted), 0) from ledger.account"
        " where code = 2050"
    )


def items() -> list[tuple[str, str, int]]:
    with db.transaction() as session:
        rows = session.execute(text("select kind, status, units from inbox_item order by id"))
        return [(row.kind, row.status, int(row.units)) for row in rows]


def assert_sound() -> None:
    assert ledger_is_sound()
    with db.transaction() as session:
        for check in ("sweeps.unswept", "sweeps.custody"):
            assert session.execute(text(audit.PROOFS[check])).all() == []
