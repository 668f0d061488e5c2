"""Is the chain ahead of our books? So it is after an old backup was restored, or a key was stolen.

Then what we would pay may be paid already, by a transaction that we do not know: of that signer, or
of any other of the chain. Nothing is paid out until `mizan recover` has found it.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import db
from gateway.chain.port import Node
from gateway.sending.store import Signer, Transaction, attempts


@dataclass(frozen=True, slots=True)
class Standing:
    """A signer as the books and the chain have it: `used` nonces on chain, of which `taken` are by
    something else than what we signed for them.
    """

    signer: Signer
    used: int
    taken: tuple[Transaction, ...]

    @property
    def missing(self) -> list[int]:
        """Return the nonces that are used on chain by what we do not know."""
        unknown = range(self.signer.next_nonce, self.used)
        return sorted([*(one.nonce for one in self.taken), *unknown])


def standings(node: Node, chain_id: str, role: str | None = None) -> list[Standing]:
    """Return how every signer of a chain stands, those out of use too. Raises NodeAway."""
    with db.transaction() as session:
        query = select(Signer).where(Signer.chain == chain_id).order_by(Signer.id)
        found = list(session.scalars(query if role is None else query.where(Signer.role == role)))
    return [standing(node, signer) for signer in found]


def standing(node: Node, signer: Signer) -> Standing:
    """Return how a signer stands. What seems taken is looked at again: a reorganisation between
    two questions, or one more attempt, looks like somebody else's use of the nonce.
    """
    seen = look(node, signer)
    return look(node, signer) if seen.missing else seen


def look(node: Node, signer: Signer) -> Standing:
    """Ask once. The nonce is read first: what is signed meanwhile is ours."""
    used = node.nonce(signer.address)
    with db.transaction() as session:
        fresh = session.get_one(Signer, signer.id, populate_existing=True)
        unmined = unmined_below(session, signer.id, used)
        hashes = {one.id: [bytes(a.hash) for a in attempts(session, one.id)] for one in unmined}
    taken = [one for one in unmined if not any(node.receipts(hashes[one.id]))]
    return Standing(fresh, used, tuple(taken))


def unmined_below(session: Session, signer_id: str, nonce: int) -> list[Transaction]:
    """Return what is signed, in no block that we know, and has a lower nonce."""
    query = select(Transaction).where(
        Transaction.signer_id == signer_id,
        Transaction.nonce < nonce,
        Transaction.state == "signed",
    )
    return list(session.scalars(query.order_by(Transaction.nonce)))
