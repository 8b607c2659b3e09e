"""Queue attributes: what may be set, what is shown, and whether two sets of them mean the same queue.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from lambent.services import policies
from lambent.services.policy_conditions import InvalidPolicy
from lambent.services.sqs import queues
from lambent.services.sqs.errors import (
    InvalidAttributeName,
    InvalidAttributeValue,
    invalid_parameter,
    unknown_attribute,
)
from lambent.services.sqs.queues import Queue, QueueKey

#: The range of redrive policies, "maxReceiveCount", in the developer guide.
MAX_RECEIVES = 1_000
MAX_SOURCE_QUEUES = 10

#: Shown, never set.
COMPUTED = frozenset(
    {
        "QueueArn",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    }
)
_RANGES: Mapping[str, tuple[int, int]] = {
    "VisibilityTimeout": (0, queues.MAX_VISIBILITY_SECONDS),
    "DelaySeconds": (0, queues.MAX_DELAY_SECONDS),
    "MaximumMessageSize": (1_024, queues.MAX_MESSAGE_BYTES),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "FifoQueue": ("true", "false"),
    "ContentBasedDeduplication": ("true", "false"),
    "SqsManagedSseEnabled": ("true", "false"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
_FIFO_ONLY = frozenset({"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})
_DOCUMENTS = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"})
KNOWN = COMPUTED | _RANGES.keys() | _CHOICES.keys() | _DOCUMENTS

_DEFAULTS: Mapping[str, str] = {
    "VisibilityTimeout": "30",
    "DelaySeconds": "0",
    "MaximumMessageSize": str(queues.MAX_MESSAGE_BYTES),
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}
_FIFO_DEFAULTS: Mapping[str, str] = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}

_INTEGER = re.compile(r"[0-9]{1,9}\Z")

FindQueue = Callable[[QueueKey], Queue | None]


def check_new(key: QueueKey, given: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a queue to be created, as they are kept. Raises ServiceError."""
    is_fifo = given.get("FifoQueue") == "true"
    queues.check_name(key.name, is_fifo=is_fifo)
    return changed({}, given, is_fifo=is_fifo)


def changed(current: Mapping[str, str], given: Mapping[str, str], *, is_fifo: bool) -> dict[str, str]:
    """The attributes after a change; a document is removed by setting it to "". Raises ServiceError."""
    for name, value in given.items():
        _check(name, value, is_fifo=is_fifo)
    attributes = {name: value for name, value in {**current, **given}.items() if value != ""}
    if given.get("KmsMasterKeyId"):
        if given.get("SqsManagedSseEnabled") == "true":
            raise InvalidAttributeName(
                "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or "
                "SQS SSE."
            )
        attributes["SqsManagedSseEnabled"] = "false"
    elif given.get("SqsManagedSseEnabled") == "true":
        attributes.pop("KmsMasterKeyId", None)
    if attributes.get("FifoThroughputLimit") == "perMessageGroupId" and (
        attributes.get("DeduplicationScope") != "messageGroup"
    ):
        raise InvalidAttributeValue(
            "Invalid value for the parameter FifoThroughputLimit. Reason: perMessageGroupId is allowed only when the "
            "value for DeduplicationScope is messageGroup."
        )
    return attributes


def refuse_change_of_kind(given: Mapping[str, str], *, is_fifo: bool) -> None:
    """FifoQueue is said at creation, once. (A standard queue does not know it.) Raises InvalidAttributeValue."""
    if is_fifo and given.get("FifoQueue", "true") != "true":
        raise InvalidAttributeValue(
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
        )


def _check(name: str, value: str, *, is_fifo: bool) -> None:
    if name not in KNOWN or name in COMPUTED:
        raise unknown_attribute(name)
    if name in _FIFO_ONLY and not is_fifo:
        if name == "FifoQueue" and value == "false":
            return
        raise unknown_attribute(name)
    if name in _RANGES:
        low, high = _RANGES[name]
        if not _INTEGER.match(value) or not low <= int(value) <= high:
            raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
    elif name in _CHOICES:
        if value not in _CHOICES[name]:
            raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
    elif value and name == "Policy":
        _check_policy(value)
    elif value and name == "RedrivePolicy":
        _check_redrive(value)
    elif value and name == "RedriveAllowPolicy":
        _check_redrive_allow(value)


def _check_policy(text: str) -> None:
    try:
        policies.parse(text)
    except InvalidPolicy as error:
        raise InvalidAttributeValue(f"Invalid value for the parameter Policy. Reason: {error}") from error


def _check_redrive(text: str) -> None:
    """One after the other, as AWS does."""
    document = _object(text)
    if document is None:
        raise InvalidAttributeValue(
            "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map."
        )
    for name in ("maxReceiveCount", "deadLetterTargetArn"):
        if name not in document:
            raise _bad_redrive(text, f"Redrive policy does not contain mandatory attribute: {name}.")
    receives = str(document["maxReceiveCount"])
    if not _INTEGER.match(receives) or not 1 <= int(receives) <= MAX_RECEIVES:
        raise _bad_redrive(
            text, f"Invalid value for maxReceiveCount: {receives}, valid values are from 1 to 1000 both inclusive."
        )
    target_arn = str(document["deadLetterTargetArn"])
    if queues.parse_arn(target_arn) is None:
        is_arn = target_arn.startswith("arn:")
        raise _bad_redrive(
            text,
            "Only SQS queues are valid resources for deadLetterTargetArn."
            if is_arn
            else "Invalid value for deadLetterTargetArn.",
        )
    if len(document) > 2:
        raise _bad_redrive(text, "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].")


def check_target(key: QueueKey, attributes: Mapping[str, str], find: FindQueue) -> None:
    """The dead-letter queue that a new redrive policy names. Raises InvalidParameterValue."""
    text = attributes["RedrivePolicy"]
    target_arn = orjson.loads(text)["deadLetterTargetArn"]
    target_key = queues.parse_arn(target_arn)
    assert target_key is not None
    if target_key.is_fifo != key.is_fifo:
        # Two full stops, at AWS as well.
        raise _bad_redrive(text, "Dead-letter queue must be same type of queue as the source..")
    target = find(target_key)
    if target is None:
        raise _bad_redrive(text, "Dead letter target does not exist.")
    if target_key[:2] != key[:2]:
        raise _bad_redrive(text, "Dead-letter queue must be in same account and same region as the source.")
    if not lets_redrive(target.attributes, key.arn):
        raise _bad_redrive(
            text, f"Queue does not have permission to use the specified dead-letter queue: {target_arn}."
        )


def _check_redrive_allow(text: str) -> None:
    document = _object(text)
    if document is None or not _has_form(document):
        raise InvalidAttributeValue(
            "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow "
            "policy, as it\N{RIGHT SINGLE QUOTATION MARK}s in an unsupported format."
        )
    sources = document.get("sourceQueueArns") or []
    reason = ""
    if document["redrivePermission"] != "byQueue" and sources:
        reason = "To specify one or more source queue ARNs, you must set redrivePermission to byQueue."
    elif document["redrivePermission"] == "byQueue" and not sources:
        reason = (
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values."
        )
    elif len(sources) > MAX_SOURCE_QUEUES:
        reason = f"The maximum number of source queue ARNs you can specify is {MAX_SOURCE_QUEUES}."
    if reason:
        raise invalid_parameter(
            "RedriveAllowPolicy", text[:500], f"Amazon SQS can't create the redrive allow policy. {reason}"
        )


def _has_form(redrive_allow: Mapping[str, Any]) -> bool:
    sources = redrive_allow.get("sourceQueueArns", [])
    return (
        redrive_allow.keys() <= {"redrivePermission", "sourceQueueArns"}
        and redrive_allow.get("redrivePermission") in ("allowAll", "denyAll", "byQueue")
        and isinstance(sources, list)
        and all(isinstance(arn, str) and queues.parse_arn(arn) for arn in sources)
    )


def lets_redrive(attributes: Mapping[str, str], source_arn: str) -> bool:
    """Whether a queue may be the dead-letter queue of that source."""
    text = attributes.get("RedriveAllowPolicy")
    if not text:
        return True
    policy = orjson.loads(text)
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source_arn in policy.get("sourceQueueArns", ()))


def _bad_redrive(text: str, reason: str) -> Exception:
    return invalid_parameter("RedrivePolicy", text[:500], reason)


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def shown(queue: Queue, counts: Mapping[str, int]) -> dict[str, str]:
    """All attributes of a queue; `counts` holds the three approximate numbers."""
    defaults = {**_DEFAULTS, **(_FIFO_DEFAULTS if queue.key.is_fifo else {})}
    attributes = {**defaults, **queue.attributes}
    attributes.pop("FifoQueue" if not queue.key.is_fifo else "", None)
    if "KmsMasterKeyId" in attributes:
        attributes.setdefault("KmsDataKeyReusePeriodSeconds", "300")
    return {
        **attributes,
        "QueueArn": queue.key.arn,
        "CreatedTimestamp": str(queue.created_ms // 1000),
        "LastModifiedTimestamp": str(queue.modified_ms // 1000),
        **{name: str(count) for name, count in counts.items()},
    }


def differing(queue: Queue, wanted: Mapping[str, str]) -> str:
    """The first attribute of a repeated CreateQueue that the queue has otherwise; "" if there is none."""
    present = shown(queue, {})
    for name, value in wanted.items():
        if not _mean_the_same(name, value, present.get(name, "")):
            return name
    return ""


def _mean_the_same(name: str, one: str, other: str) -> bool:
    if one == other or (name == "FifoQueue" and {one, other} == {"false", ""}):
        return True
    if name in _RANGES:
        return bool(other) and int(one) == int(other)
    if name in ("Policy", "RedrivePolicy", "RedriveAllowPolicy") and one and other:
        first, second = _object(one), _object(other)
        if name == "RedrivePolicy" and first and second:
            return {key: str(value) for key, value in first.items()} == {k: str(v) for k, v in second.items()}
        return first == second
    return False
