"""Whether a node's logs of a block can be true: held against the block's own header.

Pure. A header carries a Bloom filter of every contract and topic that logged in its block (Ethereum
Yellow Paper, 4.3.1): what is told must be in it, and what is in it should be told. Reading a block
of 500 logs must cost next to nothing, so filters are whole numbers and their bits are remembered.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from eth_utils.crypto import keccak

from gateway.chain.port import Header, Log, NodeAway, tohex, unhex

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)") (ERC-20)."""
BLOOM_BITS = 2_048
BLOOM_HASHES = 3
BITS_REMEMBERED = 16_384


def checked_logs(header: Header, logs: list[Log]) -> list[Log]:
    """Return a block's logs as they are; raises NodeAway unless they can be its own.

    Each names the block's hash, their places only rise, none was removed, and the block's filter
    knows each contract and first topic.
    """
    bloom, known = bloom_of(header), set[tuple[str, str]]()
    ours, last = header.hash_hex, -1
    try:
        for log in logs:
            if log.block_hash_hex != ours and log.block_hash != header.hash:
                raise NodeAway(f"a log of another block than {header.number} was told")
            place = int(log.log_index_hex, 16)
            if place <= last:
                raise NodeAway(f"log {place} of block {header.number} was told after log {last}")
            if log.removed:
                raise NodeAway(f"log {place} of block {header.number} was told as removed")
            last = place
            source = log.address_hex, log.topics_hex[0] if log.topics_hex else ""
            if source not in known:
                if bloom is not None and not holds(bloom, source):
                    raise NodeAway(f"log {place} is not in the filter of block {header.number}")
                known.add(source)
    except ValueError as error:
        raise NodeAway(f"a log of block {header.number} cannot be read: {error}") from error
    return logs


def suspicious_silence(header: Header, logs: Sequence[Log], contracts: Iterable[bytes]) -> bool:
    """True if the block's filter has a Transfer of one of these contracts and no log is of it, or
    has Transfers at all and none was told: `logs` are those of every contract.

    The filter also says so by chance, in full blocks often: it is a reason to ask a second node
    once, never to refuse the block.
    """
    bloom = bloom_of(header)
    if not bloom:
        return False
    if not logs and holds(bloom, (TRANSFER,)):
        return True
    told = {unhex(address) for address in {log.address_hex for log in logs}}
    return not told.issuperset(moved(header, contracts))


def moved(header: Header, contracts: Iterable[bytes]) -> list[bytes]:
    """Return those of the contracts that may have told a Transfer in a block, by its filter.

    All of them where the node tells no filter.
    """
    bloom = bloom_of(header)
    return [
        contract
        for contract in contracts
        if bloom is None or holds(bloom, (tohex(contract), TRANSFER))
    ]


def truncated(logs: Sequence[Log], cap: int) -> bool:
    """True if an answer is as long as the node's cap: it may have been cut off there."""
    return len(logs) >= cap


def bloom_of(header: Header) -> int | None:
    """Return a header's filter as a number; None from a node that tells none.

    Raises NodeAway for what is no number.
    """
    text = header.logs_bloom_hex
    if len(text) <= len("0x"):
        return None
    try:
        return int(text, 16)
    except ValueError as error:
        raise NodeAway(f"the filter of block {header.number} cannot be read") from error


def holds(bloom: int, items: Iterable[str]) -> bool:
    """True if the filter has all of these, given as 0x text; nothing is in every filter."""
    return all(bloom & bits == bits for bits in map(bits_of, items))


@lru_cache(maxsize=BITS_REMEMBERED)
def bits_of(item: str) -> int:
    """Return the bits an address or topic sets (Yellow Paper, M3:2048)."""
    if not item:
        return 0
    digest = keccak(unhex(item))
    bits = 0
    for pair in range(0, 2 * BLOOM_HASHES, 2):
        bits |= 1 << (int.from_bytes(digest[pair : pair + 2], "big") % BLOOM_BITS)
    return bits
