"""What a record is in its log, what a sequence number says, what an iterator carries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.kinesis import records, sequence_numbers, shard_iterators, tokens
from lambent.services.kinesis.errors import ExpiredIterator, InvalidArgument
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.records import Record
from lambent.services.kinesis.sequence_numbers import Place
from lambent.services.kinesis.shard_iterators import ShardIterator, Start

KEY = StreamKey("000000000000", "us-east-1", "s")
NOW_MS = 1_750_000_000_000


@given(
    st.builds(
        Record,
        partition_key=st.none() | st.text(min_size=1, max_size=256),
        data=st.binary(max_size=2000),
        explicit_hash=st.none() | st.integers(0, 2**128 - 1),
        is_encrypted=st.booleans(),
        trace=st.text(st.characters(codec="ascii"), max_size=512),
    )
)
def test_a_record_is_unpacked_as_it_was_packed(record: Record) -> None:
    packed = records.pack(
        record.partition_key,
        record.data,
        explicit_hash=record.explicit_hash,
        is_encrypted=record.is_encrypted,
        trace=record.trace,
    )
    assert records.unpack(packed) == record


@given(st.integers(0, 10**13 - 1), st.integers(0, 10**12 - 1), st.integers(0, 10**18))
def test_a_sequence_number_says_where_its_record_is(opened_ms: int, index: int, position: int) -> None:
    prefix = sequence_numbers.prefix_of(opened_ms, index)
    number, behind = sequence_numbers.of_record(prefix, position), sequence_numbers.behind(prefix, position)
    assert sequence_numbers.parse(number) == Place(opened_ms, index, position, is_behind=False)
    assert sequence_numbers.parse(behind) == Place(opened_ms, index, position, is_behind=True)
    assert int(number) < int(behind) < int(sequence_numbers.of_record(prefix, position + 1))
    assert len(number) == 56


@pytest.mark.parametrize(
    ("number", "is_included", "position"),
    [("record", True, 6), ("record", False, 7), ("behind", True, 7), ("behind", False, 7)],
)
def test_where_reading_goes_on(number: str, is_included: bool, position: int) -> None:
    prefix = sequence_numbers.prefix_of(NOW_MS, 3)
    write = sequence_numbers.of_record if number == "record" else sequence_numbers.behind
    place = sequence_numbers.parse(write(prefix, 7))
    assert place is not None
    assert sequence_numbers.position_before(place, is_included=is_included) == position


@pytest.mark.parametrize("number", ["0", "49", "x" * 56, "5" * 56, "49" + "0" * 53 + "2", "４９" + "0" * 54])
def test_what_is_no_sequence_number_of_ours(number: str) -> None:
    assert sequence_numbers.parse(number) is None


def test_an_iterator_lives_five_minutes() -> None:
    iterator = ShardIterator(3, 1, 42, NOW_MS)
    token = shard_iterators.write_token(iterator)
    assert len(token) <= 512
    assert shard_iterators.read_token(token, now_ms=NOW_MS + 300_000) == iterator
    with pytest.raises(ExpiredIterator, match=r"Iterator expired\. The iterator was created at time Sun Jun 15 15"):
        shard_iterators.read_token(token, now_ms=NOW_MS + 300_001)


@given(st.text(max_size=100))
def test_made_up_iterators_are_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="Invalid ShardIterator"):
        shard_iterators.read_token(token, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("kind", "number", "timestamp", "complaint"),
    [
        ("TRIM_HORIZON", None, None, None),
        ("LATEST", None, None, None),
        ("AT_SEQUENCE_NUMBER", "1", None, None),
        ("AT_TIMESTAMP", None, NOW_MS / 1000, None),
        ("AFTER_SEQUENCE_NUMBER", None, None, "Request specified AFTER_SEQUENCE_NUMBER and no StartingSequenceNumber"),
        ("LATEST", "1", None, "Request specified LATEST and also a StartingSequenceNumber"),
        ("AT_TIMESTAMP", None, None, "Current request has no timestamp parameter"),
        ("AT_TIMESTAMP", None, NOW_MS / 1000 + 1, "cannot be greater than the currentTimestampInMillis"),
    ],
)
def test_starting_positions(kind: str, number: str | None, timestamp: float | None, complaint: str | None) -> None:
    start = Start(kind, number, timestamp, "GetShardIterator")
    if complaint is None:
        shard_iterators.check_start(start, now_ms=NOW_MS)
        return
    with pytest.raises(InvalidArgument, match=complaint):
        shard_iterators.check_start(start, now_ms=NOW_MS)


@pytest.mark.parametrize("number", ["0", sequence_numbers.of_record(sequence_numbers.prefix_of(NOW_MS - 1, 0), 5)])
def test_numbers_to_order_by(number: str) -> None:
    sequence_numbers.check_ordering(number, KEY, NOW_MS)


@pytest.mark.parametrize("number", ["7", sequence_numbers.of_record(sequence_numbers.prefix_of(NOW_MS + 1, 0), 5)])
def test_numbers_that_nobody_was_given(number: str) -> None:
    with pytest.raises(InvalidArgument):
        sequence_numbers.check_ordering(number, KEY, NOW_MS)


@pytest.mark.parametrize(
    "values",
    [
        (1,),
        ("a", 1, 2, NOW_MS),
        (1, 1, None, NOW_MS),
        (1, 1, -1, NOW_MS),
        (1, 1, 2**64 - 1, NOW_MS),
        (1, 1, 1.5, NOW_MS),
    ],
)
def test_what_a_made_up_iterator_says_is_looked_at(values: tuple[str | int | float | None, ...]) -> None:
    """The seal is no secret."""
    with pytest.raises(InvalidArgument):
        shard_iterators.read_token(tokens.write("iterator", values), now_ms=NOW_MS)
