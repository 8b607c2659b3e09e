"""NextToken: where the next page of a SELECT begins, good for the same statement and parameters, for an hour."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import orjson

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.values import AttributeValue, Item

LIFETIME_MS = 3_600_000
#: Tells tokens that were altered or made up. No secret: all that a token gives is a place to read on.
_SEAL = b"lambent partiql page"
_DIGEST_BYTES = 16


@frozen
class Start:
    branch: int = 0
    key: Item | None = None
    """The last item read of the branch."""


def digest_of(text: str, parameters: Sequence[AttributeValue]) -> bytes:
    """Of what a token is bound to."""
    return hashlib.blake2b(orjson.dumps((text, parameters)), digest_size=_DIGEST_BYTES).digest()


def write_token(start: Start, digest: bytes, *, now_ms: int) -> str:
    content = digest + orjson.dumps((start.branch, start.key, now_ms))
    return base64.urlsafe_b64encode(_seal(content) + content).decode()


def read_token(token: str | None, digest: bytes, *, now_ms: int) -> Start:
    """The beginning, without a token. Raises ValidationException."""
    if token is None:
        return Start()
    try:
        sealed = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationException("Invalid NextToken") from error
    seal, content = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
    if not hmac.compare_digest(seal, _seal(content)):
        raise ValidationException("Invalid NextToken")
    if content[:_DIGEST_BYTES] != digest:
        raise ValidationException("NextToken does not match request")
    branch, key, issued_ms = orjson.loads(content[_DIGEST_BYTES:])
    if now_ms - issued_ms > LIFETIME_MS:
        raise ValidationException("Given NextToken has already expired")
    return Start(branch, key)


def _seal(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES, key=_SEAL).digest()
