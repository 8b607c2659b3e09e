"""URLs that topics post to: a server on this machine, whose answers are decided by the fate of the message's record.

It answers with an error that may pass, or with one that is final; it is silent for longer than anybody waits, breaks
the connection off, or says what is no HTTP. And sometimes what it has taken does not hear of it: its answer is lost.
The path of a URL is the line; a request for confirmation has the record behind it. It speaks TLS as well, and then it
may show a certificate that nobody vouches for.
"""

import asyncio
import contextlib
import ssl
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from certificates import HOST, Authority
from delivery.conservation.edge import Edge, Failing
from delivery.conservation.records import names_in

INVITATIONS = "invitations"

#: Longer than any sender waits for an answer.
SILENCE_SECONDS = 20.0

#: Real time for the other end to say goodbye, which in TLS is polite.
FAREWELL_SECONDS = 0.01

#: Answers that may pass, and those after which no further attempt is made.
PASSING, FINAL = (500, 503, 429), (404, 403, 302)

#: "up to three retries", `services.sns.delivery_policies`.
DEFAULT_RETRIES = 3

_NO_HTTP = b"\x00\xff this is no answer \r\n\r\n"


class _BrokenOff(Exception):
    """It ends without an answer."""


@dataclass
class Endpoint:
    """Outlives the platform. `stop` closes what is still connected."""

    edge: Edge
    url: str = ""
    tls_url: str = ""
    is_shut: bool = False
    """It breaks off whatever comes."""
    is_forged: bool = False
    """Its certificate is somebody else's work."""
    life: int = 0
    """Of the platform: with a new one, nobody waits for the answers of the last any more."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Path that was asked for confirmation -> token."""
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(line, name) -> how often it was not taken, as far as the sender could see."""
    dismissed: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Line -> what has been tried as often as it will be, unless the sender forgot a time."""
    unheard: set[tuple[str, str]] = field(default_factory=set)
    """(line, name): taken, and the answer was lost."""
    _silent: list[int] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, directory: Path, authority: Authority) -> None:
        """`authority`: whom the platform trusts."""
        plain = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        sealed = await asyncio.start_server(
            self._connected,
            "127.0.0.1",
            0,
            ssl=self._tls(directory, authority),
            ssl_shutdown_timeout=FAREWELL_SECONDS,
        )
        self._servers = (plain, sealed)
        self.url = f"http://127.0.0.1:{_port(plain)}"
        self.tls_url = f"https://{HOST}:{_port(sealed)}"

    def _tls(self, directory: Path, authority: Authority) -> ssl.SSLContext:
        true, forged = authority.server(), Authority(directory, "forger").server()

        def choose(connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
            if self.is_forged:
                self.edge.invocations["posted: forged"] += 1
                connection.context = forged

        true.sni_callback = choose
        return true

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

    @property
    def silent(self) -> int:
        """How many requests of this life it lets wait."""
        return self._silent.count(self.life)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._serve(reader, writer):
                pass
        except (OSError, _BrokenOff, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever it is at the other end finds out
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether another one may follow."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request, *headers = head.split("\r\n")
        lengths = [line.partition(":")[2] for line in headers if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0]))
        keeps = self.edge.random.random() < 0.5
        answer = await self._answer(request.split(" ")[1], orjson.loads(body))
        connection = "keep-alive" if keeps else "close"
        writer.write(
            answer if isinstance(answer, bytes) else _response(answer, f"Connection: {connection}\r\nLocation: /no\r\n")
        )
        await writer.drain()
        return keeps and answer != _NO_HTTP

    async def _answer(self, path: str, document: dict[str, Any]) -> int | bytes:
        """A status, or what is none. Raises _BrokenOff."""
        line = path.split("/")[1]
        is_request = document["Type"] == "SubscriptionConfirmation"
        names = names_in(path if is_request else document["Message"])
        if self.is_shut:
            self._give_up(line, names)
            raise _BrokenOff
        failing = self.edge.fails_at(line, names[0]) if names else self._refuses_first(path)
        if failing is not None:
            self.edge.invocations[f"posted: {failing.value}"] += 1
            return await self._fail(line, names, failing)
        if is_request:
            self.tokens[path] = document["Token"]
        self.edge.handled[line] += names
        self.edge.invocations["posted"] += 1
        if self.edge.random.random() < 0.05:
            self.unheard.update((line, name) for name in names)
            self._give_up(line, names)
            raise _BrokenOff
        return 200

    def _refuses_first(self, path: str) -> Failing | None:
        """Of a request that is about no record, the first may fail."""
        self.edge.failures[path, ""] += 1
        return Failing.ERROR if self.edge.failures[path, ""] == 1 and self.edge.random.random() < 0.5 else None

    async def _fail(self, line: str, names: list[str], failing: Failing) -> int | bytes:
        match failing:
            case Failing.ERROR:
                is_final = bool(names) and self.edge.random.random() < 0.2
                self._give_up(line, names, is_final=is_final)
                return self.edge.random.choice(FINAL if is_final else PASSING)
            case Failing.FAULT:
                self._give_up(line, names)
                return _NO_HTTP
            case Failing.TIMEOUT:
                await self._be_silent()
        self._give_up(line, names)
        raise _BrokenOff

    async def _be_silent(self) -> None:
        life = self.life
        self._silent.append(life)
        try:
            await self.edge.clock.sleep(SILENCE_SECONDS)
        finally:
            self._silent.remove(life)

    def _give_up(self, line: str, names: list[str], *, is_final: bool = False) -> None:
        """Of a request for confirmation nobody but us is told: it has no dead letter."""
        for name in names:
            self.refusals[line, name] += 1
            if is_final or self.refusals[line, name] > DEFAULT_RETRIES:
                self.dismissed[line].add(name)


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def _response(status: int, headers: str) -> bytes:
    return f"HTTP/1.1 {status} Answer\r\nContent-Length: 2\r\n{headers}\r\nok".encode()
