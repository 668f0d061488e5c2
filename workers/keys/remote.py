"""Keys in another process: `eth_signTransaction` over HTTP, as Web3Signer has it.

Parameters as documented there: the chain is the remote's own setting, so each chain may have its
own. A remote that does not answer is away, one that answers no has refused. Its word is never
taken: workers/keys/checked.py holds what it signed against what was asked.
"""

import itertools
from functools import lru_cache
from typing import Any

import httpx2
import structlog

from gateway.sending.call import SignerAway, SignerRefuses

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
ANSWER_BYTES_MAX = 1_000_000
OK = 200

log = structlog.get_logger()


class Remote:
    """One remote signer. Its URL may carry a password and is never logged.

    A connection a question: one that lay idle may be dead, and asking again takes a lock's time.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.ids = itertools.count(1)
        self.client = httpx2.Client(
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            trust_env=False,
        )

    def sign_transaction(self, address: bytes, fields: dict[str, Any]) -> bytes:
        """Return what the remote calls the raw transaction. Raises SignerAway, SignerRefuses."""
        answer = self.ask("eth_signTransaction", [parameters(address, fields)])
        # Web3Signer answers with the raw bytes, nodes with an object that has them
        raw = answer.get("raw") if isinstance(answer, dict) else answer
        try:
            return bytes.fromhex(str(raw).removeprefix("0x"))
        except ValueError as error:
            raise SignerRefuses("signed_unreadable") from error

    def ask(self, method: str, values: list[Any]) -> Any:
        """Return the result of one call. Raises SignerAway, SignerRefuses."""
        number = next(self.ids)
        call = {"jsonrpc": "2.0", "id": number, "method": method, "params": values}
        try:
            said = self.client.post(self.url, json=call)
            if said.status_code != OK or len(said.content) > ANSWER_BYTES_MAX:
                log.warning("remote_signer.away", status=said.status_code, size=len(said.content))
                raise SignerAway
            answer = said.json()
        except (httpx2.HTTPError, ValueError) as error:
            log.warning("remote_signer.away", error=type(error).__name__)
            raise SignerAway from error
        if not isinstance(answer, dict) or answer.get("id") != number:
            log.warning("remote_signer.away", error="not an answer to the question")
            raise SignerAway
        if answer.get("error") is not None or "result" not in answer:
            log.error("remote_signer.refused", error=str(answer.get("error"))[:200])
            raise SignerRefuses("remote_signer_refused")
        return answer["result"]


def parameters(address: bytes, fields: dict[str, Any]) -> dict[str, str]:
    """Return a transaction as JSON-RPC has it: quantities and data in hexadecimal."""
    quantities = ("nonce", "value", "gas", "maxPriorityFeePerGas", "maxFeePerGas")
    return {
        "from": "0x" + address.hex(),
        "to": "0x" + fields["to"].hex(),
        "data": "0x" + fields["data"].hex(),
        **{name: hex(fields[name]) for name in quantities},
    }


@lru_cache(maxsize=16)
def at(url: str) -> Remote:
    """Return the remote signer at a URL, the same one each time."""
    return Remote(url)
