"""The address book: loosening waits, tightening works at once, a proof shortens the wait."""

from datetime import UTC, datetime, timedelta

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from sqlalchemy import text

from gateway import db
from gateway.book import message, service
from gateway.book.store import BookEntry
from gateway.chain.evm import Evm, at_url
from gateway.chain.port import NodeAway
from gateway.errors import Conflict, NotFound, Refused
from gateway.settings import settings
from gateway.withdrawals.store import Withdrawal
from tests.flow.books import CHAIN
from tests.flow.outgoing import DOLLAR, ask, chain_rows, rich

WALLET = Account.from_key(bytes([0x55] * 32))
HERE = bytes.fromhex(WALLET.address[2:])
NOWHERE = at_url("http://127.0.0.1:1")


@pytest.fixture
def account(database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MIZAN_BOOK_DELAY_HOURS", "24")
    settings.cache_clear()
    with db.transaction() as session:
        chain_rows(session)
        return rich(session)


def add(account: str, place: bytes = HERE) -> str:
    with db.transaction() as session:
        return service.add(
            session, account_id=account, chain=CHAIN, address=place, label="mine", by="key_a"
        ).id


def require(account: str, required: bool) -> None:
    with db.transaction() as session:
        service.require(session, account_id=account, required=required, by="key_a")


def asked(account: str, place: bytes = HERE) -> Withdrawal:
    with db.transaction() as session:
        return ask(session, account, DOLLAR, to=place)


def later(hours: int) -> None:
    """Let time pass for the book."""
    with db.transaction() as session:
        gone = {"gone": timedelta(hours=hours)}
        session.execute(
            text(
                "update address_book set active_after = active_after - :gone,"
                " created_at = created_at - :gone"
            ),
            gone,
        )
        session.execute(
            text("update address_book_rule set optional_from = optional_from - :gone"), gone
        )


def test_without_a_rule_money_goes_anywhere(account: str) -> None:
    assert asked(account).status == "approved"


def test_a_required_book_lets_money_go_to_active_addresses_only(account: str) -> None:
    require(account, True)
    refused = asked(account)
    assert (refused.status, refused.failure_reason) == ("rejected", "address_not_in_book")
    add(account)
    waiting = asked(account)
    assert (waiting.status, waiting.waiting_reason) == ("approved", "address_not_active")
    assert waiting.not_before is not None
    assert timedelta(hours=23) < waiting.not_before - datetime.now(UTC) <= timedelta(hours=24)
    later(24)
    assert (asked(account).not_before, asked(account).waiting_reason) == (None, None)


def test_removing_an_address_works_at_once(account: str) -> None:
    require(account, True)
    entry = add(account)
    later(24)
    with db.transaction() as session:
        service.remove(session, service.get(session, account, entry), by="key_a")
    assert asked(account).failure_reason == "address_not_in_book"
    with db.transaction() as session, pytest.raises(NotFound):
        service.get(session, account, entry)
    add(account)  # again, and it waits again
    assert asked(account).waiting_reason == "address_not_active"


def test_a_book_that_is_not_required_any_more_is_required_for_a_day(account: str) -> None:
    require(account, True)
    require(account, False)
    assert asked(account).failure_reason == "address_not_in_book"
    require(account, False)  # saying it again does not shorten the wait, nor begin it anew
    later(24)
    assert asked(account).status == "approved"
    require(account, True)
    assert asked(account).failure_reason == "address_not_in_book"


def test_one_address_is_in_the_book_once(account: str) -> None:
    add(account)
    with pytest.raises(Conflict):
        add(account)


def test_a_first_payment_cools_off_and_a_proof_shortens_that(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZAN_COOLING_OFF_HOURS", "24")
    settings.cache_clear()
    first = asked(account)
    assert (first.status, first.waiting_reason) == ("approved", "cooling_off")
    entry = add(account)
    later(2)
    assert asked(account).waiting_reason == "cooling_off"
    prove(account, entry)
    assert asked(account).waiting_reason is None
    with db.transaction() as session:  # paid once, it is no new address
        session.execute(
            text("update withdrawal set status = 'confirmed', to_address = :other where id = :id"),
            {"id": first.id, "other": first.to_address},
        )
        service.remove(session, service.get(session, account, entry), by="key_a")
    assert asked(account).waiting_reason is None


def signed(text_: str, key: str = WALLET.key.hex()) -> bytes:
    return bytes(Account.sign_message(encode_defunct(text=text_), key).signature)


def prove(account: str, entry: str, signature: bytes | None = None, node: Evm = NOWHERE) -> str:
    with db.transaction() as session:
        found = service.get(session, account, entry)
        asked_for = service.challenge(session, found)
        service.prove(
            session,
            found,
            node,
            nonce=asked_for.nonce,
            signature=signature or signed(asked_for.message),
        )
        return asked_for.nonce


def test_the_message_is_what_wallets_expect(account: str) -> None:
    entry = add(account)
    with db.transaction() as session:
        asked_for = service.challenge(session, service.get(session, account, entry))
    lines = asked_for.message.split("\n")
    base_url = settings().base_url
    place = base_url.removeprefix("http://")
    assert lines[0] == f"{place} wants you to sign in with your Ethereum account:"
    assert lines[1:3] == [WALLET.address, ""]
    assert lines[5:8] == [f"URI: {base_url}", "Version: 1", "Chain ID: 31337"]
    assert lines[8] == f"Nonce: {asked_for.nonce}"
    assert [line.split(": ")[0] for line in lines[9:]] == ["Issued At", "Expiration Time"]


def test_a_challenge_is_good_once_and_for_its_entry_only(account: str) -> None:
    entry = add(account)
    nonce = prove(account, entry)
    with db.transaction() as session:
        assert session.get_one(BookEntry, entry).proven_at is not None
        found = service.get(session, account, entry)
        with pytest.raises(Refused, match="fresh"):
            service.prove(session, found, NOWHERE, nonce=nonce, signature=bytes(65))
    other = add(account, bytes([9] * 20))
    with db.transaction() as session:
        found = service.get(session, account, other)
        with pytest.raises(Refused, match="no such"):
            service.prove(session, found, NOWHERE, nonce=nonce, signature=bytes(65))


def test_a_late_answer_is_refused(account: str) -> None:
    entry = add(account)
    with db.transaction() as session:
        found = service.get(session, account, entry)
        asked_for = service.challenge(session, found)
        asked_for.expires_at = datetime.now(UTC) - timedelta(seconds=1)
        with pytest.raises(Refused, match="fresh"):
            service.prove(
                session, found, NOWHERE, nonce=asked_for.nonce, signature=signed(asked_for.message)
            )


@pytest.mark.parametrize("wrong", [bytes(65), bytes(64), b"\x01" * 65, bytes(200)])
def test_what_is_no_signature_of_the_address_is_asked_of_its_contract(wrong: bytes) -> None:
    with pytest.raises(NodeAway):
        message.is_signed_by(NOWHERE, HERE, "hello", wrong)


def test_a_signature_of_another_key_or_its_twin_is_none(account: str) -> None:
    good = signed("hello")
    assert message.signer_of(message.digest("hello"), good) == HERE
    assert message.signer_of(message.digest("hello!"), good) != HERE
    order = 2 * message.HALF_ORDER + 1
    twin = good[:32] + (order - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    twin += bytes([55 - good[64]])
    assert message.signer_of(message.digest("hello"), twin) is None
