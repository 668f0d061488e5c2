"""Screening lists are read by the form of an address, whole or not at all."""

import pytest

from gateway.screening import rules
from gateway.screening.lists import Unreadable, read

NAMESPACE = (
    "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/ADVANCED_XML"
)
ETH, USDT, BTC = "0x" + "Ab" * 20, "0x" + "cd" * 20, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"


def advanced(*features: tuple[str, str, str]) -> bytes:
    """A list in OFAC's form: (party, type of feature, value)."""
    parties = "".join(
        f'<DistinctParty FixedRef="{party}"><Profile ID="{party}"><Feature ID="1"'
        f' FeatureTypeID="{kind}"><FeatureVersion ID="2"><VersionDetail DetailTypeID="1432">'
        f"{value}</VersionDetail></FeatureVersion></Feature></Profile></DistinctParty>"
        for party, kind, value in features
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Sanctions xmlns="{NAMESPACE}">'
        "<DateOfIssue><Year>2026</Year><Month>11</Month><Day>20</Day></DateOfIssue>"
        '<ReferenceValueSets><FeatureTypeValues><FeatureType ID="345">Digital Currency Address -'
        ' ETH</FeatureType><FeatureType ID="887">Digital Currency Address - USDT</FeatureType>'
        '<FeatureType ID="344">Digital Currency Address - XBT</FeatureType>'
        '<FeatureType ID="3">Website</FeatureType></FeatureTypeValues></ReferenceValueSets>'
        f"<DistinctParties>{parties}</DistinctParties></Sanctions>"
    ).encode()


def test_an_address_counts_whatever_ticker_stands_beside_it() -> None:
    found = read(
        advanced(
            ("7", "345", ETH), ("8", "887", USDT), ("8", "344", BTC), ("9", "887", "T" + "9" * 33)
        )
    )
    assert found.parties == {bytes([0xAB] * 20): "7", bytes([0xCD] * 20): "8"}
    assert found.published == "2026-11-20"


def test_only_features_that_are_addresses_count() -> None:
    with pytest.raises(Unreadable, match="no address"):
        read(advanced(("7", "3", ETH)))


def test_plain_lines_with_names_and_comments() -> None:
    body = f"# our own list\n{ETH} a thief\n\n{USDT},another # seen twice\n{USDT} again\n"
    assert read(body.encode()).parties == {
        bytes([0xAB] * 20): "a thief",
        bytes([0xCD] * 20): "again",
    }


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no address"),
        (b"# nothing\n", "no address"),
        (f"{ETH}\n0x12".encode(), "cut off"),
        (f"{ETH}\n0x12\n".encode(), "line 2"),
        (b"<html><body>Sign in</body></html>", "root is html"),
        (b"<Sanctions><DistinctParties>", "not whole"),
        (advanced(("7", "345", ETH))[:-30], "not whole"),
        (b"\xff\xfe\x00", "not text"),
        (b"{}\n", "line 1"),
    ],
)
def test_what_is_cut_off_or_forged_is_no_list(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(body)


def test_a_list_does_not_shrink_by_more_than_a_fifth() -> None:
    assert rules.refusal_of(80, 100) is None
    assert rules.refusal_of(79, 100) == "it shrank from 100 to 79 addresses"
    assert rules.refusal_of(1, None) is None
    assert rules.refusal_of(0, None) == "it names no address"
