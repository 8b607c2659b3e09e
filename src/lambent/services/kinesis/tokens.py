"""Tokens that clients hand back: values under a seal, which tells those that were altered or mixed up.

No secret: whoever may read a stream may read all of it, and access is asked for again with every request. Who knows
this file can make some up, so what is in one is looked at as well.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import orjson

_SEAL_BYTES = 8
_LARGEST = 2**63 - 1
_KEY = b"lambent kinesis"


def write(kind: str, values: Sequence[str | int | float | None]) -> str:
    content = orjson.dumps(values)
    return base64.b64encode(_seal(kind, content) + content).decode()


def read(kind: str, token: str, *types: type) -> list[Any] | None:
    """None if it is no token of that kind, with values of these types (numbers that a column holds)."""
    try:
        sealed = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return None
    content = sealed[_SEAL_BYTES:]
    if not hmac.compare_digest(sealed[:_SEAL_BYTES], _seal(kind, content)):
        return None
    values = _load(content)
    if not isinstance(values, list) or [type(value) for value in values] != list(types):
        return None
    if any(isinstance(value, int) and not 0 <= value <= _LARGEST for value in values):
        return None
    return values


def _load(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _seal(kind: str, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_SEAL_BYTES, key=_KEY, person=kind.encode()).digest()
