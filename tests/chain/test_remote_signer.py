"""Keys in another process: what it signs is checked, and while it is away withdrawals wait."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction

from gateway.sending.call import SignerAway, SignerRefuses
from gateway.settings import settings
from tests.chain.money_in import CHAIN, DOLLAR, open_till
from tests.chain.money_out import PAYOUT_KEY, SECOND_KEY, Desk, assert_paid_once, open_desk
from tests.chain.signing_server import CHAIN_ID, Remote, serving
from tests.conftest import TestNode
from workers import signer
from workers.keys import drivers, keystore, remote
from workers.keys.checked import checked

ALI, VAULT = bytes([0xB1] * 20), bytes([0xC1] * 20)
ADDRESS = Account.from_key(PAYOUT_KEY).address
PLACE = bytes.fromhex(ADDRESS[2:])
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
FIELDS: dict[str, Any] = {
    "type": 2,
    "chainId": CHAIN_ID,
    "nonce": 7,
    "to": VAULT,
    "value": 0,
    "data": b"\x01\x02\x03",
    "gas": 100_000,
    "maxPriorityFeePerGas": 1,
    "maxFeePerGas": 2_000_000_000,
}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    monkeypatch.delenv("MIZAN_KEYSTORE", raising=False)
    with serving(Remote({ADDRESS.lower(): PAYOUT_KEY})) as server:
        monkeypatch.setenv("MIZAN_REMOTE_SIGNER", f"{CHAIN}={server.url}")
        settings.cache_clear()
        yield server
    settings.cache_clear()


def test_a_remote_signer_is_asked_as_web3signer_is(served: Remote) -> None:
    signed = drivers.sign_fields(PLACE, FIELDS)
    assert Account.recover_transaction(signed.raw) == ADDRESS
    assert TypedTransaction.from_bytes(as_hex(signed.raw)).as_dict()["nonce"] == 7
    assert served.asked == [
        {
            "from": ADDRESS.lower(),
            "to": "0x" + VAULT.hex(),
            "data": "0x010203",
            "nonce": "0x7",
            "value": "0x0",
            "gas": "0x186a0",
            "maxPriorityFeePerGas": "0x1",
            "maxFeePerGas": "0x77359400",
        }
    ]


def as_hex(raw: bytes) -> Any:
    from hexbytes import HexBytes

    return HexBytes(raw)


def test_a_nodes_shape_of_the_answer_is_read_too(served: Remote) -> None:
    served.answer = lambda server, asked: {"raw": server.sign(asked), "tx": {}}
    assert drivers.sign_fields(PLACE, FIELDS).raw[:1] == b"\x02"


LIES: list[tuple[str, dict[str, Any]]] = [
    ("signed_other_chainId", {"chainId": 1}),
    ("signed_other_nonce", {"nonce": 8}),
    ("signed_other_to", {"to": ADDRESS}),
    ("signed_other_value", {"value": 1}),
    ("signed_other_data", {"data": "0x010204"}),
    ("signed_other_data", {"data": "0x"}),
    ("signed_other_gas", {"gas": 100_001}),
    ("signed_other_maxFeePerGas", {"maxFeePerGas": 2_000_000_001}),
    ("signed_other_maxPriorityFeePerGas", {"maxPriorityFeePerGas": 2}),
    ("signed_other_accessList", {"accessList": [{"address": ADDRESS, "storageKeys": []}]}),
    ("signed_by_another_key", {"key": SECOND_KEY}),
    (
        "signed_other_type",
        {"type": None, "maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 2 * 10**9},
    ),
]


@pytest.mark.parametrize(
    ("why", "changes"), LIES, ids=[f"{i}-{lie[0]}" for i, lie in enumerate(LIES)]
)
def test_what_a_remote_signer_changed_is_refused(
    served: Remote, why: str, changes: dict[str, Any]
) -> None:
    served.answer = lambda server, asked: server.sign(asked, **changes)
    with pytest.raises(SignerRefuses, match=f"^{why}$"):
        drivers.sign_fields(PLACE, FIELDS)


def test_the_other_signature_of_the_same_transaction_is_refused(served: Remote) -> None:
    def flipped(server: Remote, asked: dict[str, Any]) -> str:
        found = TypedTransaction.from_bytes(as_hex(bytes.fromhex(server.sign(asked)[2:]))).as_dict()
        found |= {"s": ORDER - found["s"], "v": 1 - found["v"]}
        return "0x" + bytes(TypedTransaction.from_dict(found).encode()).hex()

    served.answer = flipped
    with pytest.raises(SignerRefuses, match="signed_by_another_key"):
        drivers.sign_fields(PLACE, FIELDS)


NOISE: list[Any] = [
    None, 7, [], {}, "", "0x", "0x02", "0x02c0", "0x02f8", "0x02ff", "zz", "0x02" + "c1" * 40,
    "0x02fbffffffff", "0x02bf" + "ff" * 9,
]  # fmt: skip


@pytest.mark.parametrize("noise", NOISE, ids=str)
def test_noise_is_refused(served: Remote, noise: Any) -> None:
    served.answer = lambda *_: noise
    with pytest.raises(SignerRefuses, match=r"^signed_"):
        drivers.sign_fields(PLACE, FIELDS)


def test_no_byte_of_what_was_signed_can_be_another(served: Remote) -> None:
    raw = drivers.sign_fields(PLACE, FIELDS).raw
    for place in range(len(raw)):
        with pytest.raises(SignerRefuses):
            checked(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :], PLACE, FIELDS)
    for other in (raw + b"\0", raw[:-1], b"\x02" + raw):
        with pytest.raises(SignerRefuses):
            checked(other, PLACE, FIELDS)


def test_a_remote_signer_that_says_no_refuses(served: Remote) -> None:
    served.keys.clear()
    with pytest.raises(SignerRefuses, match="remote_signer_refused"):
        drivers.sign_fields(PLACE, FIELDS)


AWAY: list[Callable[[dict[str, Any], Any], tuple[int, bytes]]] = [
    lambda call, result: (500, b"{}"),
    lambda call, result: (403, b"forbidden"),
    lambda call, result: (200, b"<html>"),
    lambda call, result: (200, b"[]"),
    lambda call, result: (200, json.dumps({"id": call["id"] + 1, "result": result}).encode()),
    lambda call, result: (200, b" " * (remote.ANSWER_BYTES_MAX + 1)),
]


@pytest.mark.parametrize("reply", AWAY)
def test_an_answer_that_is_none_means_away(
    served: Remote, reply: Callable[[dict[str, Any], Any], tuple[int, bytes]]
) -> None:
    served.reply = reply
    with pytest.raises(SignerAway):
        drivers.sign_fields(PLACE, FIELDS)


def test_a_silent_remote_signer_is_away(served: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    held = threading.Event()
    served.answer = lambda *_: held.wait(10)
    monkeypatch.setattr(remote.at(served.url).client, "timeout", 0.2)
    with pytest.raises(SignerAway):
        drivers.sign_fields(PLACE, FIELDS)
    held.set()


def test_without_any_key_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIZAN_KEYSTORE", "MIZAN_REMOTE_SIGNER"):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    with pytest.raises(SignerRefuses, match="no_key"):
        drivers.sign_fields(PLACE, FIELDS)


@pytest.fixture
def desk(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = open_desk(open_till(anvil), tmp_path, monkeypatch)
    desk.fund()
    return desk


def move_key(desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the payout key be a remote signer's alone."""
    folder = settings().keystore
    assert folder is not None
    (folder / "payout.json").unlink()
    monkeypatch.setenv("MIZAN_REMOTE_SIGNER", f"{CHAIN}={url}")
    settings.cache_clear()
    keystore.find.cache_clear()


def test_withdrawals_wait_for_a_signer_that_is_away_and_go_on_by_themselves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Remote({ADDRESS.lower(): PAYOUT_KEY})) as server:
        port = int(server.url.rpartition(":")[2])
    move_key(desk, server.url, monkeypatch)
    wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
    desk.round()
    assert desk.rows() == [("approved", "signer_unreachable")]
    assert desk.alarms() == ["signer_unreachable"]
    assert [(one.status, one.refusal) for one in desk.intents()] == [("planned", None)]
    assert desk.attempts() == []
    with serving(server, port):
        desk.finish()
    assert_paid_once(desk, wd, ALI, 5 * DOLLAR)
    assert desk.row(wd).waiting_reason is None
    assert len(server.asked) == 1
    assert desk.alarms() == ["signer_unreachable"]


def test_nobody_waits_behind_a_signer_that_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.second_signer()
    move_key(desk, "http://127.0.0.1:1", monkeypatch)
    account = desk.rich()
    for _ in range(2):
        desk.ask(account, 5 * DOLLAR, ALI)
        desk.pay()
    assert len({one.signer_id for one in desk.intents()}) == 2
    signer.sign(CHAIN)
    assert sorted(one.status for one in desk.intents()) == ["planned", "signed"]


def test_a_remote_signer_that_lies_is_refused_and_an_operator_is_called(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Remote({ADDRESS.lower(): PAYOUT_KEY})) as server:
        server.answer = lambda remote, asked: remote.sign(asked, to=ADDRESS)
        move_key(desk, server.url, monkeypatch)
        wd = desk.ask(desk.rich(), 5 * DOLLAR, ALI)
        desk.round()
    assert desk.intents()[0].refusal == "signed_other_to"
    assert desk.row(wd).waiting_reason == "signer_refused"
    assert desk.alarms() == ["signer_refused"]
    assert desk.attempts() == []
