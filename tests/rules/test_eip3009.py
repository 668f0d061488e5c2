"""What we hash, call and recover is what wallets sign and tokens take (EIP-712, EIP-3009)."""

import json
from pathlib import Path

import pytest
from eth_abi.abi import decode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from gateway.chain import eip3009
from gateway.chain.artifacts import artifact, selector
from gateway.chain.eip3009 import UINT256_MAX, Authorization, Domain, typed_data
from gateway.chain.signature import HALF_ORDER

KEY = bytes([0x55] * 32)
HOLDER = Account.from_key(KEY)
ADDRESS = bytes.fromhex(HOLDER.address[2:])
ORDER = 2 * HALF_ORDER + 1
numbers = st.integers(0, UINT256_MAX)
places = st.binary(min_size=20, max_size=20)
domains = st.builds(
    Domain,
    name=st.text(max_size=40),
    version=st.text(max_size=5),
    chain_id=st.integers(1, 2**53),
    contract=places,
)
messages = st.builds(
    Authorization,
    payer=st.just(ADDRESS),
    to=places,
    value=numbers,
    valid_after=numbers,
    valid_before=numbers,
    nonce=st.binary(min_size=32, max_size=32),
)


def signature(domain: Domain, message: Authorization) -> bytes:
    """Sign as a wallet does."""
    made = HOLDER.sign_message(encode_typed_data(full_message=typed_data(domain, message)))
    return bytes(made.signature)


@given(domain=domains, message=messages)
def test_a_wallets_signature_is_its_keys(domain: Domain, message: Authorization) -> None:
    made = signature(domain, message)
    assert message.signed_by(domain, made) == ADDRESS
    zero_or_one = made[:64] + bytes([made[64] - 27])
    assert message.signed_by(domain, zero_or_one) == ADDRESS
    assert message.call(zero_or_one) == message.call(made)


@given(domain=domains, message=messages, other=messages)
def test_another_message_is_not_signed(
    domain: Domain, message: Authorization, other: Authorization
) -> None:
    if other != message:
        assert other.signed_by(domain, signature(domain, message)) != ADDRESS


@given(signed=st.binary(max_size=80), message=messages, domain=domains)
def test_rubbish_is_nobodys_signature(
    signed: bytes, message: Authorization, domain: Domain
) -> None:
    assert message.signed_by(domain, signed) != ADDRESS


def test_the_other_half_of_a_signature_is_refused() -> None:
    domain = Domain("USD Coin", "2", 1, bytes([1] * 20))
    message = Authorization(ADDRESS, bytes([2] * 20), 1, 0, 2**40, bytes(32))
    made = signature(domain, message)
    high = ORDER - int.from_bytes(made[32:64], "big")
    mirrored = made[:32] + high.to_bytes(32, "big") + bytes([27 + 28 - made[64]])
    assert message.signed_by(domain, mirrored) is None


@given(message=messages, signed=st.binary(min_size=64, max_size=64), v=st.sampled_from((27, 28)))
def test_the_call_is_the_abis_and_is_read_back(
    message: Authorization, signed: bytes, v: int
) -> None:
    call = message.call(signed + bytes([v]))
    known = [
        one
        for one in artifact("SignedUSDC")["abi"]
        if one.get("name") == "transferWithAuthorization"
    ]
    (function,) = known
    kinds = [one["type"] for one in function["inputs"]]
    assert call[:4] == keccak(text=f"transferWithAuthorization({','.join(kinds)})")[:4]
    assert decode(kinds, call[4:])[6:] == (v, signed[:32], signed[32:])
    assert eip3009.read_transfer(call) == message


@pytest.mark.parametrize("data", [b"", b"\1\2\3\4", selector(eip3009.TRANSFER)])
def test_another_call_is_none(data: bytes) -> None:
    assert eip3009.read_transfer(data) is None


def test_the_token_of_development_is_in_git() -> None:
    path = Path(eip3009.__file__).parent / "abi" / "SignedUSDC.json"
    assert json.loads(path.read_text())["contractName"] == "SignedUSDC"
