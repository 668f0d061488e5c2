"""A few plain calls to the development node. The gateway's own client is `gateway.chain`."""

import http.client
import json

ANSWER_SECONDS = 10.0


class NodeError(RuntimeError):
    """The node did not answer, or refused the call."""


class Node:
    """One JSON-RPC endpoint over HTTP."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def call(self, method: str, *parameters: object) -> object:
        """Return the result of a call."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", "/", json.dumps(body), {"content-type": "application/json"})
            answer = json.load(connection.getresponse())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NodeError(f"{method}: {error}") from error
        finally:
            connection.close()
        if "result" not in answer:
            raise NodeError(f"{method}: {answer.get('error')}")
        return answer["result"]
