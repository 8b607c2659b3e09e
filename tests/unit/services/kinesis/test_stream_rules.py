"""What may be asked of a stream: retention, shard counts, tags; names and ARNs; subscriptions; throttling."""

import asyncio

import pytest

from lambent.kit.clock import VirtualClock
from lambent.services.kinesis import names, shards, streams
from lambent.services.kinesis.errors import InvalidArgument, LimitExceeded, ResourceInUse
from lambent.services.kinesis.names import ConsumerKey, StreamKey
from lambent.services.kinesis.streams import Mode, Settings, Stream
from lambent.services.kinesis.subscriptions import Subscriptions
from lambent.services.kinesis.throttling import Throttle

KEY = StreamKey("000000000000", "us-east-1", "s")
CONSUMER = ConsumerKey(KEY, "c", 1_750_000_000)


def pass_time(clock: VirtualClock, seconds: float) -> None:
    asyncio.run(clock.advance(seconds))


def stream(hours: int = 48) -> Stream:
    return Stream(1, KEY, 1, 0, Settings(Mode.PROVISIONED, retention_hours=hours))


@pytest.mark.parametrize(
    ("hours", "complaint"),
    [
        (48, None),
        (8760, None),
        (47, r"\(47 hours\) for stream s can not be shorter than existing retention period \(48 hours\)"),
        (23, r"Minimum allowed retention period is 24 hours\. Requested retention period \(23 hours\) is too short"),
        (
            8761,
            r"Maximum allowed retention period is 8760 hours\. Requested retention period \(8761 hours\)",
        ),
    ],
)
def test_raising_the_retention_period(hours: int, complaint: str | None) -> None:
    if complaint is None:
        assert streams.raised_retention(stream(), hours) == hours
        return
    with pytest.raises(InvalidArgument, match=complaint):
        streams.raised_retention(stream(), hours)


@pytest.mark.parametrize(
    ("hours", "complaint"),
    [
        (48, None),
        (24, None),
        (49, r"\(49 hours\) for stream s can not be longer than existing retention period \(48 hours\)"),
        (23, r"Minimum allowed retention period is 24 hours\. Requested retention period \(23 hours\) is too short"),
        (8761, r"Maximum allowed retention period is 8760 hours\."),
    ],
)
def test_lowering_the_retention_period(hours: int, complaint: str | None) -> None:
    if complaint is None:
        assert streams.lowered_retention(stream(), hours) == hours
        return
    with pytest.raises(InvalidArgument, match=complaint):
        streams.lowered_retention(stream(), hours)


@pytest.mark.parametrize(("current", "target"), [(1, 1), (1, 2), (4, 2), (4, 8), (5, 3)])
def test_shard_counts_within_reach(current: int, target: int) -> None:
    streams.check_target(current, target)


@pytest.mark.parametrize(
    ("current", "target", "error"),
    [(1, 3, InvalidArgument), (5, 2, InvalidArgument), (9_000, 10_001, LimitExceeded)],
)
def test_shard_counts_out_of_reach(current: int, target: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        streams.check_target(current, target)


@pytest.mark.parametrize("tags", [{}, {"a": ""}, {"lambent:throttle": "on"}, {"größe": "a b_./=+-%@"}])
def test_tags(tags: dict[str, str]) -> None:
    streams.check_tags(KEY, tags)


@pytest.mark.parametrize(
    ("tags", "complaint"),
    [
        ({f"k{n}": "" for n in range(51)}, "because a given stream cannot have more than 50 tags"),
        ({"aws:x": "1"}, "Tag keys starting with 'aws:' are reserved for system use"),
        ({"a": "<"}, "^Some tags contain invalid characters. Valid characters: Unicode letters"),
    ],
)
def test_tags_that_are_refused(tags: dict[str, str], complaint: str) -> None:
    with pytest.raises(InvalidArgument, match=complaint):
        streams.check_tags(KEY, tags)


def test_arns_are_read_as_they_are_written() -> None:
    assert names.parse_stream_arn(names.stream_arn(KEY)) == KEY
    assert names.parse_consumer_arn(names.consumer_arn(CONSUMER)) == CONSUMER


@pytest.mark.parametrize(
    "text",
    [
        "s",
        "arn:aws:kinesis:us-east-1:000000000000:stream/",
        "arn:aws:kinesis:us-east-1:000000000000:table/s",
        "arn:aws:dynamodb:us-east-1:000000000000:stream/s",
        names.consumer_arn(CONSUMER),
    ],
)
def test_what_is_no_stream_arn(text: str) -> None:
    assert names.parse_stream_arn(text) is None


def test_a_second_subscription_is_refused_for_five_seconds_and_then_takes_over() -> None:
    clock = VirtualClock()
    subscriptions = Subscriptions(clock)
    first = subscriptions.begin(CONSUMER, "shardId-000000000000")
    subscriptions.begin(CONSUMER, "shardId-000000000001")
    pass_time(clock, 4.9)
    with pytest.raises(ResourceInUse, match="consumer: 000000000000:s:shardId-000000000000:c"):
        subscriptions.begin(CONSUMER, "shardId-000000000000")
    pass_time(clock, 0.1)
    subscriptions.begin(CONSUMER, "shardId-000000000000")
    assert first.is_taken_over
    assert first.bell.take()


def test_the_place_of_a_subscription_that_ended_early_stays_taken_for_five_seconds() -> None:
    clock = VirtualClock()
    subscriptions = Subscriptions(clock)
    subscriptions.end(subscriptions.begin(CONSUMER, "a"))
    with pytest.raises(ResourceInUse):
        subscriptions.begin(CONSUMER, "a")
    pass_time(clock, 5)
    assert not subscriptions.begin(CONSUMER, "a").is_over


def test_a_shard_that_throttles_takes_a_thousand_records_a_second() -> None:
    clock = VirtualClock()
    throttle = Throttle(clock)
    (shard,) = shards.first_shards(1, 1, 0)
    refusals = [throttle.write(stream(), shard, 10) for _ in range(1_500)]
    assert refusals[:1_000] == [None] * 1_000
    assert all(refusals[1_000:])
    pass_time(clock, 0.5)
    assert [throttle.write(stream(), shard, 10) for _ in range(501)].count(None) == 500


def test_a_read_of_ten_mebibytes_keeps_a_shard_silent_for_some_seconds() -> None:
    """ "If a call returns this amount of data, subsequent calls made within the next 5 seconds throw" (GetRecords)."""
    clock = VirtualClock()
    throttle = Throttle(clock)
    (shard,) = shards.first_shards(1, 1, 0)
    throttle.admit_read(stream(), shard)
    throttle.charge_read(shard, 10 * 1024 * 1024)
    pass_time(clock, 3.9)
    with pytest.raises(Exception, match=r"Rate exceeded for shard shardId-000000000000 in stream s under account"):
        throttle.admit_read(stream(), shard)
    pass_time(clock, 1.1)
    throttle.admit_read(stream(), shard)
