"""Read a list: OFAC's advanced XML, or plain text with an address a line.

What an entry is decides its form, not the ticker the list prints beside it: twenty bytes of a
name's "Digital Currency Address" are an address on every EVM chain. A list that is cut off, is no
list, or says nothing raises Unreadable.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError, iterparse

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
FEATURE = "Digital Currency Address"
ROOT = "Sanctions"
PARTY_CHARACTERS_MAX = 200


class Unreadable(Exception):
    """It is no list; `args[0]` says why."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The addresses of a list with whose they are, and the date the list gives itself."""

    parties: dict[bytes, str]
    published: str | None


def read(body: bytes) -> Listed:
    """Return what a list says; raises Unreadable."""
    found = advanced_xml(body) if body.lstrip()[:1] == b"<" else plain(body)
    if not found.parties:
        raise Unreadable("it names no address")
    return found


def plain(body: bytes) -> Listed:
    """Read lines of "0x… name"; what follows # is a comment. Anything else is no list."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("it is not text") from error
    if text and not text.endswith("\n"):
        raise Unreadable("its last line has no end: it is cut off")
    parties = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        address, _, party = entry.replace(",", " ").partition(" ")
        if not ADDRESS.fullmatch(address):
            raise Unreadable(f"line {number} is no address")
        parties[bytes.fromhex(address[2:])] = party.strip()[:PARTY_CHARACTERS_MAX]
    return Listed(parties, None)


def advanced_xml(body: bytes) -> Listed:
    """Read OFAC's sdn_advanced.xml, a party at a time: the whole file is large."""
    features: set[str] = set()
    parties: dict[bytes, str] = {}
    published = None
    try:
        events = iterparse(BytesIO(body), events=("start", "end"))  # noqa: S314 - no DTD is read
        root = next(events)[1]
        if name_of(root) != ROOT:
            raise Unreadable(f"its root is {name_of(root)[:40]}, not {ROOT}")
        for event, element in events:
            if event != "end":
                continue
            match name_of(element):
                case "FeatureType" if (element.text or "").startswith(FEATURE):
                    features.add(element.get("ID", ""))
                case "DateOfIssue":
                    published = "-".join(part.text or "" for part in element)
                case "DistinctParty":
                    party = element.get("FixedRef", "")
                    for address in addresses_of(element, features):
                        parties.setdefault(address, party)
                    element.clear()
    except (ParseError, StopIteration) as error:
        raise Unreadable(f"it is not whole: {error}") from error
    return Listed(parties, published)


def addresses_of(party: Element, features: set[str]) -> Iterator[bytes]:
    """Return the EVM addresses among a party's features."""
    for feature in party.iter():
        if name_of(feature) != "Feature" or feature.get("FeatureTypeID") not in features:
            continue
        for detail in feature.iter():
            text = (detail.text or "").strip()
            if name_of(detail) == "VersionDetail" and ADDRESS.fullmatch(text):
                yield bytes.fromhex(text[2:])


def name_of(element: Element) -> str:
    """Return an element's name without its namespace, which changed before."""
    return element.tag.rpartition("}")[2]
