"""Subscription filters: what one is, which destinations it may have, and the documents that are sent there.

Sources: Amazon CloudWatch Logs User Guide, "Real-time processing of log data with subscriptions"; the API reference of
PutSubscriptionFilter. Next: `subscription_store`; `delivery.log_subscriptions` sends.
"""

import base64
import gzip
import hashlib
import struct
from collections.abc import Callable, Sequence
from typing import Self

import orjson

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services.logs.chunks import EVENT_OVERHEAD_BYTES, LogEvent, event_id
from lambent.services.logs.errors import AccessDenied, InvalidParameter
from lambent.services.logs.names import GroupKey

#: "Each log group can have up to two subscription filters associated with it."
MAX_FILTERS = 2
#: Events of one message, as AWS counts their bytes: zipped and in base64 it stays below the 1 MB that a function's
#: asynchronous event may have and the 1 MiB of a stream's record, whatever is in it. One larger event goes alone.
MAX_MESSAGE_BYTES = 512 << 10
#: Messages that are sent in one transaction hold no more: what a shard of a stream takes in a second.
MAX_PORTION_BYTES = 1 << 20
#: The compression costs more than the rest; this level is a third of the time of the default for a tenth more bytes.
_GZIP_LEVEL = 3

BY_LOG_STREAM = "ByLogStream"
_VENDORS = ("lambda", "kinesis")


@frozen
class SubscriptionFilter:
    name: str
    pattern: str
    destination_arn: str
    role_arn: str
    distribution: str
    on_transformed: bool
    created_ms: int

    @property
    def vendor(self) -> str:
        """`lambda` or `kinesis`."""
        return Arn.parse(self.destination_arn).service


@frozen
class ChunkRecord:
    """A chunk in the log of its group: where to find it. What was deleted since is found no more."""

    stream_id: int
    first_ms: int
    position: int

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        return cls(*struct.unpack("<3q", data))

    def to_bytes(self) -> bytes:
        return struct.pack("<3q", self.stream_id, self.first_ms, self.position)


def log_name(group_id: int) -> str:
    """The log (`storage.log`) of a group's chunks."""
    return f"logs:{group_id}"


def check_destination(subscription: SubscriptionFilter, account_id: str) -> None:
    """`account_id`: the log group's. Raises InvalidParameter, AccessDenied; the sentences are AWS's."""
    try:
        vendor = subscription.vendor
    except ValueError as error:
        raise InvalidParameter("Invalid destinationArn") from error
    if vendor not in _VENDORS:
        raise InvalidParameter(f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {vendor}")
    if vendor == "lambda" and Arn.parse(subscription.destination_arn).account_id != account_id:
        raise AccessDenied(
            "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross "
            "account lambda triggers."
        )
    if vendor == "lambda" and subscription.role_arn:
        raise InvalidParameter("destinationArn for vendor lambda cannot be used with roleArn")
    if vendor == "kinesis" and not subscription.role_arn:
        raise InvalidParameter("destinationArn for vendor kinesis cannot be used without roleArn")


def unreachable(subscription: SubscriptionFilter) -> InvalidParameter:
    """What AWS says when the destination did not take its test message."""
    if subscription.vendor == "lambda":
        return InvalidParameter(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute "
            "your function."
        )
    return InvalidParameter(
        "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE "
        "state."
    )


@frozen
class Passage:
    """Events of one log stream, one after the other as they were committed."""

    stream: str
    events: Sequence[LogEvent]


def passages(chunks: Sequence[tuple[str, Sequence[LogEvent]]], keep: Callable[[bytes], bool] | None) -> list[Passage]:
    """(stream, events of a chunk) in order -> what to send, a message each: the events kept, bounded."""
    found: list[Passage] = []
    stream, gathered, size = "", list[LogEvent](), 0
    for name, events in chunks:
        for event in events:
            if keep is not None and not keep(event.message):
                continue
            cost = len(event.message) + EVENT_OVERHEAD_BYTES
            if gathered and (name != stream or size + cost > MAX_MESSAGE_BYTES):
                found.append(Passage(stream, gathered))
                gathered, size = [], 0
            stream = name
            gathered.append(event)
            size += cost
    return [*found, Passage(stream, gathered)] if gathered else found


def data_message(key: GroupKey, filter_name: str, passage: Passage) -> bytes:
    """The document, zipped: what a stream's record holds."""
    return _zipped(
        {
            "messageType": "DATA_MESSAGE",
            "owner": key.account_id,
            "logGroup": key.name,
            "logStream": passage.stream,
            "subscriptionFilters": [filter_name],
            "logEvents": [
                {
                    "id": event_id(event.place),
                    "timestamp": event.place.time_ms,
                    "message": event.message.decode("utf-8", "replace"),
                }
                for event in passage.events
            ],
        }
    )


def control_message(now_ms: int) -> bytes:
    """What a stream receives when it becomes a destination."""
    message = "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."
    return _zipped(
        {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [{"id": "", "timestamp": now_ms, "message": message}],
        }
    )


def function_event(zipped: bytes) -> bytes:
    """The event that a function receives."""
    return b'{"awslogs":{"data":"' + base64.b64encode(zipped) + b'"}}'


def partition_key(subscription: SubscriptionFilter, key: GroupKey, stream: str) -> str:
    """Of a stream's record: one shard for each log stream, or "" for any. Names are longer than keys may be."""
    if subscription.distribution != BY_LOG_STREAM:
        return ""
    return hashlib.sha256(f"{key.name}:{stream}".encode()).hexdigest()[:32]


def _zipped(document: dict[str, object]) -> bytes:
    return gzip.compress(orjson.dumps(document), _GZIP_LEVEL, mtime=0)
