"""What a node's traces say moved: forms that Anvil does not send, and very many of them."""

import time
from typing import Any

import msgspec
import pytest

from gateway.chain.port import Header, NodeAway
from gateway.chain.rpc import decode, envelope
from gateway.deposits.native.frames import CALLS_DEEP_MAX, Frame, moves_of
from gateway.deposits.native.port import Move
from gateway.deposits.native.trace_block import Entry, moved

HERE, ELSEWHERE = "0x" + "aa" * 32, "0x" + "bb" * 32
TX = "0x" + "11" * 32
GIVER, US, SHA256 = "0x" + "22" * 20, "0x" + "5a" * 20, "0x" + "00" * 19 + "02"
HEADER = Header(
    hash_hex=HERE,
    parent_hash_hex=ELSEWHERE,
    number_hex="0x7",
    timestamp_hex="0x1",
    gas_used_hex="0x1",
)


def entry(path: list[int], value: str = "0x0", to: str = US, **fields: Any) -> dict[str, Any]:
    return {
        "action": {"callType": "call", "from": GIVER, "to": to, "value": value, "input": "0x"},
        "blockHash": HERE,
        "blockNumber": 7,
        "result": {"gasUsed": "0x0", "output": "0x"},
        "subtraces": 0,
        "traceAddress": path,
        "transactionHash": TX,
        "transactionPosition": 0,
        "type": "call",
    } | fields


def told(*entries: dict[str, Any]) -> list[Move]:
    return moved(HEADER, msgspec.json.decode(msgspec.json.encode(entries), type=list[Entry]))


def test_a_path_of_several_places_is_kept() -> None:
    assert told(entry([3, 11, 0], "0x5")) == [Move(TX, "0.3.11.0", GIVER, US, "0x5")]


def test_issuance_is_no_payment() -> None:
    reward = {"author": US, "rewardType": "block", "value": "0x5"}
    extra = entry([], type="reward", action=reward, transactionHash=None, transactionPosition=None)
    assert told(entry([], "0x1"), extra) == [Move(TX, "0", GIVER, US, "0x1")]


def test_a_rollups_own_transaction_is_one_like_others() -> None:
    """OP Stack deposits (type 0x7e) carry value that nobody signed for."""
    system = entry([], "0x5", type="call", transactionPosition=0)
    assert told(system) == [Move(TX, "0", GIVER, US, "0x5")]


@pytest.mark.parametrize("failed_first", [True, False])
def test_a_failed_frame_takes_back_all_below_wherever_it_is_listed(failed_first: bool) -> None:
    frames = [entry([1], error="Reverted"), entry([1, 0, 4], "0x5"), entry([10], "0x6")]
    found = told(*(frames if failed_first else frames[::-1]))
    assert [(move.position, move.value) for move in found] == [("0.10", "0x6")]


def test_a_failed_frame_of_another_transaction_takes_nothing_back() -> None:
    other = entry([0], error="Reverted", transactionHash=ELSEWHERE)
    assert len(told(other, entry([0], "0x5"))) == 1


def test_a_creation_that_failed_created_nothing() -> None:
    made = {"from": GIVER, "gas": "0x1", "init": "0x", "value": "0x5"}
    assert told(entry([0], action=made, result=None, type="create", error="Reverted")) == []
    assert told(entry([0], action=made, result={"address": US}, type="create"))[0].to == US


def test_calls_of_precompiled_contracts_have_no_place_of_their_own() -> None:
    listed = told(
        entry([]), entry([0], to=SHA256), entry([1]), entry([1, 0], to=SHA256), entry([1, 1], "0x5")
    )
    left_out = told(entry([]), entry([0]), entry([0, 0], "0x5"))
    assert listed == left_out == [Move(TX, "0.0.0", GIVER, US, "0x5")]


def test_coin_for_a_precompiled_contract_has_its_place() -> None:
    assert [move.position for move in told(entry([0], "0x1", SHA256), entry([1], "0x5"))] == [
        "0.0",
        "0.1",
    ]


@pytest.mark.parametrize("entries", [[], [entry([]), entry([0], blockHash=ELSEWHERE)]])
def test_another_blocks_traces_or_none_are_refused(entries: list[dict[str, Any]]) -> None:
    with pytest.raises(NodeAway):
        told(*entries)


def test_a_hundred_thousand_traces_are_no_burden() -> None:
    body = msgspec.json.encode([entry([place], "0x5") for place in range(100_000)])
    began = time.process_time()
    found = moved(HEADER, msgspec.json.decode(body, type=list[Entry]))
    assert time.process_time() - began < 2
    assert len(found) == len({move.position for move in found}) == 100_000


def test_calls_as_deep_as_there_can_be_are_read() -> None:
    call = b'{"type":"CALL","from":"%s","to":"%s","value":"%%s"' % (GIVER.encode(), US.encode())
    deep = (call % b"0x0" + b',"calls":[') * CALLS_DEEP_MAX + call % b"0x5" + b"}"
    answer = b'{"jsonrpc":"2.0","id":1,"result":%s}' % (deep + b"]}" * CALLS_DEEP_MAX)
    frame = decode(envelope(answer), Frame)
    (move,) = moves_of(TX, frame)
    assert move.position == "0" + ".0" * CALLS_DEEP_MAX
