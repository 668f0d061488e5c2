"""The process that signs: the database and its keys are all it needs, no node.

It signs what rows say, worked out here again, and nothing else; its keys are read in workers/keys
alone.
"""

import structlog

from gateway import db
from gateway.chain import store as chains
from gateway.gasless import sending as gasless
from gateway.sending import cancelling, signing, sweeps
from gateway.sending.call import Encode, SignerRefuses, SignerWaits
from gateway.withdrawals import alone, payload
from workers.app import worker_task
from workers.keys.drivers import sign_fields

INTENTS_MAX = 20
ENCODE: dict[str, Encode] = {
    "payout": payload.encode,
    "sweep": sweeps.encode,
    alone.KIND: alone.encode,
    gasless.KIND: gasless.encode,
}

log = structlog.get_logger()


@worker_task()
def sign(chain_id: str) -> None:
    """Sign what the chain's signers may sign now; beat rings for the rest."""
    waits: set[str] = set()
    for _ in range(INTENTS_MAX):
        if not sign_next(chain_id, waits):
            break
    raise_next(chain_id, waits)


def sign_next(chain_id: str, waits: set[str] | None = None) -> bool:
    """Sign or refuse one intent, in one transaction; False when there is none to sign.

    `waits` are signers to leave out; one that cannot sign now is added, so that nobody waits
    behind it. Without `waits` the first of them ends it.
    """
    with db.transaction() as session:
        intent = signing.next_intent(session, chain_id, waits or ())
        if intent is None:
            return False
        place = chains.chain(session, chain_id)
        done = signing.sign_intent(
            session, intent, place, encode=ENCODE[intent.kind], sign=sign_fields
        )
    if waits is not None:
        waits.update(() if done else (intent.signer_id,))
    return done or waits is not None


def raise_next(chain_id: str, waits: set[str] | None = None) -> bool:
    """Sign one stuck transaction again for higher fees; False when there is none."""
    with db.transaction() as session:
        found = signing.next_raise(session, chain_id, waits or ())
        if found is None:
            return False
        intent, transaction = found
        place = chains.chain(session, chain_id)
        try:
            if intent.cancel_gas is not None:
                cancelling.sign(session, intent, transaction, place, sign=sign_fields)
            else:
                signing.sign_raise(
                    session,
                    intent,
                    transaction,
                    place,
                    encode=ENCODE[intent.kind],
                    sign=sign_fields,
                )
        except SignerRefuses as refusal:
            intent.refusal = str(refusal)
            log.error("intent.not_raised", intent=intent.id, reason=str(refusal))
        except SignerWaits as reason:
            signing.put_off(session, intent, reason)
        return True
