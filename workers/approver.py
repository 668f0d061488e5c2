"""The process of the second key: it agrees to payouts that the rows justify, and sends nothing.

It has a database role, a queue and a keystore of its own, and needs no node. Run it where the
signer is not: who has one of the two keys still moves nothing.
"""

import structlog

from gateway import db
from gateway.chain import store as chains
from gateway.sending.call import SignerRefuses
from gateway.settings import settings
from gateway.withdrawals import approving
from workers.app import worker_task
from workers.keys import keystore

APPROVALS_MAX = 20

log = structlog.get_logger()


@worker_task()
def approve(chain_id: str) -> None:
    """Approve or refuse what the chain's payouts wait for; beat rings for the rest."""
    for _ in range(APPROVALS_MAX):
        if not approve_next(chain_id):
            return


def approve_next(chain_id: str) -> bool:
    """Approve or refuse one payout, in one transaction; False when none waits for that."""
    with db.transaction() as session:
        place = chains.chain(session, chain_id)
        if place.payout_approver is None:
            return False
        found = approving.next_plan(session, place)
        if found is None:
            return False
        intent, signer, seq = found
        approving.decide(session, intent, signer, seq, place, sign_digest)
        return True


def sign_digest(address: bytes, digest: bytes) -> bytes:
    """Sign 32 bytes with the approver's key. Raises SignerRefuses without a key for the address."""
    key = keystore.find(address, settings().approver_keystore, settings().approver_secret)
    if key is None:
        raise SignerRefuses("no_key")
    return keystore.sign_digest(key, digest)
