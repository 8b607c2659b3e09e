"""Publish and PublishBatch: receipts, what is refused, and how FIFO topics number messages and drop duplicates."""

from typing import Any

import pytest

from services.sns.conftest import ACCOUNT, CreateTopic
from services.sns.test_topics import refusal

FIFO = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}


def entry(entry_id: str, message: str = "m", **more: Any) -> dict[str, Any]:
    return {"Id": entry_id, "Message": message, **more}


def test_a_topic_goes_by_either_name(sns: Any, create: CreateTopic) -> None:
    arn = create()
    assert sns.publish(TopicArn=arn, Message="m")["MessageId"] != sns.publish(TargetArn=arn, Message="m")["MessageId"]


WRONG_TARGETS = [
    ({"TopicArn": ""}, ("InvalidParameter", "TopicArn Reason: An ARN must have at least 6 elements, not 1")),
    ({"TopicArn": "a:b"}, ("InvalidParameter", "TopicArn Reason: An ARN must have at least 6 elements, not 2")),
    (
        {"TargetArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:endpoint/APNS/app/1"},
        ("InvalidParameter", "TargetArn Reason: No endpoint found for the target arn specified"),
    ),
    (
        {"PhoneNumber": "+15551234567"},
        ("InvalidParameter", "PhoneNumber Reason: +15551234567 is not valid to publish to"),
    ),
]


@pytest.mark.parametrize(("target", "expected"), WRONG_TARGETS)
def test_wrong_targets(sns: Any, target: dict[str, str], expected: tuple[str, str]) -> None:
    code, sentence = expected
    assert refusal(sns.publish, Message="m", **target) == (code, f"Invalid parameter: {sentence}", 400)


def test_a_topic_that_is_not_there(sns: Any) -> None:
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:nothing"
    assert refusal(sns.publish, TopicArn=arn, Message="m") == ("NotFound", "Topic does not exist", 404)
    batch = [entry("1")]
    assert refusal(sns.publish_batch, TopicArn=arn, PublishBatchRequestEntries=batch)[0] == "NotFound"


def test_a_message_of_the_greatest_size_passes(sns: Any, create: CreateTopic) -> None:
    arn = create()
    sns.publish(TopicArn=arn, Message="x" * 262_144)
    assert refusal(sns.publish, TopicArn=arn, Message="x" * 262_145)[1] == "Invalid parameter: Message too long"


def test_a_topic_may_take_a_mebibyte(sns: Any, create: CreateTopic) -> None:
    """Three bytes on the wire for each: the form is percent-encoded."""
    sns.publish(TopicArn=create(MaximumMessageSize="1048576"), Message="\u00e9" * 524_288)


def test_an_attribute_without_a_type_is_the_models_business(sns: Any, create: CreateTopic) -> None:
    attributes = {"attr1": {"StringValue": "x"}}
    assert refusal(sns.publish, TopicArn=create(), Message="m", MessageAttributes=attributes) == (
        "ValidationError",
        (
            "1 validation error detected: Value null at 'messageAttributes.attr1.member.dataType' failed to satisfy "
            "constraint: Member must not be null"
        ),
        400,
    )


BATCHES = [
    ([entry(str(number)) for number in range(11)], "TooManyEntriesInBatchRequest"),
    ([entry("1"), entry("1")], "BatchEntryIdsNotDistinct"),
    ([entry("a b")], "InvalidBatchEntryId"),
    ([entry("1", "x" * 200_000), entry("2", "x" * 62_145)], "BatchRequestTooLong"),
    ([entry("1"), entry("2", '{"sqs": "x"}', MessageStructure="json")], "InvalidParameter"),
    ([entry("1", MessageAttributes={"a": {"DataType": "String"}})], "ParameterValueInvalid"),
]


@pytest.mark.parametrize(("entries", "code"), BATCHES)
def test_batches_that_are_refused(sns: Any, create: CreateTopic, entries: list[dict[str, Any]], code: str) -> None:
    assert refusal(sns.publish_batch, TopicArn=create(), PublishBatchRequestEntries=entries)[0] == code


def test_a_batch_gets_a_receipt_an_entry(sns: Any, create: CreateTopic) -> None:
    result = sns.publish_batch(TopicArn=create(), PublishBatchRequestEntries=[entry("a"), entry("b")])
    assert [one["Id"] for one in result["Successful"]] == ["a", "b"]
    assert len({one["MessageId"] for one in result["Successful"]}) == 2
    assert result["Failed"] == []


def receipt(published: dict[str, str]) -> tuple[str, int]:
    return published["MessageId"], int(published["SequenceNumber"])


def test_a_fifo_topic_numbers_messages_and_answers_the_same_to_the_same(sns: Any, create: CreateTopic) -> None:
    arn = create(**FIFO)

    def publish(message: str, group: str = "g", **more: str) -> tuple[str, int]:
        return receipt(sns.publish(TopicArn=arn, Message=message, MessageGroupId=group, **more))

    first = publish("one")
    assert publish("one") == first
    assert publish("one", "other-group") == first, "the whole topic is the scope"
    second = publish("one", MessageDeduplicationId="another")
    assert second[1] > first[1]
    assert publish("something else", MessageDeduplicationId="another") == second
    entries = [entry("1", "one", MessageGroupId="g"), entry("2", "two", MessageGroupId="g")]
    repeated, third = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)["Successful"]
    assert receipt(repeated) == first
    assert receipt(third)[1] > second[1]
    assert len(third["SequenceNumber"]) == 20


def test_the_scope_may_be_the_group(sns: Any, create: CreateTopic) -> None:
    arn = create(**FIFO, FifoThroughputScope="MessageGroup")
    here, there = (sns.publish(TopicArn=arn, Message="m", MessageGroupId=group)["MessageId"] for group in "ab")
    assert here != there
    assert sns.publish(TopicArn=arn, Message="m", MessageGroupId="a")["MessageId"] == here
