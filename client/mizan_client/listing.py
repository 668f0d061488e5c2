"""Lists that read on by themselves."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from mizan_client.transport import Transport

Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item]):
    """One page of a list, newest first."""

    data: list[Item]
    has_more: bool


class Listing(Generic[Item]):
    """All of a list, newest first; pages are read as they are needed, by the last id seen."""

    def __init__(
        self, transport: Transport, path: str, item: type[Item], query: Mapping[str, Any]
    ) -> None:
        self._transport, self._path = transport, path
        self._page: Any = Page[item]  # type: ignore[valid-type]  # which item is known when called
        self._query = dict(query)

    def page(self) -> Page[Item]:
        """Return the first page alone."""
        return self._read(self._query.get("starting_after"))

    def __iter__(self) -> Iterator[Item]:
        after = self._query.get("starting_after")
        while True:
            page = self._read(after)
            yield from page.data
            if not page.has_more:
                return
            last: Any = page.data[-1]
            after = last.id

    def _read(self, after: str | None) -> Page[Item]:
        found: Page[Item] = self._transport.call(
            "GET", self._path, self._page, query=self._query | {"starting_after": after}
        )
        return found
