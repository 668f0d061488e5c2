"""Short worlds, each of a few of the machine's own rules: what Hypothesis draws, drawn by hand."""

from collections.abc import Callable
from typing import Any

from tests.sim.machine import Worlds
from tests.sim.stage import MINIMUM

FIRST, SECOND = 0, 1
DROPPED = ["drop"]


class Stagehand(Worlds):
    """A world whose books are held against the chain after each deed, as Hypothesis does."""

    def begun(self, **facts: Any) -> "Stagehand":
        quiet = {
            "endpoints": 1,
            "confirmations": 2,
            "finalized_lag": 5,
            "minimum": 1,
            "tags": False,
            "internal": False,
            "archive": False,
            "tag": None,
        }
        self.begin(**quiet | facts)
        return self

    def do(self, deed: Callable[..., None], **facts: Any) -> None:
        deed(**facts)
        self.books_are_honest()

    def paid(self, *movements: tuple[int, str, int], then: int = 6) -> None:
        """Have one transaction mined, and work."""
        self.do(self.mine, blocks=[[list(movements)]], again=False, then=then)

    def reorganised(
        self,
        who: int,
        *fates: str,
        kind: str = "usdc",
        units: int = 7_000,
        depth: int = 1,
        then: int = 6,
    ) -> None:
        """Have a payment mined and seen, then its block replaced."""
        paid = [[(who, kind, units)]]
        self.do(
            self.reorg,
            paid=paid,
            above=0,
            spent=False,
            depth=depth,
            fates=[*fates],
            more=1,
            then=then,
        )

    def mined_again(self) -> None:
        """Have what a reorganisation dropped mined once more."""
        self.do(self.mine, blocks=[[[(SECOND, "usdc", 1_000)]]], again=True, then=6)


Scene = Callable[[Stagehand], None]


def three_transfers_in_one_transaction(world: Stagehand) -> None:
    world.begun().paid((FIRST, "usdc", 1_000), (FIRST, "usdc", 7_000), (SECOND, "usdc", 1_000))


def coins_of_our_own_come_back(world: Stagehand) -> None:
    world.begun().paid((FIRST, "swept", 1_000))


def a_transaction_fails(world: Stagehand) -> None:
    world.begun().paid((FIRST, "eth", 13))


def two_small_ones_together(world: Stagehand) -> None:
    world.begun(minimum=MINIMUM).do(world.dust, who=FIRST, kind="usdc", times=2)


def a_small_one_alone(world: Stagehand) -> None:
    world.begun(minimum=MINIMUM).do(world.dust, who=FIRST, kind="usdc", times=1)


def a_block_is_replaced_before_its_payment_is_final(world: Stagehand) -> None:
    world.begun(confirmations=4).reorganised(FIRST, *DROPPED)


def a_payment_waits_block_by_block(world: Stagehand) -> None:
    world.begun(confirmations=4).paid((FIRST, "usdc", 7_000))
    for _ in range(3):
        world.do(world.quiet, blocks=1, seconds=0)
        world.do(world.follow, most=2, who="same")


def a_credited_payment_is_dropped(world: Stagehand) -> None:
    world.begun(confirmations=1).reorganised(FIRST, *DROPPED)


def a_credited_payment_is_mined_again(world: Stagehand) -> None:
    world.begun(confirmations=1).reorganised(FIRST, *DROPPED)
    world.mined_again()


def a_reorganisation_goes_deeper_afterwards(world: Stagehand) -> None:
    world.begun(confirmations=1).paid((SECOND, "usdc", 7_000))
    world.paid((SECOND, "usdc", 7_000))
    world.reorganised(FIRST, *DROPPED)
    world.do(
        world.reorg,
        paid=[[(FIRST, "usdc", 1)]],
        above=0,
        spent=False,
        depth=4,
        fates=[],
        more=1,
        then=6,
    )


def what_is_spent_is_taken_back(world: Stagehand) -> None:
    world.begun(confirmations=1).paid((FIRST, "usdc", 7_000))
    world.do(world.spend, payer=FIRST, payee=SECOND, whole=True)
    world.reorganised(SECOND, *DROPPED, "drop", depth=2)
    world.paid((FIRST, "usdc", 1_000))
    world.mined_again()


def a_token_nobody_lists_is_dropped(world: Stagehand) -> None:
    world.begun().reorganised(FIRST, *DROPPED, kind="junk")


def it_is_mined_at_another_log_index(world: Stagehand) -> None:
    world.begun(confirmations=1).reorganised(FIRST, "index")


def it_pays_somebody_else_on_the_other_branch(world: Stagehand) -> None:
    world.begun(confirmations=1).reorganised(SECOND, "owner")


def it_is_spent_otherwise(world: Stagehand) -> None:
    world.begun(confirmations=4).reorganised(FIRST, "double_spent")
    world.do(world.quiet, blocks=6, seconds=0)
    world.do(world.follow, most=6, who="same")


def an_archive_tells_the_old_branch(world: Stagehand) -> None:
    world.begun(confirmations=1, archive=True).reorganised(FIRST, *DROPPED)


def another_chain_is_shown(world: Stagehand) -> None:
    world.begun(tags=True).do(world.deep_fork, below=1, steps=3, at=110)


def a_process_dies_before_another_chain_is_shown(world: Stagehand) -> None:
    for at in (60, 75, 90):
        world.begun(tags=True, confirmations=4) if at == 60 else None
        world.do(world.deep_fork, below=1, steps=3, at=at)


def the_only_endpoint_is_late(world: Stagehand) -> None:
    world.begun(confirmations=1).paid((FIRST, "usdc", 7_000))
    world.do(world.trouble, place=0, kind="lag")


def the_machine_sleeps_while_its_endpoint_is_late(world: Stagehand) -> None:
    world.begun(confirmations=1).paid((FIRST, "usdc", 7_000))
    world.do(world.trouble, place=0, kind="lag")
    world.do(world.asleep, seconds=30)
    world.do(world.follow, most=1, who="same")


def one_of_two_is_late(world: Stagehand) -> None:
    world.begun(confirmations=1, endpoints=2).paid((FIRST, "usdc", 7_000))
    world.do(world.trouble, place=0, kind="lag")
    for _ in range(6):
        world.do(world.follow, most=1, who="same")


def logs_are_told_twice(world: Stagehand) -> None:
    world.begun().do(world.trouble, place=0, kind="duplicate_logs")


def an_answer_is_cut_off(world: Stagehand) -> None:
    world.begun(tags=True).do(world.trouble, place=0, kind="cap")


def answers_come_too_late(world: Stagehand) -> None:
    world.begun()
    for at in range(2, 6):
        world.do(world.hang, place=0, at=at, answers=1)


def logs_are_empty(world: Stagehand) -> None:
    world.begun(endpoints=2).do(world.lie, place=0, kind="empty_logs", depth=1)


def one_log_is_left_out(world: Stagehand) -> None:
    world.begun(endpoints=2).do(world.lie, place=0, kind="drop_log", depth=1)


def an_amount_is_forged(world: Stagehand) -> None:
    world.begun(endpoints=2).do(world.lie, place=0, kind="forge", depth=1)


def one_stands_on_blocks_of_its_own(world: Stagehand) -> None:
    world.begun(endpoints=2, confirmations=1).do(world.lie, place=0, kind="fork", depth=1)


def one_steps_back_beside_a_liar(world: Stagehand) -> None:
    world.begun(endpoints=2, confirmations=1).quiet(blocks=6, seconds=0)
    world.catch_up()
    world.quiet(blocks=1, seconds=0)
    world.busy()
    world.do(world.lie, place=1, kind="fork", depth=1)
    world.do(world.rollback, depth=3)


def one_calls_its_newest_block_final(world: Stagehand) -> None:
    world.begun(endpoints=2, tags=True, tag="finalized")
    world.do(world.lie, place=0, kind="early", depth=1)


def it_dies_at_every_statement(world: Stagehand) -> None:
    world.begun(confirmations=1)
    for at in range(4, 90, 6):
        world.do(world.crash, at=at, most=1, fresh=False)


def a_second_one_takes_back_what_the_first_goes_by(world: Stagehand) -> None:
    world.begun(confirmations=1)
    for at in range(1, 10, 2):
        world.do(world.two_followers, at=at, most=3, instead=False, fates=("later",))


def redis_is_lost(world: Stagehand) -> None:
    world.begun().paid((FIRST, "usdc", 7_000), then=1)
    world.do(world.redis_lost, most=0)


def a_block_is_older_than_the_last(world: Stagehand) -> None:
    world.begun().paid((FIRST, "usdc", 7_000))
    world.do(world.quiet, blocks=1, seconds=-5_000)


def an_address_is_given_out_and_paid_at_once(world: Stagehand) -> None:
    world.begun().do(world.follow, most=2, who="same")
    world.do(world.newcomer, kind="usdc")
