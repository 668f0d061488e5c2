"""What can be true of a block's logs, held against its header."""

import time
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from gateway.chain import checks
from gateway.chain.port import Header, Log, NodeAway

BLOCK, OTHER = "0x" + "ab" * 32, "0x" + "cd" * 32
USDC, DAI = bytes([0xA0] * 20), bytes([0xDA] * 20)
APPROVAL = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
BLOOM_BYTES = 256

addresses = st.binary(min_size=20, max_size=20)
topics = st.binary(min_size=32, max_size=32).map(lambda value: "0x" + value.hex())


@dataclass(frozen=True)
class Event:
    address: bytes
    topic: str = checks.TRANSFER


def filter_of(events: list[Event]) -> str:
    """The Yellow Paper's filter, byte by byte."""
    field = bytearray(BLOOM_BYTES)
    for event in events:
        for item in (event.address, bytes.fromhex(event.topic[2:])):
            digest = keccak(item)
            for pair in (0, 2, 4):
                bit = (digest[pair] << 8 | digest[pair + 1]) & 2047
                field[BLOOM_BYTES - 1 - bit // 8] |= 1 << (bit % 8)
    return "0x" + field.hex()


def header(bloom: str, block: str = BLOCK) -> Header:
    return Header(block, OTHER, "0x7", "0x1", "0x5208", logs_bloom_hex=bloom)


def log(place: int, event: Event, **changes: Any) -> Log:
    known = Log("0x" + event.address.hex(), (event.topic,), "0x01", OTHER, hex(place), BLOCK, False)
    return msgspec.structs.replace(known, **changes)


def logs(events: list[Event]) -> list[Log]:
    return [log(2 * place, event) for place, event in enumerate(events)]


@given(st.lists(st.builds(Event, addresses, topics), max_size=20))
def test_what_a_block_emitted_is_taken_as_it_is(events: list[Event]) -> None:
    told = logs(events)
    assert checks.checked_logs(header(filter_of(events)), told) is told


@given(st.lists(st.builds(Event, addresses, topics), min_size=1, max_size=20), st.data())
def test_a_log_told_twice_or_out_of_turn_is_refused(events: list[Event], data: Any) -> None:
    told = logs(events)
    moved = told[data.draw(st.integers(0, len(told) - 1))]
    told.insert(data.draw(st.integers(told.index(moved) + 1, len(told))), moved)
    with pytest.raises(NodeAway, match="was told after"):
        checks.checked_logs(header(filter_of(events)), told)


@given(addresses, topics)
def test_a_log_that_is_not_in_the_filter_is_refused(address: bytes, topic: str) -> None:
    known, unknown = Event(USDC), Event(address, topic)
    bloom = filter_of([known])
    if filter_of([known, unknown]) == bloom:
        return  # the filter has it by chance
    with pytest.raises(NodeAway, match="not in the filter"):
        checks.checked_logs(header(bloom), logs([known, unknown]))


@pytest.mark.parametrize(
    "changes",
    [
        {"block_hash_hex": OTHER},
        {"block_hash_hex": None},
        {"removed": True},
        {"log_index_hex": "0xzz"},
        {"address_hex": "0x12g4"},
    ],
)
def test_a_log_that_cannot_be_of_the_block_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NodeAway):
        checks.checked_logs(header(filter_of([Event(USDC)])), [log(0, Event(USDC), **changes)])


def test_letters_may_be_large_or_small() -> None:
    told = [log(0, Event(USDC), block_hash_hex="0x" + "AB" * 32, address_hex="0x" + "A0" * 20)]
    assert checks.checked_logs(header(filter_of([Event(USDC)])), told) == told


def test_without_a_filter_the_rest_is_still_checked() -> None:
    told = logs([Event(USDC)])
    assert checks.checked_logs(header("0x"), told) == told
    with pytest.raises(NodeAway):
        checks.checked_logs(header("0x"), told + told)
    assert not checks.suspicious_silence(header("0x"), [], [USDC])


def test_a_filter_that_is_no_number_is_refused() -> None:
    with pytest.raises(NodeAway, match="filter of block 7"):
        checks.checked_logs(header("0xnone"), [])


@given(st.lists(addresses, max_size=10, unique=True))
def test_silence_about_what_the_filter_has_is_noticed(others: list[bytes]) -> None:
    events = [Event(address) for address in others]
    block = header(filter_of([Event(USDC), *events]))
    assert checks.suspicious_silence(block, logs(events), [USDC]) is (USDC not in others)
    assert not checks.suspicious_silence(block, logs([Event(USDC), *events]), [USDC])


def test_silence_is_fine_where_the_filter_has_no_transfer_of_ours() -> None:
    block = header(filter_of([Event(DAI)]))
    assert not checks.suspicious_silence(block, logs([Event(DAI)]), [USDC])
    other = header(filter_of([Event(USDC, APPROVAL)]))
    assert not checks.suspicious_silence(other, [], [USDC])
    assert not checks.suspicious_silence(header(filter_of([])), [], [USDC])


def test_silence_about_all_transfers_is_noticed_whosever_they_are() -> None:
    assert checks.suspicious_silence(header(filter_of([Event(DAI)])), [], [USDC])
    assert checks.suspicious_silence(header(filter_of([Event(DAI)])), [], [])


@pytest.mark.parametrize(("count", "cut"), [(0, False), (9, False), (10, True), (11, True)])
def test_an_answer_as_long_as_the_cap_may_be_cut_off(count: int, cut: bool) -> None:
    assert checks.truncated(logs([Event(USDC)] * count), 10) is cut


def test_a_block_of_five_hundred_logs_is_checked_in_half_a_millisecond() -> None:
    events = [Event(bytes([token]) * 20) for token in range(30)]
    told = logs([events[place % 30] for place in range(500)])
    block = header(filter_of(events))
    contracts = [event.address for event in events]

    def once() -> float:
        began = time.perf_counter()
        checks.checked_logs(block, told)
        checks.suspicious_silence(block, told, contracts)
        return time.perf_counter() - began

    assert min(once() for _ in range(20)) < 0.0005
