"""Tokens that clients hand back: values under a seal, which tells those that were altered or made up.

No secret: whoever may read a stream may read all of it, and access is asked for again with every request.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import orjson

_SEAL_BYTES = 8
_KEY = b"lambent kinesis"


def write(kind: str, values: Sequence[str | int | float | None]) -> str:
    content = orjson.dumps(values)
    return base64.b64encode(_seal(kind, content) + content).decode()


def read(kind: str, token: str) -> list[Any] | None:
    """None if it is no token of that kind."""
    try:
        sealed = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return None
    content = sealed[_SEAL_BYTES:]
    if not hmac.compare_digest(sealed[:_SEAL_BYTES], _seal(kind, content)):
        return None
    values: list[Any] = orjson.loads(content)
    return values


def _seal(kind: str, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_SEAL_BYTES, key=_KEY, person=kind.encode()).digest()
