"""Batches of queues: what fits, what is done with, what a filter sees; how wide a function is run."""

from dataclasses import replace
from typing import Any

import pytest

from lambent.delivery.event_source_mappings import queue_batches, queue_source, queue_width
from lambent.delivery.event_source_mappings.filters import compile_filters
from lambent.delivery.event_source_mappings.queue_batches import QueuedMessage
from lambent.delivery.event_source_mappings.queue_width import FIRST_WIDTH, LONGEST_PAUSE_SECONDS, Scaling, Width
from lambent.services.lambda_.event_source_mappings import Options, StartingPosition
from lambent.services.sqs.contents import Attribute, Details
from lambent.services.sqs.message_store import Received
from lambent.services.sqs.queues import Queue, QueueKey


def message(name: str, group: str = "", size: int = 10) -> QueuedMessage:
    return QueuedMessage(1, 1, 1, name, group, "", b"x" * size)


@pytest.mark.parametrize(
    ("sizes", "max_messages", "expected"),
    [([], 5, 0), ([10] * 3, 5, 3), ([10] * 3, 2, 2), ([60, 60], 5, 1), ([500], 5, 1), ([50, 49], 5, 2 - 1)],
)
def test_fitting(sizes: list[int], max_messages: int, expected: int) -> None:
    assert queue_batches.fitting([message("m", size=size) for size in sizes], max_messages, 100) == expected


def failures(*names: str) -> bytes:
    items = ",".join(f'{{"itemIdentifier":"{name}"}}' for name in names)
    return f'{{"batchItemFailures":[{items}]}}'.encode()


@pytest.mark.parametrize(
    ("payload", "done"),
    [
        (b"", "abcd"),
        (b"null", "abcd"),
        (b"{}", "abcd"),
        (b'{"batchItemFailures":null}', "abcd"),
        (failures(), "abcd"),
        (failures("b"), "ad"),
        (failures("d"), "abc"),
        (failures("a"), "d"),
        (failures("a", "d"), ""),
        (failures("unknown"), ""),
        (failures("b", ""), ""),
        (b'{"batchItemFailures":[{}]}', ""),
        (b'{"batchItemFailures":{}}', ""),
        (b'"text"', ""),
        (b"{", ""),
    ],
)
def test_handled_of_a_fifo_queue(payload: bytes, done: str) -> None:
    """a, b and c are of one group, d of another."""
    batch = [message("a", "g"), message("b", "g"), message("c", "g"), message("d", "h")]
    handled = queue_batches.handled(batch, payload, reports_item_failures=True)
    assert "".join(one.message_id for one in handled) == done


def test_of_a_standard_queue_each_message_stands_for_itself() -> None:
    batch = [message("a"), message("b"), message("c")]
    handled = queue_batches.handled(batch, failures("b"), reports_item_failures=True)
    assert [one.message_id for one in handled] == ["a", "c"]
    assert queue_batches.handled(batch, failures("b"), reports_item_failures=False) == batch


#: "Properly filtering Amazon SQS messages" in the developer guide: format of the body, of the pattern, outcome.
@pytest.mark.parametrize(
    ("pattern", "body", "expected"),
    [
        ('{"body": ["text"]}', "text", True),
        ('{"body": ["text"]}', "other", False),
        ('{"body": ["text"]}', '{"a": 1}', False),
        ('{"body": {"a": [1]}}', '{"a": 1}', True),
        ('{"body": {"a": [1]}}', '{"a": 2}', False),
        ('{"body": {"a": [1]}}', "text", False),
        ('{"body": {"a": [1]}}', '{"a": 1', False),
        ('{"messageAttributes": {"k": {"stringValue": ["v"]}}}', "anything", True),
    ],
)
def test_filters(pattern: str, body: str, *, expected: bool) -> None:
    record: dict[str, Any] = {"body": body, "messageAttributes": {"k": {"stringValue": "v"}}}
    assert queue_batches.is_wanted(compile_filters([pattern]), record) == expected


def test_width_grows_while_messages_wait_and_shrinks_when_refused() -> None:
    width = Width(Scaling(limit=20))
    assert width.places == FIRST_WIDTH
    width.is_too_narrow(0)
    width.is_too_narrow(1)
    assert width.places == FIRST_WIDTH + 5
    width.is_wide_enough()
    width.is_too_narrow(100)
    assert width.places == FIRST_WIDTH + 5, "what passed meanwhile does not count"
    width.is_too_narrow(200)
    assert (width.places, width.can_grow) == (20, False)
    width.refused(200)
    assert (width.places, width.pause_left(200)) == (10, 1)
    for _ in range(20):
        width.refused(200)
    assert (width.places, width.pause_left(200)) == (1, LONGEST_PAUSE_SECONDS)
    width.has_emptied()
    assert width.places == FIRST_WIDTH
    width.scale(Scaling(limit=2))
    assert width.places == 2


def test_provisioned_pollers_begin_wider_and_grow_faster() -> None:
    """Ten invocations to a poller, 1,000 more in a minute: services-sqs-scaling, "provisioned mode"."""
    options = Options(StartingPosition.TRIM_HORIZON, minimum_pollers=2, maximum_pollers=5)
    width = Width(Scaling())
    width.scale(queue_width.scaling_of(options))
    assert (width.places, width.pollers) == (20, 2)
    width.is_too_narrow(0)
    width.is_too_narrow(0.6)
    assert (width.places, width.pollers) == (30, 3)
    width.is_too_narrow(60)
    assert (width.places, width.pollers, width.can_grow) == (50, 5, False)
    width.has_emptied()
    assert width.places == 20, "the pollers stay"
    width.scale(queue_width.scaling_of(replace(options, minimum_pollers=0, maximum_pollers=0)))
    width.has_emptied()
    assert width.places == FIRST_WIDTH


def test_attributes_are_in_the_record_with_their_digest() -> None:
    """As sample events of functions on queues have it (`md5OfMessageAttributes`)."""
    queue = Queue(QueueKey("000000000000", "us-east-1", "q"), 1, 2, "{}", "{}", 0, 0, 0)
    details = Details("me", attributes={"a": Attribute("String", "v"), "b": Attribute("Binary.png", "AQ==")})
    record = queue_source.event_record(queue, Received(1, 1, 0, 0, "id", "body", "md5", details))
    assert record["md5OfMessageAttributes"] == "a28f84c6b2f4882d0665d51ff3392a0f"
    lists: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {
        "a": {"dataType": "String", "stringValue": "v", **lists},
        "b": {"dataType": "Binary.png", "binaryValue": "AQ==", **lists},
    }


@pytest.mark.parametrize(
    ("left", "count", "beginning"),
    [(1, 1, "the message comes again"), (2, 5, "2 of 5 messages come again"), (5, 5, "5 of 5 messages come again")],
)
def test_people_are_told_what_comes_again(left: int, count: int, beginning: str) -> None:
    assert queue_batches.prospect(left, count).startswith(beginning)
