"""What operators and tables are told of how a chain's endpoints are doing."""

from sqlalchemy import text

from gateway import db
from gateway.chain.pool import Pool
from gateway.webhooks import alarms

TELL = text("""
    update watch_cursor set endpoints = :all, endpoints_benched = :resting,
        node_head = coalesce(:head, node_head) where chain = :chain
""")


class Report:
    """What was told of one chain's endpoints, so that nothing is written twice."""

    def __init__(self, chain: str, pool: Pool) -> None:
        self.chain, self.pool = chain, pool
        self._resting: int | None = None
        self._head: int | None = None

    def tell(self, head: int | None = None) -> None:
        """Raise the alarms of what happened, and write how many endpoints rest.

        `head` is the node's newest block while we do not get on; else each block we take tells it.
        """
        news, resting = self.pool.news(), len(self.pool.benched())
        if not news and resting == self._resting and head in (None, self._head):
            return
        facts = {"all": len(self.pool.nodes), "resting": resting, "head": head}
        with db.transaction() as session:
            session.execute(TELL, {"chain": self.chain, **facts})
            for told in news:
                alarms.raise_alarm(
                    session,
                    kind=told.kind,
                    subject=f"{self.chain} {told.name}".strip(),
                    detail=told.reason,
                )
        self._resting, self._head = resting, head or self._head
