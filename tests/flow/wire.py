"""A receiver that misbehaves on the wire: a script plays each connection that comes in."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PATIENCE_SECONDS = 5.0
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Wire:
    """`url` to send to; `heads` of the requests by connection, in the order of connections."""

    port: int
    heads: list[list[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self.port}/hook"


Script = Callable[[socket.socket, Callable[[], bytes]], None]
"""Plays one connection: the second argument reads a whole request and returns its head."""


@contextmanager
def wire(script: Script) -> Iterator[Wire]:
    """Run the receiver until the block ends."""
    server = socket.create_server(("127.0.0.1", 0))
    end = Wire(server.getsockname()[1])
    threads: list[threading.Thread] = []

    def play(connection: socket.socket, heads: list[bytes]) -> None:
        with connection:
            connection.settimeout(PATIENCE_SECONDS)
            try:
                script(connection, lambda: request(connection, heads))
            except OSError:
                return  # the sender hung up, which is what most scripts provoke

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            end.heads.append([])
            threads.append(threading.Thread(target=play, args=(connection, end.heads[-1])))
            threads[-1].start()

    listening = threading.Thread(target=accept)
    listening.start()
    try:
        yield end
    finally:
        server.shutdown(socket.SHUT_RDWR)
        listening.join()
        server.close()
        for thread in threads:
            thread.join()


def request(connection: socket.socket, heads: list[bytes]) -> bytes:
    """Read one request; raises ConnectionError at the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += some(connection)
    heads.append(head)
    return head


def some(connection: socket.socket) -> bytes:
    """Read what is there; raises ConnectionError when nothing will come."""
    received = connection.recv(65_536)
    if not received:
        raise ConnectionError
    return received
