"""A typed client of Mizan's HTTP API: nouns are namespaces, verbs are methods.

    mizan = Mizan("https://pay.example", "sk_…")
    invoice = mizan.invoices.create(amount="12.50", order_id="1043")

`models` and `resources` are made from the gateway's OpenAPI document by `generate.py`.
"""

from mizan_client import errors, webhooks
from mizan_client.errors import ApiError, MizanError
from mizan_client.resources import Resources
from mizan_client.transport import Transport

__all__ = ["ApiError", "Mizan", "MizanError", "errors", "webhooks"]


class Mizan(Resources):
    """The gateway at `base_url`, asked with one API key. Usable as a context manager.

    A call that gets no answer is repeated `retries` times; `timeout` is in seconds.
    """

    def __init__(
        self, base_url: str, api_key: str, *, retries: int = 2, timeout: float = 30.0
    ) -> None:
        self._transport = Transport(base_url, api_key, retries=retries, timeout=timeout)
        super().__init__(self._transport)

    def __enter__(self) -> "Mizan":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
