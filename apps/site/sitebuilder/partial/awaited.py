"""Pictures and other files of pages, which a partial build has not got until hugo opens them.             (pure)

hugo lists such files in every build, and opens one only if a page that it renders publishes or processes it. In its
place lies a placeholder: the smallest picture of its format, so that what processes it does not fail before all that is
wanted is known, and a mark with the key. What hugo opened is fetched, and it runs again (`cold`).

Where no template can get at a page's files, hugo opens them for one thing only, to copy them into the page's folder.
Then nothing is fetched at all: the copies of placeholders say by their mark which files they are.
"""

import base64
from pathlib import PurePosixPath

from sitebuilder import outputs

#: Smaller ones are packed with the rest: a request costs more than they do.
SMALL_BYTES = 2 << 10
MARK = b"lambent-awaited:"
_FOLDERS = ("content/", "assets/")
#: One pixel each, as hugo's own encoders write it; base64.
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAAD0lEQVR4nAACAP3/AoQDAACKAIdfX8c6AAAAAElFTkSuQmCC"
_GIF = "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
_WEBP = "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAARg0J6QAA3AA/oQAAAA="
_BMP = "Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAATCwAAEwsAAAAAAAAAAAAAhISEAA=="
_TIFF = (
    "SUkqABYAAAB4nAABAP7/hAMAAIUAhQwAAAEDAAEAAAABAAAAAQEDAAEAAAABAAAAAgEDAAEAAAAIAAAAAwEDAAEAAAAIAAAABgEDAAEA"
    "AAABAAAAEQEEAAEAAAAIAAAAFQEDAAEAAAABAAAAFgEDAAEAAAABAAAAFwEEAAEAAAAOAAAAGgEFAAEAAACsAAAAGwEFAAEAAAC0AAAA"
    "KAEDAAEAAAACAAAAAAAAAEgAAAABAAAASAAAAAEAAAA="
)
_JPEG = (
    "/9j/2wCEAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDIBCQkJDAsM"
    "GA0NGDIhHCEyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMv/AAAsIAAEAAQEBEQD/xADSAAAB"
    "BQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgsQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNi"
    "coIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeo"
    "qaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAAgBAQAAPwCSv//Z"
)
_SMALLEST = {".png": _PNG, ".gif": _GIF, ".webp": _WEBP, ".bmp": _BMP, ".tif": _TIFF, ".tiff": _TIFF} | {
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
}


class Shown(Exception):
    """A page shows something of a file that was not there."""


def is_awaited(key: str, size: int) -> bool:
    """By its kind; texts, templates and all that hugo reads in every build are none."""
    return size > SMALL_BYTES and key.startswith(_FOLDERS) and PurePosixPath(key).suffix.lower() in outputs.BINARY_TYPES


def placeholder(key: str) -> bytes:
    """What follows a picture's end is passed over by whoever reads it."""
    return base64.b64decode(_SMALLEST.get(PurePosixPath(key).suffix.lower(), "")) + MARK + key.encode()


def key_of(content: bytes) -> str | None:
    """Of a file that hugo made: the key, if it is a copy of a placeholder.

    Raises Shown if it has only a part of one.
    """
    _, mark, rest = content.rpartition(MARK)
    if not mark:
        return None
    key = rest.decode(errors="replace")
    if placeholder(key) != content:
        raise Shown(f"something of {key[:100]!r} is shown, which was not there")
    return key
