"""Event source mappings in AWS's spelling: requests as our options, mappings as Lambda shows them.

Members and their defaults as AWS answers them were recorded for table streams: `DestinationConfig` with an empty
`OnFailure`, -1 for what has no end, no `FilterCriteria` where there is none.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lambent.services.lambda_ import event_source_members, event_source_queues
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_source_mappings import EventSourceMapping, Options, StartingPosition

Document = dict[str, Any]

#: Member -> field of Options, where the value is taken as it is.
_PLAIN = {
    "BisectBatchOnFunctionError": "bisects",
    "MaximumRetryAttempts": "max_retries",
    "MaximumRecordAgeInSeconds": "max_record_age_seconds",
    "ParallelizationFactor": "parallelization",
    "TumblingWindowInSeconds": "tumbling_window_seconds",
}

#: Members that belong to sources which are not served, or ask for what is not there.
_REFUSED = {
    "SelfManagedEventSource": "Self-managed Apache Kafka is not served as an event source.",
    "SelfManagedKafkaEventSourceConfig": "Apache Kafka is not served as an event source.",
    "AmazonManagedKafkaEventSourceConfig": "Amazon MSK is not served as an event source.",
    "DocumentDBEventSourceConfig": "Amazon DocumentDB is not served as an event source.",
    "SourceAccessConfigurations": "SourceAccessConfigurations are not for streams.",
    "Topics": "Topics are for Apache Kafka, which is not served as an event source.",
    "Queues": "Queues are for Amazon MQ, which is not served as an event source.",
    "ScalingConfig": "ScalingConfig is for Amazon SQS event sources.",
    "ProvisionedPollerConfig": "ProvisionedPollerConfig is for Apache Kafka and Amazon SQS event sources.",
    "LoggingConfig": "LoggingConfig is for Apache Kafka event sources.",
}


def new_options(request: Mapping[str, Any]) -> Options:
    """Of a CreateEventSourceMapping. Raises InvalidParameterValue."""
    if event_source_queues.is_queue(request.get("EventSourceArn") or ""):
        return event_source_queues.new_options(request)
    position = request.get("StartingPosition")
    if not position:
        raise InvalidParameterValue(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    timestamp = request.get("StartingPositionTimestamp")
    options = Options(
        starting_position=StartingPosition(position),
        starting_timestamp_ms=None if timestamp is None else round(timestamp * 1000),
    )
    return changed_options(options, request)


def changed_options(current: Options, request: Mapping[str, Any]) -> Options:
    """`current` with what the request says. Raises InvalidParameterValue for what is not served."""
    for member, reason in _REFUSED.items():
        if request.get(member):
            raise InvalidParameterValue(reason)
    changes = event_source_members.changes(request)
    changes |= {name: request[member] for member, name in _PLAIN.items() if request.get(member) is not None}
    if request.get("DestinationConfig") is not None:
        changes["on_failure"] = _on_failure(request["DestinationConfig"])
    return replace(current, **changes)


def _on_failure(destinations: Mapping[str, Any]) -> str:
    if (destinations.get("OnSuccess") or {}).get("Destination"):
        raise InvalidParameterValue("Unsupported DestinationConfig parameter for given event source mapping type.")
    destination: str = (destinations.get("OnFailure") or {}).get("Destination") or ""
    return destination


def describe_mapping(mapping: EventSourceMapping) -> Document:
    """An EventSourceMappingConfiguration."""
    if event_source_queues.is_queue(mapping.source_arn):
        return event_source_queues.describe_mapping(mapping)
    options = mapping.options
    document: Document = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": mapping.arn,
        "EventSourceArn": mapping.source_arn,
        "FunctionArn": mapping.function_arn,
        "LastModified": mapping.modified_ms / 1000,
        "LastProcessingResult": mapping.last_result,
        "State": mapping.state.value,
        "StateTransitionReason": "User action",
        "StartingPosition": options.starting_position.value,
        "DestinationConfig": {"OnFailure": {"Destination": options.on_failure} if options.on_failure else {}},
        **event_source_members.describe(options),
        **{member: getattr(options, name) for member, name in _PLAIN.items()},
    }
    if options.starting_timestamp_ms is not None:
        document["StartingPositionTimestamp"] = options.starting_timestamp_ms / 1000
    return document
