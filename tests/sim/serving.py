"""JSON-RPC over HTTP/1.1 on this machine: one port, kept-alive connections, a thread each."""

import socket
import socketserver
import threading
from collections.abc import Callable
from typing import NamedTuple

from gateway.local.ports import LOOPBACK


class Reply(NamedTuple):
    """What is sent back; `cut` drops the connection after that many bytes of the body."""

    body: bytes
    status: int = 200
    cut: int | None = None


Answering = Callable[[bytes], Reply]


class Server(socketserver.ThreadingTCPServer):
    """A port that hands each request's body to `answering`."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.open: set[socket.socket] = set()
        super().__init__((LOOPBACK, 0), Connection)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def hang_up(self) -> None:
        """Drop every open connection."""
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other side was faster
                self.open.discard(connection)

    def close(self) -> None:
        """Answer nobody any more."""
        self.shutdown()
        self.server_close()
        self.hang_up()


class Connection(socketserver.StreamRequestHandler):
    """Request after request of one client."""

    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        self.server.open.add(self.connection)
        try:
            while (body := self._request()) is not None:
                if not self._send(self.server.answering(body)):
                    return
        except ConnectionError:
            return
        finally:
            self.server.open.discard(self.connection)

    def _request(self) -> bytes | None:
        """Read one request's body; None when the client has gone."""
        if not self.rfile.readline():
            return None
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b"\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return self.rfile.read(length)

    def _send(self, reply: Reply) -> bool:
        """Send an answer; False when the connection is to be dropped."""
        head = (
            f"HTTP/1.1 {reply.status} Scripted\r\ncontent-type: application/json\r\n"
            f"content-length: {len(reply.body)}\r\n\r\n"
        )
        whole = head.encode() + reply.body
        if reply.cut is None:
            self.connection.sendall(whole)
            return True
        if reply.cut:
            self.connection.sendall(whole[: len(head) + reply.cut])
        return False
