"""To whom a refund may be proposed: a plain account that signed its payments itself."""

import pytest

from gateway.invoices.store import InvoicePayment
from gateway.refunds.sender import PAYMENTS_ASKED_MAX, signer_of
from gateway.settings import settings
from tests.chain import native_moves
from tests.conftest import CHAIN, TestNode

PAYEE = "0x" + "5a" * 20
PAYER = 3


def address(anvil: TestNode, number: int = PAYER) -> bytes:
    return bytes.fromhex(anvil.accounts()[number][2:])


def payment(anvil: TestNode, *, sender: int = PAYER, told: bytes | None = None) -> InvoicePayment:
    """Send coin; returns the payment as deposits tell it, sent by `told` in their words."""
    sent = anvil.send(to=PAYEE, value=1, sender=sender)
    anvil.mine()
    return told_of(sent, told or address(anvil, sender))


def told_of(tx_hash: str, sender: bytes | None) -> InvoicePayment:
    return InvoicePayment(tx_hash=bytes.fromhex(tx_hash[2:]), from_address=sender)


def test_who_signed_every_payment_is_proposed(anvil: TestNode) -> None:
    rows = [payment(anvil), payment(anvil)]
    assert signer_of(CHAIN, rows) == address(anvil)
    assert signer_of(CHAIN, [*rows, payment(anvil, sender=4)]) is None
    assert signer_of(CHAIN, rows * PAYMENTS_ASKED_MAX) is None
    assert signer_of(CHAIN, []) is None


def test_who_did_not_sign_is_not(anvil: TestNode) -> None:
    contract = native_moves.contract(anvil, native_moves.GIVE_ALL)
    assert signer_of(CHAIN, [payment(anvil, told=contract)]) is None
    assert signer_of(CHAIN, [payment(anvil, told=address(anvil, 4))]) is None
    assert signer_of(CHAIN, [told_of("0x" + "ab" * 32, address(anvil))]) is None
    assert signer_of(CHAIN, [told_of("0x" + "ab" * 32, None)]) is None


@pytest.mark.parametrize(("code", "safe"), [("0xef0100" + "11" * 20, True), ("0x6001", False)])
def test_only_code_that_a_key_lent_itself_is_let_pass(
    anvil: TestNode, code: str, safe: bool
) -> None:
    row = payment(anvil)
    anvil.call("anvil_setCode", "0x" + address(anvil).hex(), code)
    assert signer_of(CHAIN, [row]) == (address(anvil) if safe else None)


def test_nobody_is_proposed_while_the_node_is_away(
    anvil: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = payment(anvil)
    assert signer_of("eip155:1", [row]) is None
    monkeypatch.setenv("CHAINS", "eip155:1=http://127.0.0.1:1")
    settings.cache_clear()
    assert signer_of("eip155:1", [row]) is None
