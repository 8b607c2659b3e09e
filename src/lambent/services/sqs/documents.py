"""Messages in AWS's spelling: as ReceiveMessage shows them, and what a send answers."""

import base64
from collections.abc import Collection, Mapping
from typing import Any

from lambent.services.sqs import contents, receipts
from lambent.services.sqs.contents import Attribute, Draft
from lambent.services.sqs.errors import unknown_attribute
from lambent.services.sqs.message_store import Received, Sent
from lambent.services.sqs.queues import Queue

Document = dict[str, Any]

#: Digits of a sequence number: "a 20-digit long, non-consecutive number" (API reference, SendMessage).
_SEQUENCE_BASE = 18_849_496_460_467_696_128

_SYSTEM_ATTRIBUTES = frozenset(
    {
        "All",
        "SenderId",
        "SentTimestamp",
        "ApproximateReceiveCount",
        "ApproximateFirstReceiveTimestamp",
        "SequenceNumber",
        "MessageDeduplicationId",
        "MessageGroupId",
        "AWSTraceHeader",
        "DeadLetterQueueSourceArn",
    }
)


def sequence_number(position: int) -> str:
    return str(_SEQUENCE_BASE + position)


def asked_system_attributes(request: Mapping[str, Any]) -> Collection[str]:
    """By the new name of the parameter and by the old one. Raises InvalidAttributeName."""
    names = {*(request.get("AttributeNames") or ()), *(request.get("MessageSystemAttributeNames") or ())}
    unknown = names - _SYSTEM_ATTRIBUTES
    if unknown:
        raise unknown_attribute(min(unknown))
    return names


def describe_sent(queue: Queue, draft: Draft, sent: Sent) -> Document:
    document: Document = {"MessageId": sent.message_id, "MD5OfMessageBody": sent.body_md5}
    if draft.attributes:
        document["MD5OfMessageAttributes"] = contents.attributes_md5(draft.attributes)
    if draft.shows_trace:
        traced = {contents.TRACE_HEADER: Attribute("String", draft.trace)}
        document["MD5OfMessageSystemAttributes"] = contents.attributes_md5(traced)
    if queue.key.is_fifo:
        document["SequenceNumber"] = sequence_number(sent.position)
    return document


def describe_received(queue: Queue, message: Received, *, system: Collection[str], names: Collection[str]) -> Document:
    """`system` and `names` are the attributes that were asked for."""
    document: Document = {
        "MessageId": message.message_id,
        "ReceiptHandle": receipts.write(message.receipt(queue.box_id)),
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    if system:
        shown = system_attributes(queue, message)
        if "All" not in system:
            shown = {name: value for name, value in shown.items() if name in system}
        if shown:
            document["Attributes"] = shown
    chosen = contents.chosen(message.details.attributes, names) if names else {}
    if chosen:
        document["MessageAttributes"] = {name: _attribute(one) for name, one in chosen.items()}
        document["MD5OfMessageAttributes"] = contents.attributes_md5(chosen)
    return document


def system_attributes(queue: Queue, message: Received) -> dict[str, str]:
    """All there are of a message."""
    details = message.details
    shown = {
        "SenderId": details.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.first_ms),
        "ApproximateReceiveCount": str(message.receive_count),
        "SentTimestamp": str(message.sent_ms),
    }
    if queue.key.is_fifo:
        shown["SequenceNumber"] = sequence_number(message.position)
    optional = {
        "MessageGroupId": details.group_id,
        "MessageDeduplicationId": details.deduplication_id,
        "AWSTraceHeader": details.trace,
        "DeadLetterQueueSourceArn": details.dead_letter_source,
    }
    return {**shown, **{name: value for name, value in optional.items() if value}}


def _attribute(attribute: Attribute) -> Document:
    if attribute.is_binary:
        return {"BinaryValue": base64.b64decode(attribute.value), "DataType": attribute.data_type}
    return {"StringValue": attribute.value, "DataType": attribute.data_type}
