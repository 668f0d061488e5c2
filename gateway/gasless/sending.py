"""How a signed payment is sent: asked of the node first, planned as an intent, worked out again by
the signer from its rows.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from gateway.addresses.store import find as find_address
from gateway.chain import eip3009, vaults
from gateway.chain import store as chains
from gateway.chain.eip3009 import Authorization, Domain
from gateway.chain.port import Node, NodeError, tohex
from gateway.chain.store import Chain
from gateway.errors import Refused
from gateway.gasless import rules, store
from gateway.gasless.service import ROLE, domain_of, over
from gateway.gasless.store import PaymentAuthorization
from gateway.pauses import service as pauses
from gateway.screening import service as screening
from gateway.sending.call import Call, SignerRefuses, SignerWaits
from gateway.sending.store import Intent

KIND = ROLE
DETAIL_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent: the token with its domain, what was signed, and the 65 bytes."""

    domain: Domain
    signed: Authorization
    key: bytes

    @property
    def data(self) -> bytes:
        """Return the token's call."""
        return self.signed.call(self.key)


def look(node: Node, parcel: Parcel, sender: bytes) -> str | None:
    """Return why the token would not make the transfer now, None if it would.

    Raises NodeAway. Asked one by one for a reason to tell, then as the call that would be sent.
    """
    contract, signed = parcel.domain.contract, parcel.signed
    if eip3009.separator_of(node, contract) != parcel.domain.separator:
        return "token_domain_changed"
    if eip3009.is_used(node, contract, signed.payer, signed.nonce):
        return "used_before"
    if node.token_balance(contract, signed.payer) < signed.value:
        return "payer_lacks_funds"
    try:
        node.call(contract, parcel.data, sender=sender)
    except NodeError as error:
        return f"would_revert: {error.message[:DETAIL_CHARACTERS_MAX]}"
    return None


def refuse(node: Node, parcel: Parcel, sender: bytes) -> None:
    """Raise Refused with what `look` finds. Raises NodeAway."""
    reason = look(node, parcel, sender)
    if reason is not None:
        code, _, detail = reason.partition(": ")
        raise Refused(detail or f"the token would refuse it: {code}", code=code)


def describe(row: PaymentAuthorization, contract: bytes) -> dict[str, Any]:
    """Return what an intent says it sends."""
    signed = row.authorization
    return {
        "authorization": row.id,
        "contract": tohex(contract),
        "from": tohex(signed.payer),
        "to": tohex(signed.to),
        "value": str(signed.value),
        "valid_after": str(signed.valid_after),
        "valid_before": str(signed.valid_before),
        "nonce": tohex(signed.nonce),
    }


def encode(session: Session, intent: Intent, chain: Chain, seq: int) -> Call:
    """Return the token's call of an intent, worked out from its rows; `seq` is unused.

    Raises SignerRefuses unless it moves a listed token, by the payer's own signature, which is
    still good, to the vault of the very invoice, and the intent says the same; the first time,
    unless the invoice does not ask for all of it any more. SignerWaits while a switch stops the
    chain or the asset.
    """
    del seq
    stopped = pauses.stopped(session, chain.id, intent.asset)
    if stopped is not None:
        raise SignerWaits(stopped)
    row = store.of_intent(session, intent.id)
    if row is None or (row.chain, row.asset) != (chain.id, intent.asset) or intent.amount != 0:
        raise SignerRefuses("other_chain_or_asset")
    if row.status not in rules.LIVE or intent.gas > rules.GAS_MAX:
        raise SignerRefuses("not_to_be_sent")
    keep_to_invoice(session, row, chain)
    if intent.status == "planned" and (reason := over(session, row)) is not None:
        raise SignerRefuses(reason)
    parcel = parcel_of(session, row, chain)
    if describe(row, parcel.domain.contract) != intent.payload:
        raise SignerRefuses("payload_differs")
    if parcel.signed.signed_by(parcel.domain, parcel.key) != parcel.signed.payer:
        raise SignerRefuses("wrong_signature")
    if screening.is_listed(session, parcel.signed.payer):
        raise SignerRefuses("listed_address")
    if seconds_left(parcel.signed) < rules.SEND_SECONDS_MIN:
        raise SignerRefuses("expired")
    return Call(to=parcel.domain.contract, data=parcel.data)


def keep_to_invoice(session: Session, row: PaymentAuthorization, chain: Chain) -> None:
    """Raise SignerRefuses unless the money goes to the invoice's own vault."""
    place = find_address(session, chain.id, row.to_address)
    if place is None or place.invoice_id != row.invoice_id:
        raise SignerRefuses("other_destination")
    if vaults.vault_address(chain.vault_factory, bytes(place.salt)) != row.to_address:
        raise SignerRefuses("other_vault")


def parcel_of(session: Session, row: PaymentAuthorization, chain: Chain) -> Parcel:
    """Return a row as it is sent. Raises SignerRefuses where the token takes no signatures."""
    listed = chains.chain_asset(session, chain.id, row.asset)
    token = store.tokens(session, [chain.id]).get((chain.id, row.asset))
    if token is None or listed.contract is None:
        raise SignerRefuses("token_takes_no_signatures")
    domain = domain_of(token, chain, listed.contract)
    return Parcel(domain, row.authorization, bytes(row.signature))


def seconds_left(signed: Authorization) -> int:
    """Return for how long a signature is still good."""
    return signed.valid_before - int(datetime.now(UTC).timestamp())
