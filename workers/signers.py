"""What pay tells of signers: why they wait, and at its start whether each is ours alone."""

from datetime import UTC, datetime, timedelta

import structlog

from gateway import db
from gateway.chain.port import Node
from gateway.sending import ahead
from gateway.sending import service as sending
from gateway.sending.call import SignerAway
from gateway.sending.store import Intent, signers
from gateway.withdrawals import settle
from gateway.withdrawals.approvals import WAITING
from workers.follow import alarm, alarm_of

APPROVER_SILENT_SECONDS = 60
SIGNER_SILENT_SECONDS = 30
AWAY = str(SignerAway())

log = structlog.get_logger()
looked_at: set[str] = set()
"""The chains whose signers this process has looked at."""


def tell_waiting(chain_id: str) -> None:
    """Let withdrawals say what their signer waits for, and call an operator where one is needed."""
    with db.transaction() as session:
        waiting = settle.waiting_intents(session, chain_id)
    for intent in waiting:
        if intent.waiting == AWAY:
            alarm(
                "signer_unreachable",
                intent.signer_id,
                "its remote signer does not answer; what waits for it goes on by itself",
            )
        elif intent.waiting == WAITING and is_old(intent):
            alarm(
                "approver_silent",
                chain_id,
                "payouts wait for the second key: its process is down, or what they pay is in an"
                " earlier approval that is not void yet",
            )


def tell_silent(chain_id: str) -> None:
    """Let withdrawals say that their plan is not signed, and call an operator: is the signer up?"""
    before = datetime.now(UTC) - timedelta(seconds=SIGNER_SILENT_SECONDS)
    with db.transaction() as session:
        silent = settle.silent_intents(session, chain_id, before)
    for intent in silent:
        alarm("signer_silent", intent.signer_id, "it does not sign: is its process running?")


def is_old(intent: Intent) -> bool:
    """True if the approver had time enough."""
    return datetime.now(UTC) - intent.created_at > timedelta(seconds=APPROVER_SILENT_SECONDS)


def stand_still(chain_id: str, node: Node) -> bool:
    """True while the chain has used a nonce of a payout signer for what we do not know.

    It may have paid any withdrawal we know, so no payout of the chain leaves. Raises NodeAway.
    """
    behind = [one for one in ahead.standings(node, chain_id, "payout") if one.missing]
    for one in behind:
        alarm(
            "signer_used_elsewhere",
            one.signer.id,
            f"nonces {one.missing[:10]} are used on chain by what we do not know; an old backup?"
            f" mizan recover {chain_id}",
        )
    return bool(behind)


def look_once(chain_id: str, node: Node) -> None:
    """At the start of this process, raise an alarm for each signer of the chain that carries code
    or was used elsewhere, before anything is planned. Raises NodeAway; it is done again then.
    """
    if chain_id in looked_at:
        return
    with db.transaction() as session:
        found = signers(session, chain_id)
    for signer in found:
        try:
            sending.check_account(node, signer)
        except sending.Trouble as trouble:
            alarm_of(trouble, signer.id)
    looked_at.add(chain_id)
    log.info("signers.looked_at", chain=chain_id, signers=len(found))
