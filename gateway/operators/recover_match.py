"""Whose payments are these? What was found on the chain, held against our withdrawals."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.chain import payout
from gateway.chain import store as chains
from gateway.chain.store import Chain, ChainAsset
from gateway.ledger import service as ledger
from gateway.money import Asset, Money
from gateway.sending.unknown import CANCEL, FOREIGN, PAYOUT, RELAY, SEND, SWEEP, Found
from gateway.withdrawals import recovered
from gateway.withdrawals.recovered import Candidate


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of a transaction, whose it is, and whether the recipient took it."""

    word: bytes
    withdrawal: Candidate | None
    paid: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A transaction with its payments; without an asset of ours `listed` is None."""

    found: Found
    listed: ChainAsset | None
    asset: Asset | None
    payments: tuple[Payment, ...] = ()

    def money(self, units: int) -> Money:
        """Return chain units as money."""
        assert self.listed is not None
        assert self.asset is not None
        return self.listed.to_ledger(units, self.asset)

    @property
    def claims(self) -> tuple[str, list[tuple[str | None, bool]]]:
        """Return what it is and whose its payments are, to be compared later."""
        whose = [one.withdrawal.id if one.withdrawal else None for one in self.payments]
        return self.found.name, [
            (name, one.paid) for name, one in zip(whose, self.payments, strict=True)
        ]

    @property
    def is_foreign(self) -> bool:
        """True if the ordinary workers cannot end it: it is no action of ours, or pays nobody."""
        if self.listed is None or self.found.kind in (FOREIGN, RELAY):
            return True
        return self.found.kind == SEND and not any(one.withdrawal for one in self.payments)

    @property
    def unexplained(self) -> list[tuple[int, Payment]]:
        """Return what left for no withdrawal of ours, with its place in the batch."""
        return [
            (place, one)
            for place, one in enumerate(self.payments)
            if one.paid and one.withdrawal is None
        ]


def read(session: Session, chain: Chain, found: list[Found]) -> list[Reading]:
    """Match every payment, in the order of blocks, with one withdrawal at most, once."""
    listed = {one.contract: one for one in chains.chain_assets(session, chain.id)}
    taken = [row for one in found for row in transactions_at(session, one)]
    free: dict[str, list[Candidate]] = {}
    readings = []
    for one in found:
        place = listed.get(token_of(one))
        if place is None:
            readings.append(Reading(one, None, None))
            continue
        asset = ledger.asset(session, place.asset)
        if asset.code not in free:
            free[asset.code] = recovered.candidates(session, chain.id, asset.code, taken)
        payments = matched(chain, one, place, asset, free[asset.code])
        readings.append(Reading(one, place, asset, payments))
    return readings


def transactions_at(session: Session, found: Found) -> list[str]:
    """Return the transaction of ours whose nonce this one has taken."""
    row = recovered.transaction_at(session, found.signer.id, found.nonce)
    return [] if row is None else [row.id]


def token_of(found: Found) -> bytes | None:
    """Return the token a transaction moves, None for the native coin."""
    if found.kind == PAYOUT and found.batch is not None:
        return found.batch.token
    if found.kind == SWEEP and found.sweep is not None:
        return found.sweep[0]
    assert found.kind in (SEND, CANCEL, FOREIGN, RELAY)
    return None


def matched(
    chain: Chain, found: Found, listed: ChainAsset, asset: Asset, free: list[Candidate]
) -> tuple[Payment, ...]:
    """Match the payments of one transaction, and take what matches out of `free`."""
    pairs = []
    for word in found.payments:
        units = listed.to_ledger(int.from_bytes(word[20:], "big"), asset).units
        whose = next((one for one in free if (one.to, one.units) == (word[:20], units)), None)
        if whose is not None:
            free.remove(whose)
        pairs.append((word, whose))
    paid = who_was_paid(pairs, refused_by(chain, found))
    return tuple(Payment(*pair, took) for pair, took in zip(pairs, paid, strict=True))


def refused_by(chain: Chain, found: Found) -> Counter[bytes]:
    """Return the payments that the vault passed over."""
    if found.batch is None:
        return Counter()
    return payout.failed_payments(found.receipt.logs, chain.payout_vault, found.batch.seq)


def who_was_paid(
    pairs: list[tuple[bytes, Candidate | None]], refused: Counter[bytes]
) -> list[bool]:
    """Say of each payment whether it was made. Of equal ones, withdrawals are called refused first
    and in the order of the batch, as settling does.
    """
    paid = [True] * len(pairs)
    for ours in (True, False):
        for place, (word, whose) in enumerate(pairs):
            if (whose is not None) is ours and refused[word] > 0:
                refused[word] -= 1
                paid[place] = False
    return paid
