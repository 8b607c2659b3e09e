"""Header lists of HTTP/2 into the heads that HTTP/1.1 has, and back (pure; RFC 9113, 8).

What comes in becomes the same `Head` as from the other parser, under the same limits: pseudo-header fields turn into
method, target and host, cookies are put together again, other repeated fields become a list. What a request must not
have (fields about the connection, upper case, line breaks in a value) is refused.
"""

import re
from collections.abc import Iterable, Mapping

from lambent.net.limits import Limits
from lambent.net.parsing import ONCE, Head
from lambent.net.refusals import BAD_REQUEST, HEAD_TOO_LARGE, Refused
from lambent.wire.http import AUTHORITY

Fields = Iterable[tuple[bytes, bytes]]

#: They say something about a connection of HTTP/1.1 (RFC 9113, 8.2.2).
_OF_CONNECTIONS = frozenset({b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"})
_PSEUDO = frozenset({b":method", b":scheme", b":authority", b":path"})
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_METHOD = re.compile(rb"[A-Z]{1,20}")
_TARGET = re.compile(rb"/[\x21\x22\x24-\x7e\x80-\xff]*")
_LENGTH = re.compile(rb"[0-9]{1,19}")


def read_request(fields: Fields, limits: Limits, *, is_whole: bool) -> Head:
    """`is_whole`: no body follows. Raises Refused."""
    pseudo, headers = _sorted(fields, limits)
    if not {b":method", b":scheme", b":path"} <= pseudo.keys():
        raise Refused(BAD_REQUEST)
    method, target = pseudo[b":method"], pseudo[b":path"]
    if _METHOD.fullmatch(method) is None or _TARGET.fullmatch(target) is None:
        raise Refused(BAD_REQUEST)
    _settle_host(headers, pseudo.get(b":authority"))
    length = _length(headers)
    if is_whole and length:
        raise Refused(BAD_REQUEST)
    expects = headers.get("expect")
    return Head(
        method=method.decode(),
        target=target.decode("latin-1"),
        headers=headers,
        length=0 if is_whole else length,
        is_http_1_1=True,
        keep_alive=True,
        expects_continue=not is_whole and expects is not None and expects.lower() == "100-continue",
    )


def read_trailers(fields: Fields, limits: Limits) -> dict[str, str]:
    """Raises Refused."""
    pseudo, trailers = _sorted(fields, limits)
    if pseudo:
        raise Refused(BAD_REQUEST)
    return trailers


def response_fields(
    status: int, headers: Mapping[str, str], *, length: int | None, date: bytes
) -> list[tuple[bytes, bytes]]:
    """As they are sent. A line break inside a value becomes a space: somebody may pass it on as HTTP/1.1."""
    fields = [(b":status", b"%d" % status)]
    for name, value in headers.items():
        raw = name.lower().encode("latin-1", "replace")
        if raw not in _OF_CONNECTIONS and raw not in (b"content-length", b"date"):
            fields.append((raw, _encoded(value)))
    fields.append((b"date", date))
    if length is not None:
        fields.append((b"content-length", b"%d" % length))
    return fields


def _sorted(fields: Fields, limits: Limits) -> tuple[dict[bytes, bytes], dict[str, str]]:
    """Pseudo-header fields, which come first, and the others."""
    pseudo: dict[bytes, bytes] = {}
    headers: dict[str, str] = {}
    size = 0
    for count, (name, value) in enumerate(fields, 1):
        size += len(name) + len(value)
        if size > limits.head_bytes or count > limits.header_count:
            raise Refused(HEAD_TOO_LARGE)
        if name.startswith(b":"):
            if headers or name in pseudo or name not in _PSEUDO or _VALUE.fullmatch(value) is None:
                raise Refused(BAD_REQUEST)
            pseudo[name] = value
        else:
            _add(headers, name, value)
    return pseudo, headers


def _add(headers: dict[str, str], raw_name: bytes, raw_value: bytes) -> None:
    if _NAME.fullmatch(raw_name) is None or _VALUE.fullmatch(raw_value) is None or raw_name in _OF_CONNECTIONS:
        raise Refused(BAD_REQUEST)
    name, value = raw_name.decode(), raw_value.decode("latin-1").strip(" \t")
    if name == "te" and value.lower() != "trailers":
        raise Refused(BAD_REQUEST)
    if name not in headers:
        headers[name] = value
    elif name in ONCE:
        raise Refused(BAD_REQUEST)
    else:
        headers[name] += ("; " if name == "cookie" else ",") + value


def _settle_host(headers: dict[str, str], authority: bytes | None) -> None:
    """`:authority` is the host; a Host beside it must say the same (8.3.1)."""
    host = headers.get("host") if authority is None else authority.decode("latin-1")
    if host is None or "@" in host or headers.get("host", host) != host:
        raise Refused(BAD_REQUEST)
    headers["host"] = headers[AUTHORITY] = host


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    if _LENGTH.fullmatch(text.encode("latin-1")) is None:
        raise Refused(BAD_REQUEST)
    return int(text)


def _encoded(value: str) -> bytes:
    if "\r" in value or "\n" in value or "\0" in value:
        value = value.replace("\r", " ").replace("\n", " ").replace("\0", " ")
    try:
        return value.encode("latin-1").strip()
    except UnicodeEncodeError:
        return value.encode().strip()
