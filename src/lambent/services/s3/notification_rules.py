"""What a bucket's notification configuration may say, and what must not overlap.

Two configurations that share an event type must be told apart by their filters: refused are those whose prefixes
overlap (one begins the other; no prefix begins all) and whose suffixes overlap as well ("Configuring event
notifications using object key name filtering" in the S3 user guide, whose examples are the cases of the tests).
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lambent.kit.arn import Arn
from lambent.services.s3 import errors
from lambent.services.s3.notifications import Notification, NotificationConfiguration, TargetKind

MAX_ID_LENGTH = 255
MAX_FILTER_BYTES = 1024
#: S3 user guide, "Amazon S3 Event Notifications".
MAX_CONFIGURATIONS = 100

#: Event -> those we emit are ObjectCreated and ObjectRemoved; the others may be configured and never come.
_EVENTS = frozenset(
    {
        "s3:ReducedRedundancyLostObject",
        "s3:ObjectCreated:*",
        "s3:ObjectCreated:Put",
        "s3:ObjectCreated:Post",
        "s3:ObjectCreated:Copy",
        "s3:ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectRemoved:*",
        "s3:ObjectRemoved:Delete",
        "s3:ObjectRemoved:DeleteMarkerCreated",
        "s3:ObjectRestore:*",
        "s3:ObjectRestore:Post",
        "s3:ObjectRestore:Completed",
        "s3:ObjectRestore:Delete",
        "s3:Replication:*",
        "s3:Replication:OperationFailedReplication",
        "s3:Replication:OperationNotTracked",
        "s3:Replication:OperationMissedThreshold",
        "s3:Replication:OperationReplicatedAfterThreshold",
        "s3:LifecycleTransition",
        "s3:IntelligentTiering",
        "s3:ObjectAcl:Put",
        "s3:LifecycleExpiration:*",
        "s3:LifecycleExpiration:Delete",
        "s3:LifecycleExpiration:DeleteMarkerCreated",
        "s3:ObjectTagging:*",
        "s3:ObjectTagging:Put",
        "s3:ObjectTagging:Delete",
    }
)

MakeId = Callable[[], str]


#: Of each kind: member of today's form, member of its ARN, member of the form of 2015 and of its ARN there.
_FORMS = {
    TargetKind.FUNCTION: (
        "LambdaFunctionConfigurations", "LambdaFunctionArn", "CloudFunctionConfiguration", "CloudFunction",
    ),
    TargetKind.QUEUE: ("QueueConfigurations", "QueueArn", "QueueConfiguration", "Queue"),
    TargetKind.TOPIC: ("TopicConfigurations", "TopicArn", "TopicConfiguration", "Topic"),
}  # fmt: skip


def parse(document: Mapping[str, Any], make_id: MakeId) -> NotificationConfiguration:
    """A NotificationConfiguration as put today. Raises InvalidArgument."""
    given = [
        _notification(entry, kind, entry.get(arn, ""), make_id)
        for kind, (member, arn, _, _) in _FORMS.items()
        for entry in document.get(member) or ()
    ]
    return _checked(given, to_bus=document.get("EventBridgeConfiguration") is not None)


def parse_2015(document: Mapping[str, Any], make_id: MakeId) -> NotificationConfiguration:
    """The form of PutBucketNotification: one configuration of each kind. Raises InvalidArgument."""
    given = []
    for kind, (_, _, member, arn) in _FORMS.items():
        entry = document.get(member)
        if not entry:
            continue
        events = list(entry.get("Events") or ())
        if entry.get("Event") and entry["Event"] not in events:
            events.append(entry["Event"])
        given.append(_notification({**entry, "Events": events}, kind, entry.get(arn, ""), make_id))
    return _checked(given, to_bus=False)


def to_document(configuration: NotificationConfiguration) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for target in configuration.targets:
        member, arn, _, _ = _FORMS[target.kind]
        document.setdefault(member, []).append(_shown(target, arn))
    if configuration.to_bus:
        document["EventBridgeConfiguration"] = {}
    return document


def to_document_2015(configuration: NotificationConfiguration) -> dict[str, Any]:
    """The first configuration of each kind; the old form has no room for more."""
    document: dict[str, Any] = {}
    for target in reversed(configuration.targets):
        _, _, member, arn = _FORMS[target.kind]
        shown = {
            "Id": target.configuration_id,
            "Event": target.events[0],
            "Events": list(target.events),
            arn: target.target_arn,
        }
        if target.invocation_role:
            shown["InvocationRole"] = target.invocation_role
        document[member] = shown
    return document


def _notification(entry: Mapping[str, Any], kind: TargetKind, target_arn: str, make_id: MakeId) -> Notification:
    events = tuple(entry.get("Events") or ())
    if not events:
        raise errors.InvalidArgument("A notification configuration must name at least one event.", name="Event")
    for event in events:
        if event not in _EVENTS:
            raise errors.InvalidArgument(
                "A specified event is not supported for notifications.", name="Event", value=event
            )
    configuration_id = entry.get("Id") or make_id()
    if len(configuration_id) > MAX_ID_LENGTH:
        raise errors.InvalidArgument(f"Id must not be longer than {MAX_ID_LENGTH} characters.", name="Id")
    prefix, suffix = _filter((entry.get("Filter") or {}).get("Key") or {})
    return Notification(
        configuration_id=configuration_id,
        target_arn=_target_arn(target_arn, kind),
        events=events,
        prefix=prefix,
        suffix=suffix,
        has_filter=entry.get("Filter") is not None,
        invocation_role=entry.get("InvocationRole", ""),
    )


def _target_arn(text: str, kind: TargetKind) -> str:
    """Raises InvalidArgument. FIFO queues and topics cannot be told by S3 ("Supported event destinations")."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        arn = None
    is_function = kind is TargetKind.FUNCTION
    if arn is None or arn.service != kind.value or arn.resource.startswith("function:") != is_function:
        raise errors.InvalidArgument("The ARN is not well formed", name=_FORMS[kind][3], value=text)
    if not is_function and arn.resource.endswith(".fifo"):
        raise errors.InvalidArgument(
            "Unable to validate the following destination configurations", name=text, value="FIFO is not supported"
        )
    return text


def _filter(key: Mapping[str, Any]) -> tuple[str, str]:
    found: dict[str, str] = {}
    for rule in key.get("FilterRules") or ():
        name, value = rule.get("Name", "").lower(), rule.get("Value", "")
        if name not in ("prefix", "suffix"):
            raise errors.InvalidArgument(
                "filter rule name must be either prefix or suffix", name="FilterRule.Name", value=rule.get("Name", "")
            )
        if name in found:
            raise errors.InvalidArgument(
                f"Cannot specify more than one {name} rule in a filter.", name="FilterRule.Name", value=name
            )
        if len(value.encode()) > MAX_FILTER_BYTES:
            raise errors.InvalidArgument(
                f"Size of filter rule value cannot exceed {MAX_FILTER_BYTES} bytes in UTF-8 format",
                name="FilterRule.Value",
            )
        found[name] = value
    return found.get("prefix", ""), found.get("suffix", "")


def _checked(targets: Sequence[Notification], *, to_bus: bool) -> NotificationConfiguration:
    if len(targets) > MAX_CONFIGURATIONS:
        raise errors.InvalidArgument(f"A bucket can have at most {MAX_CONFIGURATIONS} notification configurations.")
    if len({target.configuration_id for target in targets}) < len(targets):
        raise errors.InvalidArgument("Same ID used for multiple configurations. IDs must be unique.", name="Id")
    for one, other in itertools.combinations(targets, 2):
        _check_apart(one, other)
    return NotificationConfiguration(tuple(targets), to_bus)


def _check_apart(one: Notification, other: Notification) -> None:
    """Raises InvalidArgument with the sentence AWS has for the case."""
    if not any(_share(left, right) for left in one.events for right in other.events):
        return
    prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    suffixes = one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix)
    if not (prefixes and suffixes):
        return
    if not (one.prefix or one.suffix or other.prefix or other.suffix):
        raise errors.InvalidArgument(
            "Configurations overlap. Configurations on the same bucket cannot share a common event type."
        )
    raise errors.InvalidArgument(
        "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
        "overlapping for the same event type."
    )


def _share(one: str, other: str) -> bool:
    """Whether two configured events have an event in common; `*` stands at the end only."""
    if one.endswith("*"):
        return other.startswith(one[:-1])
    return other == one or (other.endswith("*") and one.startswith(other[:-1]))


def _shown(target: Notification, arn: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Id": target.configuration_id,
        arn: target.target_arn,
        "Events": list(target.events),
    }
    if target.invocation_role:
        shown["InvocationRole"] = target.invocation_role
    if target.has_filter:
        values = (("Prefix", target.prefix), ("Suffix", target.suffix))
        rules = [{"Name": name, "Value": value} for name, value in values if value]
        shown["Filter"] = {"Key": {"FilterRules": rules}}
    return shown
