"""Bugs that nodes and processes bring to light: what lags, lies, dies or is lost."""

from gateway.chain import checks
from gateway.chain.pool import Pool
from gateway.deposits import (
    accept,
    confirm,
    credit,
    heads,
    matching,
    pending,
    reorg,
    sight,
    tokens,
)
from gateway.deposits.follow import Follower
from gateway.deposits.heads import Heads
from gateway.deposits.pending import Pending
from tests.sim.bugs import AT_OLD, LOST, NEVER_FINAL, NOT_THERE, Bug, Villain
from tests.sim.planting import COMMIT, Source
from tests.sim.scenes import (
    a_process_dies_before_another_chain_is_shown,
    a_second_one_takes_back_what_the_first_goes_by,
    an_address_is_given_out_and_paid_at_once,
    an_amount_is_forged,
    an_answer_is_cut_off,
    an_archive_tells_the_old_branch,
    answers_come_too_late,
    it_dies_at_every_statement,
    logs_are_empty,
    logs_are_told_twice,
    one_calls_its_newest_block_final,
    one_log_is_left_out,
    one_of_two_is_late,
    one_stands_on_blocks_of_its_own,
    one_steps_back_beside_a_liar,
    redis_is_lost,
    the_machine_sleeps_while_its_endpoint_is_late,
    the_only_endpoint_is_late,
)

OF_THE_WATCHER = (
    Bug(
        "crediting goes on while another chain is shown",
        Villain.CRASH,
        "changed below the final block",
        a_process_dies_before_another_chain_is_shown,
        Source(credit, "CREDIT", "and c.halted_since is null", ""),
        Source(credit, "credit", "at.halted or ", ""),
    ),
    Bug(
        "a head that goes down is believed at once",
        Villain.LAG,
        "never left the chain",
        the_only_endpoint_is_late,
        Source(Heads, "_lasts_lower", ">= self.lower_seconds", ">= 0"),
    ),
    Bug(
        "a head that goes down is believed though another is ahead",
        Villain.LAG,
        "never left the chain",
        one_of_two_is_late,
        Source(
            Heads,
            "_leave_who_went_back",
            "for node, seen in found.items():",
            "for node, seen in ():",
        ),
        Source(
            Heads, "dissent", "for other in (*healthy, *self.pool.unheard()):", "for other in ():"
        ),
    ),
    Bug(
        "what was true before the machine slept has lasted all the time",
        Villain.CLOCK,
        "never left the chain",
        the_machine_sleeps_while_its_endpoint_is_late,
        Source(Heads, "_lasts", "gap=self._gap", "gap=float('inf')"),
    ),
    Bug(
        "a time-out is taken for an answer without coins",
        Villain.SLOW,
        LOST,
        answers_come_too_late,
        Source(
            sight,
            "moved",
            "    return driver.moves(view.node, blocks, logs)",
            "    try:\n        found = driver.moves(view.node, blocks, logs)\n"
            "    except NodeAway:\n        found = [[] for _ in blocks]\n    return found",
        ),
    ),
    Bug(
        "empty logs are believed",
        Villain.EMPTY,
        LOST,
        logs_are_empty,
        Source(checks, "suspicious_silence", "if not bloom:", "if True:"),
        Source(sight, "all_told", "if not own:", "if True:"),
        Source(sight, "told_alike", "if view.witness is None or not contracts:", "if True:"),
    ),
    Bug(
        "a second endpoint is asked about silence only",
        Villain.LEFT_OUT,
        LOST,
        one_log_is_left_out,
        Source(sight, "told_alike", "if view.witness is None or not contracts:", "if True:"),
    ),
    Bug(
        "a payment is named by where its log stands in the answer",
        Villain.DUPLICATE,
        NOT_THERE,
        logs_are_told_twice,
        Source(checks, "checked_logs", "if place <= last:", "if False:"),
        Source(matching, "from_event", "str(position)", "str(id(one))"),
        Source(tokens, "doubt_of", "if came < said:", "if False:"),
    ),
    Bug(
        "an answer as long as the cap is taken for whole",
        Villain.CAP,
        LOST,
        an_answer_is_cut_off,
        Source(checks, "truncated", "return len(logs) >= cap", "return False"),
    ),
    Bug(
        "no second node is asked",
        Villain.TWO_NODES,
        NEVER_FINAL,
        an_amount_is_forged,
        Source(Pool, "witness", "return next(", "return None and next("),
    ),
    Bug(
        "who steps back for a moment is not asked any more",
        Villain.TWO_NODES,
        NEVER_FINAL,
        one_steps_back_beside_a_liar,
        Source(
            Heads,
            "_leave_who_went_back",
            "self.pool.left_at[self._node] = cursor[0]",
            "self.pool.bench(self._node, 'late', Offence.LAGGING)",
        ),
    ),
    Bug(
        "what the second node lacks is believed",
        Villain.TWO_NODES,
        NEVER_FINAL,
        one_stands_on_blocks_of_its_own,
        Source(
            confirm,
            "same_block",
            "if other is None:",
            "if other is None:\n        return\n    if False:",
        ),
        Source(
            confirm,
            "receipts",
            "if other is None:",
            "if other is None:\n                continue\n            if False:",
        ),
    ),
    Bug(
        "one node's word is enough for final",
        Villain.TWO_NODES,
        NEVER_FINAL,
        one_calls_its_newest_block_final,
        Source(heads, "lowest", "return min(", "return heights[0] or min("),
    ),
    Bug(
        "a block the node still tells by hash is on its chain",
        Villain.ARCHIVE,
        NOT_THERE,
        an_archive_tells_the_old_branch,
        Source(
            Follower,
            "take_next",
            "block.parent_hash != cursor[1]",
            "view.node.header(cursor[1]) is None",
        ),
        Source(
            Follower,
            "take",
            "first.parent_hash != cursor[1]",
            "view.node.header(cursor[1]) is None",
        ),
    ),
    Bug(
        "the cursor is committed before the deposits",
        Villain.CRASH,
        LOST,
        it_dies_at_every_statement,
        Source(accept, "accept", "fresh = []", f"{COMMIT}\n        fresh = []"),
    ),
    Bug(
        "a credit is committed before its booking",
        Villain.CRASH,
        " in the ledger",
        it_dies_at_every_statement,
        Source(credit, "book", "    asset, place", f"    {COMMIT}\n    asset, place"),
    ),
    Bug(
        "what is proposed twice is credited twice",
        Villain.CRASH,
        "is credited twice",
        it_dies_at_every_statement,
        Source(credit, "credit", "deposit.status != rules.CONFIRMING", "False"),
        Source(credit, "CREDIT", "and d.status = 'confirming'", ""),
        Source(credit, "book", 'key=f"deposit:', 'key=f"{datetime.now(UTC)}:deposit:'),
    ),
    Bug(
        "the cursor goes back wherever it stands",
        Villain.SECOND,
        "never left the chain",
        a_second_one_takes_back_what_the_first_goes_by,
        Source(
            reorg,
            "ROLL_BACK",
            f"and number = :old {AT_OLD}",
            "and coalesce(cast(:old as bigint), length(cast(:old_hash as bytea))) is not null",
        ),
    ),
    Bug(
        "the index is not built again",
        Villain.REDIS,
        LOST,
        redis_is_lost,
        Source(Pending, "rebuild", "rows = store.waiting(session, self.chain)", "rows = []"),
    ),
    Bug(
        "an empty index is believed",
        Villain.REDIS,
        LOST,
        redis_is_lost,
        Source(
            pending, "STEP", "if redis.call('get', KEYS[5]) ~= ARGV[1] then return false end", ""
        ),
    ),
    Bug(
        "new addresses are not looked up before a block is matched",
        Villain.NEWCOMER,
        LOST,
        an_address_is_given_out_and_paid_at_once,
        Source(Follower, "take", "self.watched.refresh()", "pass"),
    ),
)
