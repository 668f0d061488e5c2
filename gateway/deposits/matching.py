"""Hold what a node told of a block against the addresses we gave out. Asks nobody."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import structlog
from msgspec import structs

from gateway.chain.port import Header, Log, NodeAway, Receipt, tohex, unhex, whole
from gateway.deposits import confirm, rules
from gateway.deposits.native import Move
from gateway.deposits.payment import (
    ODD_EVENTS,
    SET_ASIDE,
    UNKNOWN_TOKEN,
    WRONG_CHAIN,
    Payment,
    Read,
    Stray,
)
from gateway.deposits.watched import Watched

NOBODY = bytes(20)
NATIVE_EVENTS = bytes.fromhex("ff" * 19 + "fe")
"""Whose Transfer events tell of native coin (EIP-7708): a driver's matter, no token's."""
NO_TRANSACTION = bytes(32)
"""What some networks write instead of a transaction; others write the block's hash."""
Places: TypeAlias = dict[int, tuple[int, Log]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Event:
    """An event that concerns us: a payment where `kind` is None, else the stray it is.

    `transfer` is what it tells, None where that cannot be read. With a `count` it stands for so
    many events, their sum in `transfer`. `distrust` is why its token is not trusted any more.
    `position` is its place in its transaction, None where that transaction's receipt tells it.
    """

    log: Log
    to: bytes
    kind: str | None
    transfer: rules.Transfer | None = None
    detail: str = ""
    count: int = 0
    distrust: str = ""
    position: str | None = None


def events_of(logs: list[Log], watched: Watched) -> list[Event]:
    """Return the events that concern us. The loop runs for every event of the chain."""
    ours, elsewhere = watched.addresses, watched.elsewhere
    found: list[Event | None] = []
    listed = {tohex(contract) for contract in watched.contracts}
    for one in logs:
        topics = one.topics_hex
        if len(topics) != rules.TRANSFER_TOPICS:
            if one.address_hex.lower() in listed:
                found += odd_events(one, watched)
            continue
        try:
            to = bytes.fromhex(topics[2][rules.ADDRESS_AT :])
            if to in ours or to in elsewhere:
                found.append(event_of(one, to, watched))
        except ValueError as error:
            found.append(unreadable(one, NOBODY, watched, error))
    return [event for event in found if event is not None]


def event_of(one: Log, to: bytes, watched: Watched) -> Event | None:
    """Return what an event to an address of ours is; None for nothing, or a movement of our own."""
    if one.removed or one.address == NATIVE_EVENTS:
        return None
    listed = one.address in watched.listed
    try:
        transfer = rules.transfer_of(one.topics_hex, one.data_hex)
    except ValueError as error:
        return unreadable(one, to, watched, error)
    if transfer is None:
        odd = listed and len(one.data_hex) != rules.WORD_TEXT
        return Event(one, to, SET_ASIDE, detail="its data is no amount") if odd else None
    if watched.is_own(transfer.sender):
        return None
    if to not in watched.addresses:
        return Event(one, to, WRONG_CHAIN, transfer)
    return Event(one, to, None if listed else UNKNOWN_TOKEN, transfer)


def odd_events(one: Log, watched: Watched) -> list[Event]:
    """Return what a listed token's event is that is no ERC-20 Transfer: a reason to call somebody,
    and where it can be read a payment for a person to decide about.
    """
    told = f"its Transfer events have {len(one.topics_hex)} topics, those of ERC-20 three"
    found = [Event(one, NOBODY, ODD_EVENTS, detail=told, position=ODD_EVENTS)]
    transfer = rules.odd_transfer_of(one.topics_hex, one.data_hex)
    if transfer is None or one.removed or watched.is_own(transfer.sender):
        return found
    if transfer.to in watched.addresses or transfer.to in watched.elsewhere:
        found.append(Event(one, transfer.to, SET_ASIDE, transfer, told))
    return found


def named(block: Header, events: list[Event]) -> list[Event]:
    """Return a block's events, those of no transaction set aside: no receipt tells of them.

    They are known by the block and their place in it, where they are of the network itself.
    """
    return [
        one if one.log.tx_hash not in (NO_TRANSACTION, block.hash) else of_block(block, one)
        for one in events
    ]


def of_block(block: Header, event: Event) -> Event:
    """Return an event of no transaction, as one of its block."""
    return replace(
        event,
        log=structs.replace(event.log, tx_hash_hex=block.hash_hex),
        kind=event.kind or SET_ASIDE,
        detail=event.detail or "it is of no transaction: the network itself wrote it",
        position=event.position or f"log{event.log.log_index}",
    )


def unreadable(one: Log, to: bytes, watched: Watched, error: ValueError) -> Event | None:
    """Return an event that cannot be read, to be set aside; None if it is of no token of ours."""
    log.warning("block.unreadable_event", chain=watched.chain, tx=one.tx_hash_hex, error=str(error))
    mine = one.address_hex.lower() in {tohex(contract) for contract in watched.contracts}
    return Event(one, to, SET_ASIDE, detail=f"it cannot be read: {error}") if mine else None


def coins_of(moves: Iterable[Move], watched: Watched) -> list[Move]:
    """Return the native coin that came to an address of ours from outside."""
    ours, elsewhere = watched.addresses, watched.elsewhere
    found = []
    for move in moves:
        to = unhex(move.to)
        if (to in ours or to in elsewhere) and not watched.is_own(unhex(move.sender)):
            found.append(move)
    return found


def as_read(
    block: Header,
    events: list[Event],
    coins: list[Move],
    receipts: dict[bytes, Receipt],
    watched: Watched,
    left_out: int = 0,
) -> Read:
    """Return a block's payments and strays, each once; raises NodeAway if a receipt disagrees."""
    payments: dict[tuple[bytes, str, str], Payment] = {}
    strays: dict[tuple[bytes, str, str], Stray] = {}
    crowds: list[Stray] = []
    odd = {one.log.address: one.detail for one in events if one.kind == ODD_EVENTS}
    places: dict[bytes, Places] = {}
    for event in events:
        tx_hash = event.log.tx_hash
        if event.position is not None:
            payment = paid_by(event, event.position)
        else:
            if tx_hash not in places:
                places[tx_hash] = places_of(receipts[tx_hash])
            payment = from_event(event, places[tx_hash])
        if event.kind is None:
            payments[key(payment)] = payment
        elif event.count:
            crowds.append(Stray(event.kind, payment, count=event.count))
        elif event.kind != ODD_EVENTS:
            strays[key(payment)] = Stray(event.kind, payment, event.detail, distrust=event.distrust)
    for move in coins:
        payment = from_move(move)
        if not receipts[payment.tx_hash].succeeded:
            continue
        if payment.to in watched.addresses:
            payments[key(payment)] = payment
        else:
            strays[key(payment)] = Stray(WRONG_CHAIN, payment)
    return Read(block, list(payments.values()), [*strays.values(), *crowds], left_out, odd)


def key(payment: Payment) -> tuple[bytes, str, str]:
    """Return what names a payment on its chain."""
    return payment.tx_hash, payment.kind, payment.position


def places_of(receipt: Receipt) -> Places:
    """Return a transaction's logs by their places in the block, each with its own place there.

    Once for all events of a transaction: anybody may put many thousands into one.
    """
    if not receipt.succeeded:
        return {}
    return {told.log_index: (position, told) for position, told in enumerate(receipt.logs)}


def from_event(event: Event, places: Places) -> Payment:
    """Return the payment of a Transfer event; its position counts its transaction's own logs."""
    one = event.log
    position, told = places.get(one.log_index, (-1, None))
    if told is None or confirm.facts(told) != confirm.facts(one):
        raise NodeAway(f"the node's receipt tells another log {one.log_index} than its block")
    return paid_by(event, str(position))


def paid_by(event: Event, position: str) -> Payment:
    """Return the payment that an event tells, at a place in its transaction."""
    transfer = event.transfer
    return Payment(
        tx_hash=event.log.tx_hash,
        kind="erc20",
        position=position,
        sender=transfer.sender if transfer else NOBODY,
        to=event.to,
        contract=event.log.address,
        units=transfer.units if transfer else 0,
        log_index=event.log.log_index,
    )


def from_move(move: Move) -> Payment:
    """Return the payment of native coin."""
    return Payment(
        tx_hash=unhex(move.tx_hash),
        kind="native",
        position=move.position,
        sender=unhex(move.sender),
        to=unhex(move.to),
        contract=None,
        units=whole(move.value),
        log_index=None,
    )
