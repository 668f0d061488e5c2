"""Who paid, where it is a plain account that signed the payments itself.

Even that may be an exchange, which signs for thousands: the payer is asked before anything goes
there. A contract (a wallet of many, a router, a bridge) may not pass money on, so it is not even
proposed.
"""

from collections.abc import Sequence

import structlog

from gateway.chain.evm import node
from gateway.errors import DependencyAway, UnknownChain
from gateway.invoices.store import InvoicePayment
from gateway.refunds import rules

PAYMENTS_ASKED_MAX = 5
"""Payments a node is asked about; more than a person makes of one invoice."""

log = structlog.get_logger()


def signer_of(chain: str, payments: Sequence[InvoicePayment]) -> bytes | None:
    """Return the one plain account that sent and signed all these payments, None if none did.

    None too when no node answers: the payer then names an address, as after any other doubt.
    """
    senders = {row.from_address for row in payments}
    if len(senders) != 1 or len(payments) > PAYMENTS_ASKED_MAX:
        return None
    sender = senders.pop()
    if sender is None:
        return None
    try:
        asked = node(chain)
        for tx_hash in {row.tx_hash for row in payments}:
            sent = asked.transaction(tx_hash)
            if sent is None or sent.sender != sender:
                return None
        return sender if rules.is_plain(asked.code(sender)) else None
    except (DependencyAway, UnknownChain) as error:
        log.warning("refund.sender_unknown", chain=chain, why=str(error))
        return None
