"""Raw bytes to a running platform: what no SDK would send, and what comes back."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.credentials import Credentials

from lambent.wire.http import Request
from platform_process import PlatformProcess
from unit.gateway import requests as signing

TIMEOUT_SECONDS = 20.0
HOST = "localhost:4566"
"""What requests are signed for; the platform listens elsewhere and does not mind."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Wire:
    platform: PlatformProcess

    def send(self, raw: bytes, *, half_close: bool = False) -> Answer:
        """The first answer to `raw`."""
        with socket.create_connection(("127.0.0.1", self.platform.port), TIMEOUT_SECONDS) as connection:
            connection.sendall(raw)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return _receive(connection, is_head=raw.startswith(b"HEAD "))

    def signed(
        self,
        method: str,
        target: str,
        service: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
    ) -> Answer:
        request = signing.signed(method, target, service, body=body, headers=headers, credentials=credentials)
        return self.send(raw(request, body))

    def is_well(self) -> bool:
        health = self.send(f"GET /_lambent/health HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
        buckets = self.signed("GET", "/", "s3")
        return (health.status, buckets.status) == (200, 200)


def raw(request: Request, body: bytes, *, length: int | None = None) -> bytes:
    """`request` as bytes; `length` if its content-length shall not be the body's."""
    headers = {**request.headers, "content-length": str(len(body) if length is None else length)}
    lines = [f"{request.method} {request.target} HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()]]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _receive(connection: socket.socket, *, is_head: bool) -> Answer:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while not is_head and len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    return Answer(int(first.split(" ")[1]), headers, body)


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    assert piece, "the platform closed the connection without an answer"
    return piece
