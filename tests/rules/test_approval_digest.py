"""What an approver signs is EIP-712's digest, and whose signature it is can be told."""

from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from gateway.chain import payout
from gateway.chain.address import show_address
from gateway.chain.calls import call_of
from gateway.chain.signature import HALF_ORDER, recover, recover_short, shorten
from workers.keys import keystore

KEY = Account.from_key(b"\x44" * 32)
APPROVER = bytes.fromhex(KEY.address[2:])
VAULT, OPERATOR, TOKEN = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
TYPES = {
    "Payout": [
        {"name": "operator", "type": "address"},
        {"name": "sequence", "type": "uint256"},
        {"name": "token", "type": "address"},
        {"name": "payments", "type": "bytes32[]"},
        {"name": "deadline", "type": "uint256"},
    ]
}
WORDS = st.lists(st.binary(min_size=32, max_size=32), max_size=5)


@given(words=WORDS, seq=st.integers(0, 2**64), deadline=st.integers(0, 2**40), native=st.booleans())
def test_the_digest_is_what_a_wallet_would_sign(
    words: list[bytes], seq: int, deadline: int, native: bool
) -> None:
    token = None if native else TOKEN
    ours = payout.approval_digest(
        chain_id=31337,
        vault=VAULT,
        operator=OPERATOR,
        seq=seq,
        token=token,
        payments=words,
        deadline=deadline,
    )
    message = encode_typed_data(
        domain_data={
            "name": "Mizan payout vault",
            "version": "1",
            "chainId": 31337,
            "verifyingContract": show_address(VAULT),
        },
        message_types=TYPES,
        message_data={
            "operator": show_address(OPERATOR),
            "sequence": seq,
            "token": show_address(token or bytes(20)),
            "payments": words,
            "deadline": deadline,
        },
    )
    signature = keystore.sign_digest(KEY, ours)
    assert recover_short(ours, signature) == APPROVER
    last = int.from_bytes(signature[32:], "big")
    r, s, parity = int.from_bytes(signature[:32], "big"), last % 2**255, last >> 255
    assert Account.recover_message(message, vrs=(parity + 27, r, s)) == KEY.address


@given(digest=st.binary(min_size=32, max_size=32))
def test_the_other_of_two_signatures_is_nobodys(digest: bytes) -> None:
    signed = KEY.unsafe_sign_hash(digest)
    parity = signed.v - 27
    assert recover(digest, signed.r, signed.s, parity) == APPROVER
    assert recover(digest, signed.r, ORDER - signed.s, 1 - parity) is None
    assert recover(digest, signed.r, signed.s, 1 - parity) != APPROVER
    assert signed.s <= HALF_ORDER


@given(noise=st.binary(min_size=64, max_size=64))
def test_noise_is_not_the_approvers(noise: bytes) -> None:
    assert recover_short(b"\x05" * 32, noise) != APPROVER


def test_a_call_with_its_approval_is_the_compilers() -> None:
    word = shorten(7, 9, 1)
    approval = payout.Approval(deadline=1_234, signature=word)
    words = [payout.payment(OPERATOR, 5), payout.payment(TOKEN, 7)]
    given_words = (words, 1_234, word[:32], word[32:])
    native = call_of(
        "ApprovedPayoutVault",
        "payNative(uint256,bytes32[],uint256,bytes32,bytes32)",
        3,
        *given_words,
    )
    assert payout.pay_call(None, 3, words, approval) == native
    kinds = "address,uint256,bytes32[],uint256,bytes32,bytes32"
    token = call_of("ApprovedPayoutVault", f"payToken({kinds})", TOKEN, 3, *given_words)
    assert payout.pay_call(TOKEN, 3, words, approval) == token
