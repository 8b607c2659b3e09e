"""Shard iterators: where in a shard to read on, as a token that is opaque to clients and good for 15 minutes."""

import base64
import binascii
import hashlib
import hmac

import orjson

from lambent.kit.frozen import frozen
from lambent.services.dynamodb import streams
from lambent.services.dynamodb.errors import ExpiredIterator, TrimmedDataAccess, ValidationException
from lambent.services.dynamodb.streams import Shard

#: API Reference, GetShardIterator: "A shard iterator expires 15 minutes after it is returned to the requester."
LIFETIME_MS = 15 * 60_000
#: Tells tokens that were altered or made up. No secret: whoever may read a stream may read all of it.
_SEAL = b"lambent shard iterator"
_SEAL_BYTES = 8
_VERSION = "|1|"


@frozen
class ShardIterator:
    stream_arn: str
    shard_id: str
    after: int
    """Position of the last record that was read, or 0."""
    issued_ms: int


def write_token(iterator: ShardIterator) -> str:
    """The stream's ARN stands before it in clear, as at AWS."""
    content = orjson.dumps((iterator.shard_id, iterator.after, iterator.issued_ms))
    sealed = _seal(iterator.stream_arn, content) + content
    return f"{iterator.stream_arn}{_VERSION}{base64.b64encode(sealed).decode()}"


def read_token(token: str, *, now_ms: int) -> ShardIterator:
    """Raises ValidationException, ExpiredIterator."""
    stream_arn, _, encoded = token.partition(_VERSION)
    try:
        sealed = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationException("Invalid ShardIterator") from error
    seal, content = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
    if not hmac.compare_digest(seal, _seal(stream_arn, content)):
        raise ValidationException("Invalid ShardIterator")
    shard_id, after, issued_ms = orjson.loads(content)
    if now_ms - issued_ms > LIFETIME_MS:
        raise ExpiredIterator("The shard iterator has expired and can no longer be used to retrieve stream records.")
    return ShardIterator(stream_arn, shard_id, after, issued_ms)


def position_before(shard: Shard, sequence_number: str, *, is_included: bool, last: int) -> int:
    """The position to read after; `last` is the shard's last one. Raises ValidationException, TrimmedDataAccess."""
    if not sequence_number.isdecimal():
        raise ValidationException(f"Invalid SequenceNumber: {sequence_number}")
    position = streams.position_of(shard.opened_ms, int(sequence_number))
    if position > max(last, 1):
        raise ValidationException(f"Invalid SequenceNumber: {sequence_number} is not in shard {shard.shard_id}")
    after = position - 1 if is_included else position
    check_not_trimmed(shard, after)
    return after


def check_not_trimmed(shard: Shard, after: int) -> None:
    """Raises TrimmedDataAccess if a record behind `after` is gone already."""
    if after < shard.trimmed:
        raise TrimmedDataAccess("The operation attempted to read past the oldest stream record in a shard.")


def _seal(stream_arn: str, content: bytes) -> bytes:
    return hashlib.blake2b(stream_arn.encode() + b"|" + content, digest_size=_SEAL_BYTES, key=_SEAL).digest()
