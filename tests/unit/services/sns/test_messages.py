"""What Publish takes: messages, subjects, attributes, texts by protocol. The words are AWS's."""

from typing import Any

import pytest

from lambent.services.sns import messages
from lambent.services.sns.messages import Kind, Published
from lambent.services.sns.topics import Topic
from lambent.wire.errors import ServiceError


def topic(**attributes: str) -> Topic:
    return Topic("arn:aws:sns:us-east-1:000000000000:t", "000000000000", "us-east-1", "t", 0, attributes, {})


def attribute(data_type: str, text: str | None = None, binary: bytes | None = None) -> dict[str, Any]:
    given: dict[str, Any] = {"DataType": data_type}
    if text is not None:
        given["StringValue"] = text
    if binary is not None:
        given["BinaryValue"] = binary
    return {"Message": "m", "MessageAttributes": {"attr1": given}}


def named(name: str) -> dict[str, Any]:
    return {"Message": "m", "MessageAttributes": {name: {"DataType": "String", "StringValue": "v"}}}


EMPTY = "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type"
PREFIX = (
    "The message attribute 'attr1' has an invalid message attribute type, the set of supported type prefixes is "
    "Binary, Number, and String."
)
REFUSED = [
    ({"Message": ""}, "Invalid parameter: Empty message"),
    ({"Message": "m", "Subject": ""}, "Invalid parameter: Subject"),
    ({"Message": "m", "Subject": "a\nb"}, "Invalid parameter: Subject"),
    ({"Message": "m", "Subject": "x" * 101}, "Invalid parameter: Subject"),
    ({"Message": "m", "MessageStructure": "xml"}, "Invalid parameter: MessageStructure"),
    (
        {"Message": "{nope", "MessageStructure": "json"},
        "Invalid parameter: Message Structure - JSON message body failed to parse",
    ),
    (
        {"Message": '{"sqs": "x"}', "MessageStructure": "json"},
        "Invalid parameter: Message Structure - No default entry in JSON message body",
    ),
    (
        {"Message": '{"default": {"a": 1}}', "MessageStructure": "json"},
        "Invalid parameter: Message Structure - No default entry in JSON message body",
    ),
    (attribute("String"), f"{EMPTY} 'String'."),
    (attribute("String", ""), f"{EMPTY} 'String'."),
    (attribute("Binary", binary=b""), f"{EMPTY} 'Binary'."),
    (attribute("String", binary=b"x"), "The message attribute 'attr1' with type 'String' must use field 'String'."),
    (attribute("Number", binary=b"1"), "The message attribute 'attr1' with type 'Number' must use field 'String'."),
    (attribute("Binary", "x"), "The message attribute 'attr1' with type 'Binary' must use field 'Binary'."),
    (attribute("Number", "many"), "Could not cast message attribute 'attr1' value to number."),
    (attribute("InvalidType", "x"), PREFIX),
    (attribute("StringPrefixed", "x"), PREFIX),
    (named("a" * 256), "Length of message attribute name must be less than 256 bytes."),
    (
        named("a^b"),
        (
            "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include "
            "alphanumeric characters, hyphens, underscores, or dots."
        ),
    ),
    (named(".a"), "Invalid message attribute name starting with character '.' was found."),
    (named("a."), "Invalid message attribute name ending with character '.' was found."),
    (named("a..b"), "Message attribute name can not have successive '.' character."),
]


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ServiceError) as refusal:
        messages.draft(given, "")
    assert refusal.value.message == sentence


TAKEN = [
    attribute("String.label", "x"),
    attribute("String.Array", '["a", 1, true, null]'),
    attribute("Number", "-1.5e3"),
    attribute("Number", "007"),
    attribute("Number.int", "1"),
    attribute("Binary", binary=b"\x02\x03"),
    named("a.b-c_D9"),
    {"Message": "m", "Subject": "x" * 100},
]


@pytest.mark.parametrize("given", TAKEN)
def test_taken(given: dict[str, Any]) -> None:
    assert messages.draft(given, "").message == "m"


def test_each_protocol_gets_its_own_text() -> None:
    """Publish: keys that are no protocols, and values that are no strings, are ignored."""
    message = '{"default": "d", "sqs": "for queues", "http": 1, "pigeon": "p"}'
    draft = messages.draft({"Message": message, "MessageStructure": "json"}, "")
    published = Published(Kind.NOTIFICATION, "arn", "id", 0, "", draft.texts)
    assert [published.text_for(protocol) for protocol in ("sqs", "http", "lambda")] == ["for queues", "d", "d"]


def test_the_log_keeps_everything() -> None:
    draft = messages.draft({**attribute("Binary", binary=b"\x00\xff"), "Subject": "s"}, "Root=1")
    published = Published(Kind.NOTIFICATION, "arn", "id", 5, "m", {}, "s", draft.attributes, "g", "d", "1", "Root=1")
    assert Published.from_bytes(published.to_bytes()) == published


FOR_TOPIC = [
    ({"Message": "x" * 262_145}, {}, "Invalid parameter: Message too long"),
    (
        {**named("n" * 10), "Message": "x" * 262_140},
        {},
        "Invalid parameter: Message too long",
    ),
    ({"Message": "x" * 1_025}, {"MaximumMessageSize": "1024"}, "Invalid parameter: Message too long"),
    (
        {"Message": "m", "MessageDeduplicationId": "d"},
        {},
        (
            "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
            "that is not valid for this topic type"
        ),
    ),
    (
        {"Message": "m"},
        {"FifoTopic": "true"},
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
    ),
    (
        {"Message": "m", "MessageGroupId": "g"},
        {"FifoTopic": "true"},
        (
            "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        ),
    ),
]


@pytest.mark.parametrize(("given", "attributes", "sentence"), FOR_TOPIC)
def test_refused_by_a_topic(given: dict[str, Any], attributes: dict[str, str], sentence: str) -> None:
    with pytest.raises(ServiceError) as refusal:
        messages.check_for_topic(messages.draft(given, ""), topic(**attributes))
    assert refusal.value.message == sentence


def test_large_messages_where_the_topic_takes_them() -> None:
    large = messages.draft({"Message": "x" * 1_048_576}, "")
    messages.check_for_topic(large, topic(MaximumMessageSize="1048576"))


def test_the_hash_of_the_content_is_that_of_sha256() -> None:
    draft = messages.draft({"Message": "Test", "MessageGroupId": "g"}, "")
    assert messages.deduplication_id(draft) == "532eaabd9574880dbf76b9b8cc00832c20a6ec113d682299550d7a6e0f345e25"
