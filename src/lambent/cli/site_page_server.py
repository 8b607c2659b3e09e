"""Serving the page of a site to a browser on this machine.

Only on loopback, and only below a path that cannot be guessed: other users of the machine can reach the port, and so
can every website that this browser has open. The path is the password, so the page sends no referrer. It reads with
the credentials of whoever called the command, and changes nothing.
"""

import contextlib
import hashlib
import http.server
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lambent.cli import site_page, site_state
from lambent.cli.client import Client
from lambent.cli.failure import Failure
from lambent.cli.site_page import Trees

HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PageServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, client: Client, name: str) -> None:
        """`name` is the site to show first."""
        super().__init__((HOST, 0), _Handler)
        self.client = client
        self.name = name
        self.trees = Trees(client)
        self.path = f"/{secrets.token_urlsafe(18)}/"

    @property
    def authority(self) -> str:
        return f"{HOST}:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}{self.path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        # Under another name for this address, somebody else's page is asking (DNS rebinding).
        is_ours = self.headers.get("Host") == self.server.authority and parts.path.startswith(self.server.path)
        serve = _PLACES.get(parts.path.removeprefix(self.server.path)) if is_ours else None
        if serve is None:
            self._answer(404, "text/plain", b"There is nothing here.\n")
            return
        try:
            kind, body = serve(self.server, parse_qs(parts.query).get("site", [self.server.name])[0])
        except Failure as failure:
            self._answer(502, "application/json", json.dumps({"message": failure.message}).encode())
            return
        self._answer(200, kind, body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Says nothing: the terminal is the reader's."""

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if status == 200 and self.headers.get("If-None-Match") == tag:
            status, body = 304, b""
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": f"{kind}; charset=utf-8", "ETag": tag}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        with contextlib.suppress(ConnectionError):  # the reader has gone to another page
            self.end_headers()
            self.wfile.write(body)


def _page(server: PageServer, name: str) -> tuple[str, bytes]:  # noqa: ARG001 (the page asks for it by itself)
    return "text/html", site_page.html()


def _state(server: PageServer, name: str) -> tuple[str, bytes]:
    sites = site_state.all_sites(server.client)
    return _json(site_page.state(server.client, site_state.named(sites, name), sites))


def _tree(server: PageServer, name: str) -> tuple[str, bytes]:
    return _json(server.trees.of(site_state.find(server.client, name)))


def _json(document: object) -> tuple[str, bytes]:
    return "application/json", json.dumps(document, separators=(",", ":")).encode()


_PLACES: dict[str, Callable[[PageServer, str], tuple[str, bytes]]] = {
    "": _page,
    "state.json": _state,
    "tree.json": _tree,
}
