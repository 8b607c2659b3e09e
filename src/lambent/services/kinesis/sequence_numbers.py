"""Sequence numbers: 56 decimal digits that only grow within a shard, and from a shard to its children.

    49 | when the shard was opened (13 digits) | its index (12) | position in its log (28) | 0 the record, 1 behind it

A number behind a record is what SubscribeToShard gives to continue from, so that it serves with AT_SEQUENCE_NUMBER as
with AFTER_SEQUENCE_NUMBER. A shard starts behind position 0 and, closed, ends behind its last record.
"""

from typing import NamedTuple

from lambent.services.kinesis.errors import InvalidArgument
from lambent.services.kinesis.names import StreamKey

_LEAD = "49"
_OPENED = slice(2, 15)
_INDEX = slice(15, 27)
_POSITION = slice(27, 55)
_DIGITS = 56


class Place(NamedTuple):
    """What a sequence number says."""

    opened_ms: int
    shard_index: int
    position: int
    is_behind: bool


def prefix_of(opened_ms: int, shard_index: int) -> str:
    """Of all sequence numbers of a shard."""
    return f"{_LEAD}{opened_ms:013d}{shard_index:012d}"


def of_record(prefix: str, position: int) -> str:
    return f"{prefix}{str(position).zfill(28)}0"  # in half the time of `:028d`: every record that is read has one


def behind(prefix: str, position: int) -> str:
    return f"{prefix}{position:028d}1"


def parse(number: str) -> Place | None:
    """None if it is none of ours."""
    if len(number) != _DIGITS or not number.startswith(_LEAD) or not number.isdecimal() or number[-1] > "1":
        return None
    return Place(int(number[_OPENED]), int(number[_INDEX]), int(number[_POSITION]), number[-1] == "1")


def position_before(place: Place, *, is_included: bool) -> int:
    """The position to read after; `is_included`: AT_SEQUENCE_NUMBER."""
    return place.position - 1 if is_included and not place.is_behind else place.position


def check_ordering(number: str, key: StreamKey, now_ms: int) -> None:
    """A SequenceNumberForOrdering: records are in order anyway. Raises InvalidArgument if nobody was ever given it.

    In AWS's sentence it bears the name that it had in the first version of the API.
    """
    place = parse(number)
    if number != "0" and (place is None or place.opened_ms > now_ms):
        raise InvalidArgument(
            f"ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {key.name} under account "
            f"{key.account_id} is invalid."
        )
