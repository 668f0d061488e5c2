"""The index of confirming deposits in Redis: which are final at this head, in one call per head.

Three sorted sets per chain: deposits that wait for blocks, scored by the height at which they are
final; and those that wait for the network's word, safe or finalized, scored by their own block.
Postgres decides: what is popped here is only asked there. A marker names the block up to which the
index is complete, and the count of changes made beside the flow of blocks; when it is not the
cursor's (Redis was emptied, a process died between commit and index, blocks were read again), the
index is built again from Postgres. What was popped waits in a set of its own until it is settled.
"""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import redis
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import bell, db
from gateway.deposits import rules, store
from gateway.deposits.rules import Heights, Waiting

REBUILD_BATCH = 5_000
DUE_PER_HEAD_MAX = 1_000
BUILT_SECONDS = 60
"""What was built and never put in place is forgotten."""

# keys: blocks, safe, finalized, due, marker
# arguments: marker before, marker now, head, safe, finalized, most to pop,
#   then for each set how many values come, and those: (score, id)*
STEP = """
if redis.call('get', KEYS[5]) ~= ARGV[1] then return false end
local at = 7
for set = 1, 3 do
    local last = at + tonumber(ARGV[at])
    for first = at + 1, last, 2000 do
        redis.call('zadd', KEYS[set], unpack(ARGV, first, math.min(first + 1999, last)))
    end
    at = last + 1
end
redis.call('set', KEYS[5], ARGV[2])
local left = tonumber(ARGV[6])
for set = 1, 3 do
    if left > 0 and ARGV[2 + set] ~= '' then
        local due = redis.call(
            'zrangebyscore', KEYS[set], '-inf', ARGV[2 + set], 'limit', 0, left)
        if #due > 0 then
            redis.call('zrem', KEYS[set], unpack(due))
            redis.call('sadd', KEYS[4], unpack(due))
        end
        left = left - #due
    end
end
return redis.call('smembers', KEYS[4])
"""
# keys: blocks, safe, finalized, due, marker; arguments: marker before, marker now, id*
FORGET = """
if redis.call('get', KEYS[5]) ~= ARGV[1] then return 0 end
for i = 3, #ARGV do
    for set = 1, 3 do redis.call('zrem', KEYS[set], ARGV[i]) end
    redis.call('srem', KEYS[4], ARGV[i])
end
redis.call('set', KEYS[5], ARGV[2])
return 1
"""
# keys: blocks, safe, finalized, due, marker, then the three sets as built; argument: marker
SWAP = """
for set = 1, 3 do
    redis.call('unlink', KEYS[set])
    if redis.call('exists', KEYS[5 + set]) == 1 then
        redis.call('rename', KEYS[5 + set], KEYS[set])
        redis.call('persist', KEYS[set])
    end
end
redis.call('unlink', KEYS[4])
redis.call('set', KEYS[5], ARGV[1])
"""
FINAL = text("""
    select d.id from deposit d join chain_asset a on a.chain = d.chain and a.asset = d.asset
    join watch_cursor c on c.chain = d.chain
    where d.chain = :chain and d.status = 'confirming' and d.amount >= a.minimum_deposit
        and is_final(d.finality, d.required, d.block_number, c.number, c.safe, c.finalized)
    order by d.block_number, d.id limit :most
""")
SETS = {rules.BLOCKS: 0, rules.SAFE: 1, rules.FINALIZED: 2}

Place = tuple[int, bytes | None]
"""A block by height and hash."""

log = structlog.get_logger()


class Pending:
    """One chain's index; `epoch` is the count of changes beside the flow that it knows of."""

    def __init__(self, chain: str, epoch: int = 0) -> None:
        self.chain, self.epoch = chain, epoch
        self._marker = f"conf:{chain}:at"
        self._sets = tuple(f"conf:{chain}:{finality}" for finality in SETS)
        self._due = f"conf:{chain}:due"
        self._keys = (*self._sets, self._due, self._marker)

    def step(
        self, before: Place, now: Place, fresh: Iterable[Waiting], heights: Heights
    ) -> list[str]:
        """Move the index from block `before` to `now`, adding what is fresh; return what is due.

        Of `heights` the tags count: blocks are counted up to `now`. Without Redis the answer
        comes from Postgres; small payments wait until it is back.
        """
        heights = heights._replace(head=now[0])
        try:
            due = self._pop(before, now, fresh, heights)
            if due is None:
                self.rebuild(now)
                due = self._pop(now, now, (), heights)
            return due or []
        except redis.RedisError as error:
            self._away(error)
            return self._from_postgres()

    def settled(self, ids: list[str]) -> None:
        """Forget what is credited or no longer confirming."""
        if not ids:
            return
        try:
            bell.live().srem(self._due, *ids)
        except redis.RedisError as error:
            self._away(error)

    def forget(self, before: Place, ancestor: Place, ids: list[str], epoch: int) -> None:
        """Drop what a reorganisation took back; if that fails, the index is built again.

        `epoch` is the count after the reorganisation: more than one above ours, and something
        else changed that the index does not have.
        """
        was, known, self.epoch = self._at(before), epoch == self.epoch + 1, epoch
        if not known:
            return self.distrust()
        try:
            bell.live().eval(FORGET, len(self._keys), *self._keys, was, self._at(ancestor), *ids)
        except redis.RedisError as error:
            self._away(error)

    def rebuild(self, now: Place) -> None:
        """Write the index anew from what Postgres says is confirming at block `now`.

        It is built aside and put in place at once: another process may be at the same.
        """
        with db.transaction() as session:
            rows = store.waiting(session, self.chain)
        built = [f"{key}:{uuid4().hex}" for key in self._sets]
        with bell.live().pipeline(transaction=False) as pipe:
            for start in range(0, len(rows), REBUILD_BATCH):
                scores: dict[str, dict[str, float]] = {}
                for row in rows[start : start + REBUILD_BATCH]:
                    scores.setdefault(built[SETS[row.rule.finality]], {})[row.id] = score(row)
                for key, batch in scores.items():
                    pipe.zadd(key, batch)
                    pipe.expire(key, BUILT_SECONDS)
                pipe.execute()
            keys = (*self._keys, *built)
            pipe.eval(SWAP, len(keys), *keys, self._at(now)).execute()
        log.info("pending.rebuilt", chain=self.chain, deposits=len(rows))

    def distrust(self) -> None:
        """Have the index built again at the next step: Postgres knows more than it does."""
        try:
            bell.live().delete(self._marker)
        except redis.RedisError as error:
            self._away(error)

    def _pop(
        self, before: Place, now: Place, fresh: Iterable[Waiting], heights: Heights
    ) -> list[str] | None:
        arguments: list[Any] = [self._at(before), self._at(now)]
        arguments += ["" if height is None else height for height in heights]
        arguments.append(DUE_PER_HEAD_MAX)
        added: list[list[Any]] = [[] for _ in SETS]
        for one in fresh:
            added[SETS[one.rule.finality]] += (score(one), one.id)
        for values in added:
            arguments += (len(values), *values)
        due: Any = bell.live().eval(STEP, len(self._keys), *self._keys, *arguments)
        return None if due is None else [one.decode() for one in due]

    def _at(self, place: Place) -> str:
        """Name a block, and how many changes beside the flow the index knows of."""
        return f"{(place[1] or b'').hex()}:{self.epoch}"

    def _away(self, error: redis.RedisError) -> None:
        """Say so; the marker stays behind, so that nothing is missed when Redis is back."""
        log.warning("pending.redis_away", chain=self.chain, error=type(error).__name__)

    def _from_postgres(self) -> list[str]:
        with db.transaction() as session:
            facts = {"chain": self.chain, "most": DUE_PER_HEAD_MAX}
            return list(session.execute(FINAL, facts).scalars())


def beside(session: Session, chain: str) -> None:
    """Note that this transaction adds deposits to blocks read before: the index lacks them."""
    session.execute(
        text("update watch_cursor set index_epoch = index_epoch + 1 where chain = :chain"),
        {"chain": chain},
    )
    db.after_commit(session, ("distrust", chain), Pending(chain).distrust)


def score(one: Waiting) -> int:
    """Return the height that makes a deposit final: of the chain, or of the network's word."""
    required = one.rule.required
    return one.block if required is None else rules.final_at(one.block, required)
