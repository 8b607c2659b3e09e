"""Listings: which keys and common prefixes belong on a page, for any prefix, delimiter, marker and limit.

Keys are UTF-8 bytes and come in byte order. Keys that share everything up to the first delimiter after the prefix are
rolled into one common prefix, which counts as one entry; the keys under it are never read but the first few, for the
next look begins right behind the whole group. A marker inside a group is past that group.
"""

import base64
import binascii
import string
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import NamedTuple
from urllib.parse import quote_plus

from lambent.kit.frozen import mutable
from lambent.services.s3 import errors
from lambent.services.s3.records import Listed

MAX_KEYS = 1000
#: Rows read at once when groups may make most of them superfluous.
_GROUPED_BATCH = 128
#: Greater than any key: no UTF-8 begins with this byte.
_END = b"\xff"

#: What form encoding leaves alone; most keys have nothing else.
_UNCHANGED = frozenset(string.ascii_letters + string.digits + "_.-~/")

Fetch = Callable[[bytes, bytes, int], Sequence[Listed]]
"""(start included, end excluded, limit) -> rows in order of key"""


class Span(NamedTuple):
    """What to list."""

    prefix: bytes = b""
    delimiter: bytes = b""
    after: bytes = b""
    """Marker: a key or common prefix; entries come strictly behind it."""
    limit: int = MAX_KEYS


@mutable
class Page:
    contents: list[Listed] = field(default_factory=list)
    prefixes: list[bytes] = field(default_factory=list)
    is_truncated: bool = False
    last: bytes = b""
    """Last entry, key or prefix: the marker of the next page."""

    @property
    def count(self) -> int:
        return len(self.contents) + len(self.prefixes)


def collect(span: Span, fetch: Fetch) -> Page:
    page = Page()
    if span.limit == 0:
        return page
    end = behind_prefix(span.prefix)
    start = _start(span)
    while start < end:
        wanted = span.limit - page.count + 1
        if span.delimiter:
            wanted = min(wanted, _GROUPED_BATCH)
        rows = fetch(start, end, wanted)
        _take(page, rows, span)
        if page.is_truncated or len(rows) < wanted:
            break
        start = _behind(page.last, span)
    return page


def group_of(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """The common prefix `key` is rolled into, if any."""
    if not delimiter:
        return None
    found = key.find(delimiter, len(prefix))
    return None if found < 0 else key[: found + len(delimiter)]


def behind_prefix(prefix: bytes) -> bytes:
    """The first byte string that is greater than everything beginning with `prefix`."""
    stripped = prefix.rstrip(_END)
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else _END


def parse_limit(value: int | None, *, name: str = "max-keys") -> int:
    """Raises InvalidArgument."""
    if value is None:
        return MAX_KEYS
    if not 0 <= value <= 2147483647:
        raise errors.InvalidArgument(
            f"Argument {name} must be an integer between 0 and 2147483647", name=name, value=str(value)
        )
    return min(value, MAX_KEYS)


def check_encoding(encoding: str | None) -> str | None:
    """Raises InvalidArgument for anything but `url`."""
    if encoding not in (None, "", "url"):
        raise errors.InvalidArgument(
            "Invalid Encoding Method specified in Request", name="encoding-type", value=str(encoding)
        )
    return encoding or None


def token_of(last: bytes) -> str:
    """A continuation token that goes on behind `last`."""
    return base64.urlsafe_b64encode(b"1" + last).decode()


def after_token(token: str) -> bytes:
    """Raises InvalidArgument."""
    try:
        decoded = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded.startswith(b"1"):
        raise errors.InvalidArgument(
            "The continuation token provided is incorrect", name="continuation-token", value=token
        )
    return decoded[1:]


def encode(text: str) -> str:
    """For `encoding-type=url`: form encoding with slashes kept."""
    return text if _UNCHANGED.issuperset(text) else quote_plus(text, safe="/")


def _start(span: Span) -> bytes:
    if not span.after or span.after < span.prefix:
        return span.prefix
    return _behind(span.after, span)


def _behind(entry: bytes, span: Span) -> bytes:
    group = group_of(entry, span.prefix, span.delimiter) if entry.startswith(span.prefix) else None
    return entry + b"\0" if group is None else behind_prefix(group)


def _take(page: Page, rows: Sequence[Listed], span: Span) -> None:
    """Put rows on the page until it is full."""
    if not span.delimiter:
        room = span.limit - page.count
        page.is_truncated = len(rows) > room
        page.contents += rows[:room]
        if page.contents:
            page.last = page.contents[-1].key
        return
    for row in rows:
        group = group_of(row.key, span.prefix, span.delimiter)
        if group is not None and group == page.last:
            continue
        if page.count == span.limit:
            page.is_truncated = True
            return
        if group is None:
            page.contents.append(row)
            page.last = row.key
        else:
            page.prefixes.append(group)
            page.last = group
