"""Messages: what Publish is given, and what stands in the log from then on.

`draft` checks what can be checked without the topic, `check_for_topic` the rest, in the transaction that publishes.
Publish in the API reference has the rules.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Self

import orjson

from lambent.kit.frozen import frozen
from lambent.services.sns import message_attributes
from lambent.services.sns.errors import InvalidParameter
from lambent.services.sns.message_attributes import MessageAttribute
from lambent.services.sns.topics import Topic

#: The log that `delivery.topics` consumes.
LOG = "sns"

#: "less than 100 characters long"; AWS takes 100.
MAX_SUBJECT = 100
_MAX_ID = 128
_ID_CHARACTERS = frozenset(chr(code) for code in range(0x21, 0x7F))

_PROTOCOLS = frozenset(("lambda", "sqs", "http", "https", "email", "email-json", "sms", "application", "firehose"))


class Kind(Enum):
    """Also the `Type` in the documents that subscribers get."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION_CONFIRMATION = "SubscriptionConfirmation"
    UNSUBSCRIBE_CONFIRMATION = "UnsubscribeConfirmation"


@frozen
class Draft:
    """A message before its topic has taken it."""

    message: str
    texts: Mapping[str, str]
    """By protocol, with one for `default`; empty if all get `message`."""
    subject: str
    attributes: Mapping[str, MessageAttribute]
    group_id: str
    deduplication_id: str
    trace: str = ""

    @property
    def size(self) -> int:
        """In bytes, as limits count it."""
        attributes = sum(len(name.encode()) + one.size for name, one in self.attributes.items())
        return len(self.message.encode()) + attributes


@frozen
class Published:
    """One record of the log: a message for all subscribers, or a request to one of them."""

    kind: Kind
    topic_arn: str
    message_id: str
    time_ms: int
    message: str
    texts: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""
    attributes: Mapping[str, MessageAttribute] = field(default_factory=dict)
    group_id: str = ""
    deduplication_id: str = ""
    sequence_number: str = ""
    """FIFO topics only."""
    trace: str = ""
    subscription_arn: str = ""
    """Of the one that is asked for confirmation."""
    token: str = ""

    def text_for(self, protocol: str) -> str:
        return self.texts.get(protocol, self.texts.get("default", self.message)) if self.texts else self.message

    def to_bytes(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        document = orjson.loads(data)
        attributes = {name: MessageAttribute(**one) for name, one in document.pop("attributes").items()}
        return cls(**{**document, "kind": Kind(document["kind"]), "attributes": attributes})


def draft(given: Mapping[str, Any], trace: str) -> Draft:
    """Of a Publish request or an entry of a batch. Raises InvalidParameter, InvalidParameterValue."""
    message: str = given["Message"]
    if not message:
        raise InvalidParameter("Empty message")
    subject = given.get("Subject")
    if subject is not None:
        check_subject(subject)
    attributes = message_attributes.parse(given.get("MessageAttributes") or {})
    texts = _structure(message, given.get("MessageStructure", ""))
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if name in given:
            _check_id(name, given[name])
    return Draft(
        message,
        texts,
        subject or "",
        attributes,
        given.get("MessageGroupId", ""),
        given.get("MessageDeduplicationId", ""),
        trace,
    )


def check_subject(subject: str) -> None:
    """Raises InvalidParameter."""
    if not subject or len(subject) > MAX_SUBJECT or any(ord(one) < 0x20 or ord(one) == 0x7F for one in subject):
        raise InvalidParameter("Subject")


def check_for_topic(draft: Draft, topic: Topic) -> None:
    """Raises InvalidParameter."""
    if draft.size > topic.max_message_bytes:
        raise InvalidParameter("Message too long")
    if not topic.is_fifo:
        if draft.deduplication_id:
            raise InvalidParameter(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not "
                "valid for this topic type"
            )
        return
    if not draft.group_id:
        raise InvalidParameter("The MessageGroupId parameter is required for FIFO topics")
    if not draft.deduplication_id and topic.attribute("ContentBasedDeduplication") != "true":
        raise InvalidParameter(
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly"
        )


def deduplication_id(draft: Draft) -> str:
    """Its own, or a hash "using the body of the message (but not the attributes of the message)"."""
    return draft.deduplication_id or hashlib.sha256(draft.message.encode()).hexdigest()


def sequence_number(number: int) -> str:
    """Twenty digits, as AWS's have; `number` counts the messages of a topic from 1."""
    return str(10**19 + number * 1_000)


def _structure(message: str, structure: str) -> dict[str, str]:
    if not structure:
        return {}
    if structure != "json":
        raise InvalidParameter("MessageStructure")
    try:
        document = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise InvalidParameter("Message Structure - JSON message body failed to parse") from error
    texts = document if isinstance(document, dict) else {}
    if not isinstance(texts.get("default"), str):
        raise InvalidParameter("Message Structure - No default entry in JSON message body")
    return {key: text for key, text in texts.items() if key in (*_PROTOCOLS, "default") and isinstance(text, str)}


def _check_id(name: str, value: str) -> None:
    if not 0 < len(value) <= _MAX_ID or not _ID_CHARACTERS.issuperset(value):
        raise InvalidParameter(f"{name} Reason: {name} can only include alphanumeric and punctuation characters. "
                               f"1 to {_MAX_ID} in length")  # fmt: skip
