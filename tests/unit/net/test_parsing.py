"""Framing rules: what smuggles is refused, and where the bytes were cut makes no difference."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.net.limits import Limits
from lambent.net.parsing import Head, HeaderNames, RequestParser
from lambent.net.refusals import BAD_REQUEST, HEAD_TOO_LARGE, UNKNOWN_CODING, Refusal, Refused


@dataclass
class Collected:
    requests: list[tuple[Head, bytes]] = field(default_factory=list)
    refusal: Refusal | None = None
    trailers: dict[str, str] = field(default_factory=dict)
    _head: Head | None = None
    _body: bytes = b""

    def request_began(self) -> None:
        assert self._head is None

    def request_arrived(self, head: Head) -> None:
        self._head, self._body = head, b""

    def body_arrived(self, piece: bytes) -> None:
        self._body += piece

    def trailer_arrived(self, name: str, value: str) -> None:
        self.trailers[name] = value

    def request_ended(self) -> None:
        assert self._head is not None
        self.requests.append((self._head, self._body))
        self._head = None


def parse(pieces: list[bytes], limits: Limits | None = None) -> Collected:
    collected = Collected()
    parser = RequestParser(collected, limits=limits or Limits(), names=HeaderNames())
    try:
        for piece in pieces:
            parser.feed(piece)
    except Refused as refused:
        collected.refusal = refused.refusal
    return collected


START = b"PUT /key HTTP/1.1\r\nHost: a\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"

REFUSED = {
    "length and chunked": (START + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST, BAD_REQUEST),
    "chunked and length": (START + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + LAST, BAD_REQUEST),
    "two lengths": (START + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", BAD_REQUEST),
    "the same length twice": (START + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", BAD_REQUEST),
    "a list of lengths": (START + b"Content-Length: 3, 3\r\n\r\nabc", BAD_REQUEST),
    "signed length": (START + b"Content-Length: +3\r\n\r\nabc", BAD_REQUEST),
    "negative length": (START + b"Content-Length: -3\r\n\r\nabc", BAD_REQUEST),
    "length in words": (START + b"Content-Length: three\r\n\r\nabc", BAD_REQUEST),
    "length beyond 64 bits": (START + b"Content-Length: 99999999999999999999\r\n\r\n", BAD_REQUEST),
    "no length": (START + b"Content-Length:\r\n\r\n", BAD_REQUEST),
    "two codings": (START + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + LAST, UNKNOWN_CODING),
    "chunked twice": (START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST, BAD_REQUEST),
    "nearly chunked": (START + b"Transfer-Encoding: xchunked\r\n\r\n" + LAST, UNKNOWN_CODING),
    "identity": (START + b"Transfer-Encoding: identity\r\n\r\n", UNKNOWN_CODING),
    "chunked before 1.1": (b"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST, BAD_REQUEST),
    "bare LF after a header": (START + b"X: 1\nY: 2\r\n\r\n", BAD_REQUEST),
    "bare LF after the request line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", BAD_REQUEST),
    "bare CR in a header": (START + b"X: 1\rY: 2\r\n\r\n", BAD_REQUEST),
    "obs-fold": (START + b"X: 1\r\n 2\r\n\r\n", BAD_REQUEST),
    "obs-fold by tab": (START + b"X: 1\r\n\t2\r\n\r\n", BAD_REQUEST),
    "space before the colon": (START + b"X : 1\r\n\r\n", BAD_REQUEST),
    "space before the first header": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", BAD_REQUEST),
    "header without colon": (START + b"nonsense\r\n\r\n", BAD_REQUEST),
    "header without name": (START + b": 1\r\n\r\n", BAD_REQUEST),
    "NUL in a header": (START + b"X: a\0b\r\n\r\n", BAD_REQUEST),
    "control character in a header": (START + b"X: a\x01b\r\n\r\n", BAD_REQUEST),
    "NUL in the target": (b"GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST),
    "space in the target": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST),
    "bytes above ASCII in the target": ("GET /ä HTTP/1.1\r\nHost: a\r\n\r\n".encode(), BAD_REQUEST),
    "fragment": (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST),
    "another scheme": (b"GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST),
    "tunnel": (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", BAD_REQUEST),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", BAD_REQUEST),
    "HTTP/0.9": (b"GET /\r\n\r\n", BAD_REQUEST),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", BAD_REQUEST),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD_REQUEST),
    "method in lower case": (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", BAD_REQUEST),
    "chunk size in hex notation": (CHUNKED + b"0x3\r\nabc\r\n" + LAST, BAD_REQUEST),
    "negative chunk": (CHUNKED + b"-3\r\nabc\r\n" + LAST, BAD_REQUEST),
    "space after the chunk size": (CHUNKED + b"3 \r\nabc\r\n" + LAST, BAD_REQUEST),
    "no chunk size": (CHUNKED + b"\r\nabc\r\n" + LAST, BAD_REQUEST),
    "chunk beyond 64 bits": (CHUNKED + b"fffffffffffffffff\r\nabc\r\n" + LAST, BAD_REQUEST),
    "chunk longer than said": (CHUNKED + b"3\r\nabcd\r\n" + LAST, BAD_REQUEST),
    "bare LF after the chunk size": (CHUNKED + b"3\nabc\r\n" + LAST, BAD_REQUEST),
    "bare LF after the chunk": (CHUNKED + b"3\r\nabc\n" + LAST, BAD_REQUEST),
    "bare LF in a chunk extension": (CHUNKED + b"3;a\nb\r\nabc\r\n" + LAST, BAD_REQUEST),
    "upgrade with a bad chunk": (
        START + b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        BAD_REQUEST,
    ),
    "long target": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", HEAD_TOO_LARGE),
    "long header": (START + b"X: " + b"a" * 70_000 + b"\r\n\r\n", HEAD_TOO_LARGE),
    "header that never ends": (START + b"X: " + b"a" * 70_000, HEAD_TOO_LARGE),
    "many headers": (START + b"".join(b"X-%d: 1\r\n" % n for n in range(300)) + b"\r\n", HEAD_TOO_LARGE),
    "one header many times": (START + b"X: 1\r\n" * 300 + b"\r\n", HEAD_TOO_LARGE),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_a_request_is_refused(name: str) -> None:
    raw, refusal = REFUSED[name]
    for pieces in ([raw], [raw[i : i + 1] for i in range(len(raw))] if len(raw) < 5000 else [raw]):
        collected = parse(pieces)
        assert collected.refusal == refusal
        assert collected.requests == [] or name == "chunk longer than said"


@pytest.mark.parametrize("tail", [b"X: ", b"3;"])
def test_a_trailer_or_extension_that_never_ends_is_not_collected(tail: bytes) -> None:
    collected = parse([CHUNKED + (b"0\r\n" if tail == b"X: " else b"") + tail, *[b"a" * 100_000] * 30])
    assert collected.refusal in (HEAD_TOO_LARGE, BAD_REQUEST)


def test_headers_are_lower_case_joined_and_trimmed() -> None:
    collected = parse([START + b"X-A:  1 \t\r\nx-a:2\r\nEmpty:\r\nX-Latin: \xe4\r\n\r\n"])
    assert collected.requests[0][0].headers == {"host": "a", "x-a": "1,2", "empty": "", "x-latin": "ä"}


def test_targets_stay_raw_and_absolute_ones_lose_their_authority() -> None:
    targets = (b"/a%2F..%00?b=%20&c", b"http://b:1/c//d?e", b"HTTPS://b")
    collected = parse([b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target for target in targets])
    assert [(head.target, head.headers["host"]) for head, _ in collected.requests] == [
        ("/a%2F..%00?b=%20&c", "a"),
        ("/c//d?e", "b:1"),
        ("/", "b"),
    ]


def test_an_offer_to_upgrade_is_ignored() -> None:
    upgrade = b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    collected = parse([upgrade * 2 + b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"])
    assert [head.target for head, _ in collected.requests] == ["/1", "/1", "/3"]


@pytest.mark.parametrize(
    ("framed", "trailers"),
    [
        (b"Content-Length: 6\r\n\r\nabcdef", {}),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX-T: 1\r\n\r\n", {"x-t": "1"}),
    ],
)
def test_an_offer_to_upgrade_may_come_with_a_body_and_ends_the_connection(
    framed: bytes, trailers: dict[str, str]
) -> None:
    """As Java's HttpClient makes it, unless it is told to speak HTTP/1.1 only."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    raw = START + b"\r\n" + START + offer + framed + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    for size in (1, 7, len(raw)):
        collected = parse([raw[at : at + size] for at in range(0, len(raw), size)])
        assert [(head.keep_alive, body) for head, body in collected.requests] == [(True, b""), (False, b"abcdef")]
        assert (collected.trailers, collected.refusal) == (trailers, None)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_keep_alive_depends_on_version_and_header(head: bytes, expected: bool) -> None:
    assert parse([head]).requests[0][0].keep_alive is expected


token = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-_!~1234567890", min_size=1, max_size=12).filter(
    lambda name: (
        name.lower()
        not in {"host", "content-length", "transfer-encoding", "connection", "upgrade", "proxy-connection", "expect"}
    )
)
value = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
target = st.text("abc/%20?&=+.~", max_size=20)


@st.composite
def request_bytes(draw: st.DrawFn) -> bytes:
    lines = [f"{draw(st.sampled_from(['GET', 'PUT', 'POST', 'DELETE', 'HEAD']))} /{draw(target)} HTTP/1.1", "Host: h"]
    lines += [f"{name}: {content}" for name, content in draw(st.lists(st.tuples(token, value), max_size=5))]
    bodies = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=3))
    form = draw(st.sampled_from(["none", "length", "chunked"]))
    if form == "none":
        body = b""
    elif form == "length":
        body = b"".join(bodies)
        lines.append(f"Content-Length: {len(body)}")
    else:
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in bodies) + LAST
        lines.append("Transfer-Encoding: chunked")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@given(st.lists(request_bytes(), min_size=1, max_size=4), st.lists(st.integers(0, 400), max_size=12))
def test_wherever_the_bytes_are_cut_the_same_requests_come_out(requests: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(requests)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    whole = parse([stream])
    assert whole.refusal is None
    assert len(whole.requests) == len(requests)
    assert parse([stream[a:b] for a, b in itertools.pairwise(edges)]).requests == whole.requests
    assert parse([stream[i : i + 1] for i in range(len(stream))]).requests == whole.requests


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_requests_or_a_refusal(noise: bytes, cut: int) -> None:
    prefix = CHUNKED if noise[:1] > b"\x80" else b""
    raw = prefix + noise
    assert parse([raw[:cut], raw[cut:]]).requests == parse([raw]).requests


def test_trailers_come_apart_from_the_headers() -> None:
    collected = parse([CHUNKED + b"2\r\nab\r\n0\r\nX-Reason: because \r\n\r\n"])
    head, body = collected.requests[0]
    assert (body, collected.trailers) == (b"ab", {"x-reason": "because"})
    assert "x-reason" not in head.headers


def test_trailers_are_limited_like_a_head() -> None:
    trailers = b"".join(b"x-%d: %s\r\n" % (number, b"v" * 100) for number in range(1000))
    assert parse([CHUNKED + b"0\r\n" + trailers + b"\r\n"]).refusal == HEAD_TOO_LARGE
