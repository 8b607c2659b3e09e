"""Event notifications: who hears of a change, and the event they receive.

A put, copy, completed upload or delete appends one `ChangeRecord` to the log "s3" in the transaction that makes the
change visible. The consumer of that log asks `matching` which configurations the change fits and hands each function,
queue or topic the document that `event` builds, and the account's event bus the one of `bus_detail`. What a bucket may
be configured with is decided in `notification_rules.py`.

The structure is the one of "Event message structure" in the S3 user guide. We write version 2.1, the version all
consumers know for created and removed objects; the later ones only add members for events we do not emit. When a
configuration is put, S3 sends an `s3:TestEvent` to its topics and queues, never to functions.
"""

import functools
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Self
from urllib.parse import quote_plus

import orjson

from lambent.kit import trace
from lambent.kit.frozen import frozen

EVENT_VERSION = "2.1"
SCHEMA_VERSION = "1.0"
LOG = "s3"

CREATED_PUT = "ObjectCreated:Put"
CREATED_COPY = "ObjectCreated:Copy"
CREATED_COMPLETE_UPLOAD = "ObjectCreated:CompleteMultipartUpload"
REMOVED_DELETE = "ObjectRemoved:Delete"

_CONFIGURATIONS_CACHED = 1024


@frozen
class ChangeRecord:
    """One change of one object, with everything about the request that the event tells."""

    event_name: str
    """Without the `s3:` of configurations, as events carry it: `ObjectCreated:Put`."""
    region: str
    time_ms: int
    bucket: str
    bucket_owner: str
    """Principal id of the bucket's owner."""
    key: str
    size: int
    etag: str
    """Without quotes. Size and etag say nothing for a removal."""
    sequencer: str
    principal_id: str
    source_ip: str
    request_id: str
    host_id: str
    version_id: str = ""
    requester: str = ""
    """Account id of whoever asked; "" for an anonymous caller."""
    owner: str = ""
    """Account id of the bucket's owner."""
    trace: str = ""
    """The trace header of the request; "" if it had none."""

    def to_bytes(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_bytes(cls, payload: bytes) -> Self:
        return cls(**orjson.loads(payload))

    @property
    def trace_header(self) -> str:
        """Of the chain that the change belongs to, or begins: never ""."""
        return self.trace or trace.begin(self.request_id, self.time_ms / 1000)

    @property
    def is_removal(self) -> bool:
        return self.event_name.startswith("ObjectRemoved:")


class TargetKind(Enum):
    """Values are the services in the targets' ARNs."""

    FUNCTION = "lambda"
    QUEUE = "sqs"
    TOPIC = "sns"


@frozen
class Notification:
    """One LambdaFunctionConfiguration, QueueConfiguration or TopicConfiguration of a bucket."""

    configuration_id: str
    target_arn: str
    events: tuple[str, ...]
    """As configured, `s3:ObjectCreated:*`."""
    prefix: str = ""
    suffix: str = ""
    has_filter: bool = False
    """Whether a Filter element was given: an empty one is shown again."""
    invocation_role: str = ""
    """Of the 2015 form; kept to be shown again, permissions are the function's own policy."""

    @property
    def kind(self) -> TargetKind:
        return TargetKind(self.target_arn.split(":", 3)[2])


@frozen
class NotificationConfiguration:
    targets: tuple[Notification, ...] = ()
    to_bus: bool = False
    """Whether the default event bus of the bucket's owner hears of every change."""

    def __bool__(self) -> bool:
        return bool(self.targets) or self.to_bus

    def to_text(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_text(cls, text: str) -> "NotificationConfiguration":
        return _parsed(text)


def matching(configuration: NotificationConfiguration, record: ChangeRecord) -> list[Notification]:
    """The configurations that want to hear of the change; overlap rules make it one per destination rule at most."""
    return [
        target
        for target in configuration.targets
        if record.key.startswith(target.prefix)
        and record.key.endswith(target.suffix)
        and any(covers(event, record.event_name) for event in target.events)
    ]


def covers(configured: str, event_name: str) -> bool:
    """Whether `s3:ObjectCreated:*` or `s3:ObjectCreated:Put` speaks of `ObjectCreated:Put`."""
    wanted = configured.removeprefix("s3:")
    return event_name.startswith(wanted[:-1]) if wanted.endswith("*") else wanted == event_name


def event(record: ChangeRecord, configuration_id: str) -> dict[str, Any]:
    """The document a function, queue or topic receives. A removal has neither size nor eTag."""
    described: dict[str, Any] = {"key": encode_key(record.key)}
    if not record.is_removal:
        described["size"] = record.size
        described["eTag"] = record.etag
    if record.version_id:
        described["versionId"] = record.version_id
    described["sequencer"] = record.sequencer
    return {
        "Records": [
            {
                "eventVersion": EVENT_VERSION,
                "eventSource": "aws:s3",
                "awsRegion": record.region,
                "eventTime": _iso_milliseconds(record.time_ms),
                "eventName": record.event_name,
                "userIdentity": {"principalId": record.principal_id},
                "requestParameters": {"sourceIPAddress": record.source_ip},
                "responseElements": {"x-amz-request-id": record.request_id, "x-amz-id-2": record.host_id},
                "s3": {
                    "s3SchemaVersion": SCHEMA_VERSION,
                    "configurationId": configuration_id,
                    "bucket": {
                        "name": record.bucket,
                        "ownerIdentity": {"principalId": record.bucket_owner},
                        "arn": f"arn:aws:s3:::{record.bucket}",
                    },
                    "object": described,
                },
            }
        ]
    }


def test_event(bucket: str, request_id: str, host_id: str, now_ms: int) -> dict[str, Any]:
    """What queues and topics receive when they are configured ("Event message structure")."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": _iso_milliseconds(now_ms),
        "Bucket": bucket,
        "RequestId": request_id,
        "HostId": host_id,
    }


#: Event name -> (detail-type, reason), https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
_BUS_EVENTS = {
    CREATED_PUT: ("Object Created", "PutObject"),
    CREATED_COPY: ("Object Created", "CopyObject"),
    CREATED_COMPLETE_UPLOAD: ("Object Created", "CompleteMultipartUpload"),
    REMOVED_DELETE: ("Object Deleted", "DeleteObject"),
}


def bus_detail(record: ChangeRecord) -> tuple[str, dict[str, Any]]:
    """(detail-type, detail) of the change on an event bus: the key stands in it as it is.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    detail_type, reason = _BUS_EVENTS[record.event_name]
    described: dict[str, Any] = {"key": record.key}
    if not record.is_removal:
        described |= {"size": record.size, "etag": record.etag}
    if record.version_id:
        described["version-id"] = record.version_id
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": record.bucket},
        "object": {**described, "sequencer": record.sequencer},
        "request-id": record.request_id,
        "requester": record.requester,
        "source-ip-address": record.source_ip,
        "reason": reason,
    }
    if record.is_removal:
        detail["deletion-type"] = "Permanently Deleted"
    return detail_type, detail


def encode_key(key: str) -> str:
    """Form encoding with slashes kept: `red flower.jpg` becomes `red+flower.jpg`."""
    return quote_plus(key, safe="/")


def _iso_milliseconds(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


@functools.lru_cache(_CONFIGURATIONS_CACHED)
def _parsed(text: str) -> NotificationConfiguration:
    document = orjson.loads(text)
    targets = (Notification(**{**target, "events": tuple(target["events"])}) for target in document["targets"])
    return NotificationConfiguration(tuple(targets), document["to_bus"])
