"""Bytes in, requests out: httptools (llhttp) in strict mode, and the framing rules it leaves to its user.

llhttp itself refuses what request smuggling is made of: Content-Length beside Transfer-Encoding or twice, bare LF,
obs-fold, space before a colon, control characters, bad chunk sizes. Added here: transfer codings other than
`chunked`, missing or doubled Host, limits on the head, targets in a form that addresses nothing. However the bytes are
cut into pieces, the same requests come out. No I/O: `Connection` (connection.py) feeds it.
"""

from collections.abc import Callable
from typing import Any, Protocol

import httptools

from lambent.kit.frozen import frozen
from lambent.net.limits import Limits
from lambent.net.refusals import BAD_REQUEST, HEAD_TOO_LARGE, UNKNOWN_CODING, Refusal, Refused

_MAX_SILENT_BYTES = 1024 * 1024  # without a request's begin or a piece of body; one read brings a quarter of that
_KNOWN_NAMES = 1024  # spellings of header names remembered; SDKs use a few dozen
ONCE = frozenset({"host", "content-length", "transfer-encoding"})  # repeating these is how requests are smuggled


@frozen
class Head:
    """Everything before the body. `length` is None for a chunked body and 0 where there is no body."""

    method: str
    target: str
    headers: dict[str, str]
    length: int | None
    is_http_1_1: bool
    keep_alive: bool
    expects_continue: bool


class Intake(Protocol):
    """Who takes what was parsed, in this order: began, arrived, any number of body pieces, then of trailers, ended."""

    def request_began(self) -> None: ...

    def request_arrived(self, head: Head) -> None: ...

    def body_arrived(self, piece: bytes) -> None: ...

    def trailer_arrived(self, name: str, value: str) -> None: ...

    def request_ended(self) -> None: ...


class HeaderNames:
    """Lower-case `str` for the bytes of a header name; one for all connections of a listener."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self.get: Callable[[bytes], str | None] = self._known.get

    def learn(self, raw: bytes) -> str:
        name = raw.decode("latin-1").lower()
        if len(self._known) < _KNOWN_NAMES:
            self._known[raw] = name
        return name


class RequestParser:
    """One per connection. `feed` raises Refused; after that there is nothing more to be read from this client."""

    def __init__(self, intake: Intake, *, limits: Limits, names: HeaderNames) -> None:
        self._intake = intake
        self._limits = limits
        self._names = names
        self._refusal: Refusal | None = None
        self._in_head = False
        self._head_bytes = 0
        self._repeated = 0
        self._trailer_bytes = 0
        self._target = b""
        self._headers: dict[str, str] = {}
        self._silent_bytes = 0
        self._offer: _OfferedBody | None = None
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        rest = data
        while rest:
            try:
                self._parser.feed_data(rest)
                break
            except httptools.HttpParserUpgrade as upgrade:
                # An offer to speak another protocol may be ignored (RFC 9110, 7.8). The next request follows it, or
                # the body that llhttp takes for bytes of the other protocol.
                rest = rest[upgrade.args[0] :]
                if self._offer is not None:
                    self._parser = self._offer.parser()
            except httptools.HttpParserError as error:
                if isinstance(error, httptools.HttpParserCallbackError) and self._refusal is None:
                    raise  # a bug in whoever takes the events
                raise Refused(self._refusal or BAD_REQUEST) from error
        self._silent_bytes += len(data)
        if self._silent_bytes > _MAX_SILENT_BYTES:
            # A trailer or chunk extension that never ends is collected by the parser, unseen from here.
            raise Refused(HEAD_TOO_LARGE)
        if self._in_head:
            # Not finished with this piece: a head that never ends must not be collected.
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                raise Refused(HEAD_TOO_LARGE)

    # Called by httptools.

    def on_message_begin(self) -> None:
        self._in_head = True
        self._silent_bytes = 0
        self._head_bytes = 0
        self._repeated = 0
        self._trailer_bytes = 0
        self._target = b""
        self._headers = {}
        self._intake.request_began()

    def on_url(self, piece: bytes) -> None:
        self._target += piece
        if len(self._target) > self._limits.head_bytes:
            self._refuse(HEAD_TOO_LARGE)

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        name = self._names.get(raw_name) or self._names.learn(raw_name)
        if not self._in_head:
            self._take_trailer(name, raw_value)
            return
        headers = self._headers
        if name in headers:
            self._join(name, raw_value)
        else:
            headers[name] = raw_value.decode("latin-1").rstrip(" \t")

    def on_body(self, piece: bytes) -> None:
        self._silent_bytes = 0
        self._intake.body_arrived(piece)

    def on_headers_complete(self) -> None:
        self._in_head = False
        headers = self._headers
        if len(headers) > self._limits.header_count or sum(map(len, headers.values())) > self._limits.head_bytes:
            self._refuse(HEAD_TOO_LARGE)
        parser = self._parser
        version = parser.get_http_version()
        coding = headers.get("transfer-encoding")
        length: int | None = int(headers.get("content-length", "0"))
        if coding is not None:
            length = None
            if version != "1.1":
                self._refuse(BAD_REQUEST)
            if coding.lower() != "chunked":
                self._refuse(UNKNOWN_CODING)
        if version not in ("1.1", "1.0") or (version == "1.1" and "host" not in headers):
            self._refuse(BAD_REQUEST)
        if parser.should_upgrade() and length != 0:
            self._offer = _OfferedBody(self, length)
        expects = headers.get("expect")
        self._intake.request_arrived(
            Head(  # by position: keywords take twice as long
                parser.get_method().decode(),
                self._origin_form(),
                headers,
                length,
                version == "1.1",
                parser.should_keep_alive() and self._offer is None,
                expects is not None and expects.lower() == "100-continue" and length != 0,
            )
        )

    def on_message_complete(self) -> None:
        if self._offer is None:
            self._intake.request_ended()

    def end_offered(self) -> None:
        self._intake.request_ended()

    def _take_trailer(self, name: str, raw_value: bytes) -> None:
        """A trailer of the chunked coding: apart from the headers (RFC 9110, 6.5.1), under the same limits."""
        self._trailer_bytes += len(name) + len(raw_value)
        if self._trailer_bytes > self._limits.head_bytes:
            self._refuse(HEAD_TOO_LARGE)
        self._intake.trailer_arrived(name, raw_value.decode("latin-1").rstrip(" \t"))

    def _join(self, name: str, raw_value: bytes) -> None:
        """A repeated header is a list (RFC 9110, 5.3)."""
        if name in ONCE:
            self._refuse(BAD_REQUEST)
        self._repeated += 1
        if self._repeated > self._limits.header_count:
            self._refuse(HEAD_TOO_LARGE)
        value = raw_value.decode("latin-1").rstrip(" \t")
        self._headers[name] = f"{self._headers[name]},{value}"

    def _origin_form(self) -> str:
        """The target as `/path?query`; a proxy's `http://host/path` is taken apart as RFC 9112, 3.2.2 asks."""
        target = self._target.decode("latin-1")
        if "#" in target:
            self._refuse(BAD_REQUEST)
        if target.startswith("/"):
            return target
        scheme, separator, rest = target.partition("://")
        if not separator or scheme.lower() not in ("http", "https"):
            self._refuse(BAD_REQUEST)
        authority, _, path = rest.partition("/")
        self._headers["host"] = authority
        return f"/{path}"

    def _refuse(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise Refused(refusal)


class _OfferedBody:
    """The body of a request that offers to go on in another protocol, as Java's HttpClient does with HTTP/2.

    A parser of its own reads it, primed with a head that says the same of the body and makes no offer. It is the last
    request of its connection: where in what follows the next one begins, llhttp would not say.
    """

    def __init__(self, of: RequestParser, length: int | None) -> None:
        self._of = of
        self._framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
        self._is_primed = False
        self._is_over = False

    def parser(self) -> Any:
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(b"POST / HTTP/1.1\r\nhost: a\r\n%b\r\n\r\n" % self._framing)
        return parser

    def on_headers_complete(self) -> None:
        self._is_primed = True

    def on_body(self, piece: bytes) -> None:
        if not self._is_over:
            self._of.on_body(piece)

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        if self._is_primed and not self._is_over:
            self._of.on_header(raw_name, raw_value)

    def on_message_complete(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._of.end_offered()
