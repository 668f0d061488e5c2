"""The index of confirming deposits in Redis: which are final at this head, in one call per head.

A sorted set per chain, scored by the block at which a deposit is final. Postgres decides: what is
popped here is only asked there. A marker names the block up to which the index is complete; when
it is not the cursor's (Redis was emptied, a process died between commit and index), the index is
built again from Postgres. What was popped waits in a second set until it is settled.
"""

from collections.abc import Iterable
from typing import Any

import redis
import structlog
from sqlalchemy import text

from gateway import bell, db
from gateway.deposits import rules, store

REBUILD_BATCH = 5_000
DUE_PER_HEAD_MAX = 1_000

# keys: index, due, marker; arguments: marker before, marker now, height, most to pop, (score, id)*
STEP = """
if redis.call('get', KEYS[3]) ~= ARGV[1] then return false end
for i = 5, #ARGV, 2 do redis.call('zadd', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('set', KEYS[3], ARGV[2])
local due = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[3], 'limit', 0, ARGV[4])
for _, id in ipairs(due) do
    redis.call('zrem', KEYS[1], id)
    redis.call('sadd', KEYS[2], id)
end
return redis.call('smembers', KEYS[2])
"""
# keys: index, marker; arguments: marker before, marker now, score above which to forget
FORGET = """
if redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('zremrangebyscore', KEYS[1], '(' .. ARGV[3], '+inf')
redis.call('set', KEYS[2], ARGV[2])
return 1
"""
FINAL = text("""
    select d.id from deposit d join chain_asset a on a.chain = d.chain and a.asset = d.asset
    where d.chain = :chain and d.status = 'confirming' and d.amount >= a.minimum_deposit
        and d.block_number + :required - 1 <= :head
    order by d.block_number, d.id limit :most
""")

Place = tuple[int, bytes | None]
"""A block by height and hash."""

log = structlog.get_logger()


class Pending:
    """One chain's index; `required` confirmations make a deposit final."""

    def __init__(self, chain: str, required: int) -> None:
        self.chain, self.required = chain, required
        self._index, self._due = f"conf:{chain}", f"conf:{chain}:due"
        self._marker = f"conf:{chain}:at"

    def step(self, before: Place, now: Place, fresh: Iterable[tuple[str, int]] = ()) -> list[str]:
        """Move the index from block `before` to `now`, adding what is fresh; return what is due.

        Without Redis the answer comes from Postgres; small payments wait until it is back.
        """
        try:
            due = self._pop(before, now, fresh)
            if due is None:
                self.rebuild(now)
                due = self._pop(now, now, ())
            return due or []
        except redis.RedisError as error:
            log.warning("pending.redis_away", chain=self.chain, error=type(error).__name__)
            return self._from_postgres(now[0])

    def settled(self, ids: list[str]) -> None:
        """Forget what is credited or no longer confirming."""
        if not ids:
            return
        try:
            bell.live().srem(self._due, *ids)
        except redis.RedisError as error:
            log.warning("pending.redis_away", chain=self.chain, error=type(error).__name__)

    def forget_above(self, before: Place, ancestor: Place) -> None:
        """Drop what was seen above a common ancestor; if that fails, the index is built again."""
        last = rules.final_at(ancestor[0], self.required)
        try:
            keys = (self._index, self._marker)
            arguments = (self._at(before), self._at(ancestor), last)
            bell.live().eval(FORGET, len(keys), *keys, *arguments)
        except redis.RedisError as error:
            log.warning("pending.redis_away", chain=self.chain, error=type(error).__name__)

    def rebuild(self, now: Place) -> None:
        """Write the index anew from what Postgres says is confirming at block `now`."""
        with db.transaction() as session:
            rows = store.waiting(session, self.chain)
        connection = bell.live()
        connection.delete(self._marker, self._index, self._due)
        for start in range(0, len(rows), REBUILD_BATCH):
            batch = rows[start : start + REBUILD_BATCH]
            scores = {one: rules.final_at(block, self.required) for one, block in batch}
            connection.zadd(self._index, scores)
        connection.set(self._marker, self._at(now))
        log.info("pending.rebuilt", chain=self.chain, deposits=len(rows))

    def distrust(self) -> None:
        """Have the index built again at the next step: Postgres knows more than it does."""
        try:
            bell.live().delete(self._marker)
        except redis.RedisError as error:
            log.warning("pending.redis_away", chain=self.chain, error=type(error).__name__)

    def _pop(self, before: Place, now: Place, fresh: Iterable[tuple[str, int]]) -> list[str] | None:
        arguments: list[Any] = [self._at(before), self._at(now), now[0], DUE_PER_HEAD_MAX]
        for deposit_id, block in fresh:
            arguments += [rules.final_at(block, self.required), deposit_id]
        keys = (self._index, self._due, self._marker)
        due: Any = bell.live().eval(STEP, len(keys), *keys, *arguments)
        return None if due is None else [one.decode() for one in due]

    def _at(self, place: Place) -> str:
        """Name a block, and the depth the scores were computed with."""
        return f"{(place[1] or b'').hex()}:{self.required}"

    def _from_postgres(self, head: int) -> list[str]:
        with db.transaction() as session:
            rows = session.execute(
                FINAL,
                {
                    "chain": self.chain,
                    "required": self.required,
                    "head": head,
                    "most": DUE_PER_HEAD_MAX,
                },
            )
            return list(rows.scalars())
