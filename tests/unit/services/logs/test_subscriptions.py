"""Subscription filters: which destinations there are, and how events become messages."""

import gzip
import json

import pytest

from lambent.services.logs import subscriptions
from lambent.services.logs.chunks import LogEvent, Place
from lambent.services.logs.errors import AccessDenied, InvalidParameter
from lambent.services.logs.names import GroupKey
from lambent.services.logs.subscriptions import MAX_MESSAGE_BYTES, ChunkRecord, Passage, SubscriptionFilter

KEY = GroupKey("000000000000", "us-east-1", "/g")
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


def a_filter(destination_arn: str, role_arn: str = "", distribution: str = "ByLogStream") -> SubscriptionFilter:
    return SubscriptionFilter("all", "", destination_arn, role_arn, distribution, False, 0)


def events(*messages: bytes, position: int = 1) -> list[LogEvent]:
    return [LogEvent(Place(1_000 + index, 7, position, index), message, 0) for index, message in enumerate(messages)]


@pytest.mark.parametrize(
    ("destination_arn", "role_arn", "sentence"),
    [
        (FUNCTION, "", None),
        (STREAM, "arn:aws:iam::000000000000:role/r", None),
        (FUNCTION, "arn:aws:iam::000000000000:role/r", "destinationArn for vendor lambda cannot be used with roleArn"),
        (STREAM, "", "destinationArn for vendor kinesis cannot be used without roleArn"),
        (
            "arn:aws:sns:us-east-1:000000000000:t",
            "",
            "PutSubscriptionFilter operation cannot work with destinationArn for vendor sns",
        ),
        ("f", "", "Invalid destinationArn"),
    ],
)
def test_destinations(destination_arn: str, role_arn: str, sentence: str | None) -> None:
    if sentence is None:
        subscriptions.check_destination(a_filter(destination_arn, role_arn), "000000000000")
        return
    with pytest.raises(InvalidParameter) as refused:
        subscriptions.check_destination(a_filter(destination_arn, role_arn), "000000000000")
    assert refused.value.message == sentence


def test_functions_of_other_accounts_are_refused() -> None:
    """Measured at AWS, with this sentence."""
    other = a_filter(FUNCTION.replace("000000000000", "111111111111"))
    with pytest.raises(AccessDenied, match="You must use DestinationPolicies to create cross account lambda triggers"):
        subscriptions.check_destination(other, "000000000000")


def told(found: list[Passage]) -> list[tuple[str, list[bytes]]]:
    return [(one.stream, [event.message for event in one.events]) for one in found]


def test_a_message_holds_events_of_one_stream_in_the_order_of_their_commits() -> None:
    chunks = [("a", events(b"1", b"2")), ("a", events(b"3")), ("b", events(b"4")), ("a", events(b"5"))]
    assert told(subscriptions.passages(chunks, None)) == [("a", [b"1", b"2", b"3"]), ("b", [b"4"]), ("a", [b"5"])]


def test_what_the_pattern_does_not_keep_is_not_sent() -> None:
    chunks = [("a", events(b"1", b"2")), ("b", events(b"2")), ("a", events(b"1"))]
    assert told(subscriptions.passages(chunks, lambda message: message == b"1")) == [("a", [b"1", b"1"])]
    assert subscriptions.passages(chunks, lambda _: False) == []


def test_messages_are_bounded_and_a_larger_event_goes_alone() -> None:
    large, small = b"x" * (MAX_MESSAGE_BYTES + 1), b"y" * (MAX_MESSAGE_BYTES // 2)
    found = subscriptions.passages([("a", events(large, small, small, small))], None)
    assert [len(one.events) for one in found] == [1, 1, 1, 1]
    found = subscriptions.passages([("a", events(*[b"z" * 1_000] * 1_100))], None)
    assert [len(one.events) for one in found] == [511, 511, 78]


def test_documents() -> None:
    zipped = subscriptions.data_message(KEY, "all", Passage("s", events(b"hello\n")))
    assert json.loads(gzip.decompress(zipped)) == {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": "/g",
        "logStream": "s",
        "subscriptionFilters": ["all"],
        "logEvents": [{"id": "0000000000010000000000000000070000000000000001" + "0" * 10, "timestamp": 1000,
                       "message": "hello\n"}],
    }  # fmt: skip
    control = json.loads(gzip.decompress(subscriptions.control_message(5)))
    assert (control["messageType"], control["owner"]) == ("CONTROL_MESSAGE", "CloudwatchLogs")
    assert control["logEvents"][0]["timestamp"] == 5


def test_partition_keys() -> None:
    by_stream, random = a_filter(STREAM, "r"), a_filter(STREAM, "r", "Random")
    long = "s" * 512
    assert subscriptions.partition_key(by_stream, KEY, long) == subscriptions.partition_key(by_stream, KEY, long)
    assert subscriptions.partition_key(by_stream, KEY, "a") != subscriptions.partition_key(by_stream, KEY, "b")
    assert len(subscriptions.partition_key(by_stream, KEY, long)) <= 256
    assert subscriptions.partition_key(random, KEY, long) == ""


def test_a_record_of_a_chunk_is_read_as_it_was_written() -> None:
    record = ChunkRecord(2**40, 1_750_000_000_000, 3)
    assert ChunkRecord.from_bytes(record.to_bytes()) == record
