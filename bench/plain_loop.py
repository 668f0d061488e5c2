"""Reading blocks for token transfers as one would with web3.py: the peer of the watcher's bench."""

import time

from web3 import HTTPProvider, Web3

from bench.busy_chain import LOGS
from gateway.chain.artifacts import artifact

PEER_BLOCKS = 6


def by_web3(url: str, first: int, last: int) -> float:
    """Read blocks as a plain web3.py loop does; returns seconds for a block."""
    w3 = Web3(HTTPProvider(url))
    event = w3.eth.contract(abi=artifact("TestUSDC")["abi"]).events.Transfer()
    topic = w3.to_hex(w3.keccak(text="Transfer(address,address,uint256)"))
    began, found = time.perf_counter(), 0
    for number in range(max(first, last - PEER_BLOCKS + 1), last + 1):
        block = w3.eth.get_block(number)
        logs = w3.eth.get_logs({"blockHash": block["hash"], "topics": [topic]})
        found += sum(event.process_log(log)["args"]["value"] > 0 for log in logs)
    assert found == PEER_BLOCKS * LOGS
    return (time.perf_counter() - began) / PEER_BLOCKS
