"""Compressed requests: the SDKs send large PutMetricData with `Content-Encoding: gzip`.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html. What is signed is what was sent; what is
decoded is what it says, never more than a body may have.
"""

import zlib
from collections.abc import Mapping

from lambent.wire.errors import SerializationError
from lambent.wire.http import BodyTooLarge

_GZIP = 16 + zlib.MAX_WBITS


def inflate(content: bytes, headers: Mapping[str, str], limit: int) -> bytes:
    """`content` as it was before it was compressed. Raises SerializationError, BodyTooLarge."""
    if not content or headers.get("content-encoding", "").lower() != "gzip":
        return content
    inflater = zlib.decompressobj(_GZIP)
    try:
        inflated = inflater.decompress(content, limit + 1)
    except zlib.error as error:
        raise SerializationError("The body is not gzip, as its Content-Encoding says.") from error
    if len(inflated) > limit:
        raise BodyTooLarge(limit)
    if not inflater.eof:
        raise SerializationError("The body is cut off gzip.")
    return inflated
