"""What tokens' events tell, held against the tokens' own balances: only what arrived is credited.

A token may keep a fee, be worth less from one call to the next, or begin to count in other units.
So of each payment in a listed token its balance is asked at the block and at the one before, and
its decimals. Only blocks that pay us cost these questions, one batch for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import structlog

from gateway.chain.evm import WORD, Evm, balance_call
from gateway.chain.pool import Contradiction
from gateway.chain.port import Data, Header, Log, NodeError, tohex, unhex
from gateway.deposits import rules
from gateway.deposits.distrust import AMOUNT_DIFFERS, DECIMALS_CHANGED
from gateway.deposits.heads import View
from gateway.deposits.matching import Event
from gateway.deposits.native.choose import BUSY_CODES
from gateway.deposits.payment import SET_ASIDE
from gateway.deposits.watched import Watched

DECIMALS = bytes.fromhex("313ce567")
"""keccak256("decimals()"), first four bytes (ERC-20)."""

Question: TypeAlias = tuple[bytes, bytes, str]
"""What a token is asked: its contract, the call's data, the block's hash."""
Answers: TypeAlias = dict[Question, int]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """An address of ours that a listed token says it paid in a block; `at` is the block's place."""

    at: int
    contract: bytes
    to: bytes


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why what was paid at a place is not credited, and how much of `said` units `came`."""

    detail: str
    said: int
    came: int
    why: str = ""


def doubted(
    view: View,
    blocks: list[Header],
    logs: list[list[Log]],
    events: list[list[Event]],
    watched: Watched,
) -> list[list[Event]]:
    """Return the events with those set aside that do not count as they are told.

    Where the node has no state of these blocks any more, it is believed what it told. Raises
    Contradiction when a second node tells other balances; NodeAway, NodeError.
    """
    paid = [
        Place(at, one.log.address, one.to)
        for at, found in enumerate(events)
        for one in found
        if one.kind is None
    ]
    places = list(dict.fromkeys(paid))
    if not places:
        return events
    asked = {place: questions_of(place, blocks[place.at]) for place in places}
    answers = answers_to(view.node, list(asked.values()))
    moved = moved_at(places, logs, watched)
    doubts: dict[Place, Doubt] = {}
    for place in places:
        told = [answers.get(one) for one in asked[place]]
        doubt = doubt_of(place, moved[place], told, watched)
        if doubt is not None:
            doubts[place] = doubt
    told_alike(view, [asked[place] for place, doubt in doubts.items() if doubt.why], answers)
    return [
        [set_aside(one, doubts.get(Place(at, one.log.address, one.to))) for one in found]
        for at, found in enumerate(events)
    ]


def questions_of(place: Place, block: Header) -> list[Question]:
    """Return what is asked of a payment: balance before the block and after it, and decimals."""
    balance = balance_call(place.to)
    return [
        (place.contract, balance, block.parent_hash_hex),
        (place.contract, balance, block.hash_hex),
        (place.contract, DECIMALS, block.hash_hex),
    ]


def answers_to(node: Evm, asked: Sequence[Sequence[Question]]) -> Answers:
    """Return what the tokens say themselves, as far as the node can tell it of these blocks.

    A call that fails hides the others of its batch, so after a failure each token is asked apart.
    Raises NodeAway, and NodeError for a refusal that is only for now.
    """
    questions = list(dict.fromkeys(one for some in asked for one in some))
    try:
        return answered(node, questions)
    except NodeError as error:
        if error.rpc_code in BUSY_CODES:
            raise
    apart: dict[tuple[bytes, bool], list[Question]] = {}
    for one in questions:
        apart.setdefault((one[0], one[1] == DECIMALS), []).append(one)
    answers: Answers = {}
    for some in apart.values():
        try:
            answers |= answered(node, some)
        except NodeError as error:
            log.info("tokens.not_told", node=node.name, error=error.message[:200])
    return answers


def answered(node: Evm, questions: list[Question]) -> Answers:
    """Ask tokens in one batch. Raises NodeAway, NodeError."""
    told = node.ask_many("eth_call", [call_of(*one) for one in questions], Data)
    return {one: number(text) for one, text in zip(questions, told, strict=True)}


def call_of(contract: bytes, data: bytes, block_hash: str) -> list[Any]:
    """Return a call of a token in a block that must be on the node's chain (EIP-1898)."""
    at = {"blockHash": block_hash, "requireCanonical": True}
    return [{"to": tohex(contract), "data": tohex(data)}, at]


def number(text: str) -> int:
    """Return the number a contract answers; where none is, it has nothing."""
    word = unhex(text)[:WORD]
    return int.from_bytes(word, "big") if len(word) == WORD else 0


def moved_at(
    places: list[Place], logs: list[list[Log]], watched: Watched
) -> dict[Place, tuple[int, int]]:
    """Return what the blocks' events say came to each place, and what left it by our own doing."""
    moved = dict.fromkeys(places, (0, 0))
    for at in dict.fromkeys(place.at for place in places):
        contracts = {tohex(place.contract): place.contract for place in places if place.at == at}
        for one in logs[at]:
            contract = contracts.get(one.address_hex.lower())
            transfer = contract and rules.transfer_of(one.topics_hex, one.data_hex)
            if not contract or not transfer:
                continue
            for place in {Place(at, contract, one) for one in transfer[:2]} & moved.keys():
                came, left = moved[place]
                came += transfer.units * (transfer.to == place.to)
                if transfer.sender == place.to and watched.is_own(transfer.to):
                    left += transfer.units
                moved[place] = came, left
    return moved


def doubt_of(
    place: Place, moved: tuple[int, int], told: list[int | None], watched: Watched
) -> Doubt | None:
    """Return why what was paid at a place is not credited; None where it is."""
    found = watched.listed.get(place.contract)
    if found is None:  # taken off the list meanwhile: who matches then sees it
        return None
    listed, asset = found
    said, left = moved
    before, after, decimals = told
    came = said
    if before is not None and after is not None:
        came = max(0, min(said, after - before + left))
    if decimals is not None and decimals != listed.decimals:
        detail = f"{asset.code} tells {decimals} decimals, listed with {listed.decimals}"
        return Doubt(detail, said, came, DECIMALS_CHANGED)
    if came < said:
        detail = f"{asset.code} tells {said} units in this block, and {came} arrived"
        return Doubt(detail, said, came, AMOUNT_DIFFERS)
    if listed.distrusted_since is not None:
        since = f"{listed.distrusted_since:%Y-%m-%d %H:%M} UTC"
        return Doubt(f"{asset.code} is not trusted since {since}", said, came)
    return None


def told_alike(view: View, asked: list[list[Question]], ours: Answers) -> None:
    """See that a second node says the same of what is to be set aside, where it can tell.

    Raises Contradiction, NodeAway, NodeError.
    """
    if view.witness is None or not asked:
        return
    theirs = answers_to(view.witness, asked)
    if any(ours[one] != told for one, told in theirs.items() if one in ours):
        about = f"what tokens hold at block {asked[0][1][2]}"
        raise Contradiction(view.node, view.witness, partial(answers_to, asked=asked), about)


def set_aside(event: Event, doubt: Doubt | None) -> Event:
    """Return a payment as it counts: its part of what arrived, if there is a doubt about that."""
    if doubt is None or event.kind is not None or event.transfer is None:
        return event
    units = event.transfer.units * doubt.came // doubt.said
    transfer = event.transfer._replace(units=units)
    return replace(
        event, kind=SET_ASIDE, transfer=transfer, detail=doubt.detail, distrust=doubt.why
    )
