"""Calls to the outside: a name is resolved once, every address is checked, and the connection goes
to a checked address, so an answer of the name server that changes in between gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import httpx2

from gateway import internet

ADDRESSES_TRIED_MAX = 3

Resolve = Callable[[str, int], list[str]]


class Blocked(Exception):
    """The name leads to an address we may not call."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, in the order the system prefers; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def addresses(url: httpx2.URL, development: bool, resolve: Resolve) -> list[str]:
    """Return where to connect; raises Blocked if any address of the name is not allowed."""
    found = resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
    for address in found:
        if not internet.allowed(ipaddress.ip_address(address), development=development):
            raise Blocked("the host has an address that may not be called")
    return found[:ADDRESSES_TRIED_MAX]


@contextmanager
def deadline(seconds: float) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Cut the connection after some seconds: a receiver that drips bytes resets every timeout.

    Yields the trace hook that learns the socket; a duplicate outlives its wrapping by TLS.
    """
    known: list[socket.socket] = []

    def watch(name: str, info: dict[str, Any]) -> None:
        if name == "connection.connect_tcp.complete":
            known.append(info["return_value"].get_extra_info("socket").dup())

    def cut() -> None:
        for connection in known:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        for connection in known:
            connection.close()
