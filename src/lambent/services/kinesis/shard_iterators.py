"""Shard iterators: where in a shard to read on; as a token they are good for five minutes.

Starting positions are the same for GetShardIterator and SubscribeToShard, except for the names of their parameters.
"""

from datetime import UTC, datetime

from lambent.kit.frozen import frozen
from lambent.services.kinesis import record_store, sequence_numbers, tokens
from lambent.services.kinesis.errors import ExpiredIterator, InvalidArgument
from lambent.services.kinesis.shards import Shard, shard_id_of
from lambent.services.kinesis.streams import StreamView
from lambent.storage.transaction import Transaction

#: API Reference, GetShardIterator: "A shard iterator expires 5 minutes after it is returned to the requester."
LIFETIME_MS = 300_000
_KIND = "iterator"
_WITH_NUMBER = frozenset({"AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"})


@frozen
class ShardIterator:
    stream_id: int
    shard_index: int
    after: int
    """Position of the last record that was read, or 0."""
    issued_ms: int


@frozen
class Start:
    """Where reading begins, as a request says it."""

    kind: str
    """AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, TRIM_HORIZON, LATEST or AT_TIMESTAMP."""
    number: str | None
    timestamp: float | None
    operation: str


def write_token(iterator: ShardIterator) -> str:
    return tokens.write(_KIND, (iterator.stream_id, iterator.shard_index, iterator.after, iterator.issued_ms))


def read_token(token: str, *, now_ms: int) -> ShardIterator:
    """Raises InvalidArgument, ExpiredIterator."""
    values = tokens.read(_KIND, token, int, int, int, int)
    if values is None:
        raise InvalidArgument("Invalid ShardIterator.")
    iterator = ShardIterator(*values)
    if now_ms - iterator.issued_ms > LIFETIME_MS:
        raise ExpiredIterator(
            f"Iterator expired. The iterator was created at time {_time(iterator.issued_ms)} while right now it is "
            f"{_time(now_ms)} which is further in the future than the tolerated delay of {LIFETIME_MS} milliseconds."
        )
    return iterator


def check_start(start: Start, *, now_ms: int) -> None:
    """Does the request say what its kind needs, and nothing else? Raises InvalidArgument."""
    if (start.kind in _WITH_NUMBER) != (start.number is not None):
        what = "and also a" if start.number is not None else "and no"
        raise InvalidArgument(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
            "(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
            f"Request specified {start.kind} {what} StartingSequenceNumber."
        )
    if start.kind == "AT_TIMESTAMP" and start.timestamp is None:
        raise InvalidArgument(
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "
            "Current request has no timestamp parameter."
        )
    if start.kind == "AT_TIMESTAMP" and start.timestamp is not None and _milliseconds(start.timestamp) > now_ms:
        raise InvalidArgument(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            f"timestampInMillis: {_milliseconds(start.timestamp)}, currentTimestampInMillis: {now_ms}"
        )


def position_of(tx: Transaction, view: StreamView, shard: Shard, start: Start) -> int:
    """The position to read after. Raises InvalidArgument. What has expired is passed over, as at AWS."""
    if start.kind == "TRIM_HORIZON":
        return shard.trimmed
    if start.kind == "LATEST":
        return record_store.last_position(tx, shard)
    if start.kind == "AT_TIMESTAMP":
        assert start.timestamp is not None, "checked"
        return record_store.position_at(tx, shard, _milliseconds(start.timestamp))
    assert start.number is not None, "checked"
    place = sequence_numbers.parse(start.number)
    last = record_store.last_position(tx, shard)
    if place is None or (place.opened_ms, place.shard_index) != (shard.opened_ms, shard.index) or place.position > last:
        raise _foreign(view, shard, start)
    after = sequence_numbers.position_before(place, is_included=start.kind == "AT_SEQUENCE_NUMBER")
    return max(after, shard.trimmed)


def _foreign(view: StreamView, shard: Shard, start: Start) -> InvalidArgument:
    place = sequence_numbers.parse(start.number or "")
    if place is not None and place.shard_index != shard.index:
        return InvalidArgument(
            f"Invalid StartingSequenceNumber. It encodes {shard_id_of(place.shard_index)}, while it was used in a call "
            f"to a shard with {shard.shard_id}"
        )
    key = view.stream.key
    return InvalidArgument(
        f"StartingSequenceNumber {start.number} used in {start.operation} on shard {shard.shard_id} in stream "
        f"{key.name} under account {key.account_id} is invalid because it did not come from this stream."
    )


def _milliseconds(timestamp: float) -> int:
    return round(timestamp * 1000)


def _time(time_ms: int) -> str:
    """`Thu Jan 01 00:00:00 UTC 1970`, as in AWS's sentence."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
