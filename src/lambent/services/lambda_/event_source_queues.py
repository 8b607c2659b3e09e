"""Event source mappings over queues: which of a mapping's parameters they have, and how Lambda shows them.

"Lambda parameters for Amazon SQS event source mappings",
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html. How long a batch is retried is the queue's
business: its visibility timeout and redrive policy.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_source_mappings import EventSourceMapping, Options, StartingPosition, check_filters

Document = dict[str, Any]

REPORT_ITEM_FAILURES = "ReportBatchItemFailures"

DEFAULT_BATCH = 10
#: "For standard queues, up to 10,000; for FIFO queues, 10."
MAX_BATCH = 10_000
MAX_FIFO_BATCH = 10
#: A larger batch needs a window to be gathered in.
MAX_BATCH_WITHOUT_WINDOW = 10

MIN_CONCURRENCY, MAX_CONCURRENCY = 2, 1_000

_OF_STREAMS = (
    "StartingPosition",
    "StartingPositionTimestamp",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
    "DestinationConfig",
)
_OF_OTHERS = (
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
    "Queues",
)
#: What belongs to queues and is not there.
_NOT_SERVED = ("ProvisionedPollerConfig", "KMSKeyArn", "MetricsConfig", "LoggingConfig")


def is_queue(source_arn: str) -> bool:
    return source_arn.startswith("arn:") and source_arn.split(":", 3)[2:3] == ["sqs"]


def new_options(request: Mapping[str, Any]) -> Options:
    """Of a CreateEventSourceMapping. Raises InvalidParameterValue."""
    # A queue has no positions; the row wants some.
    return changed_options(Options(StartingPosition.TRIM_HORIZON, batch_size=DEFAULT_BATCH), request)


def changed_options(current: Options, request: Mapping[str, Any]) -> Options:
    """`current` with what the request says. Raises InvalidParameterValue."""
    if request.get("StartingPosition"):
        raise InvalidParameterValue("StartingPosition is not valid for SQS event sources.")
    for member in (*_OF_STREAMS, *_OF_OTHERS):
        if request.get(member):
            raise InvalidParameterValue(f"Unsupported {member} parameter for given event source mapping type.")
    for member in _NOT_SERVED:
        if request.get(member):
            raise InvalidParameterValue(f"{member} is not served: leave it out.")
    changes: dict[str, Any] = {}
    if request.get("BatchSize") is not None:
        changes["batch_size"] = request["BatchSize"]
    if request.get("MaximumBatchingWindowInSeconds") is not None:
        changes["batching_window_seconds"] = request["MaximumBatchingWindowInSeconds"]
    if request.get("FilterCriteria") is not None:
        filters = request["FilterCriteria"].get("Filters") or ()
        changes["filters"] = tuple(one.get("Pattern") or "" for one in filters)
    if request.get("FunctionResponseTypes") is not None:
        changes["reports_item_failures"] = REPORT_ITEM_FAILURES in request["FunctionResponseTypes"]
    if request.get("ScalingConfig") is not None:
        changes["maximum_concurrency"] = request["ScalingConfig"].get("MaximumConcurrency") or 0
    return replace(current, **changes)


def check_options(options: Options, source_arn: str) -> None:
    """Raises InvalidParameterValue in AWS's words where we know them."""
    is_fifo = source_arn.endswith(".fifo")
    size, window = options.batch_size, options.batching_window_seconds
    largest = MAX_FIFO_BATCH if is_fifo else MAX_BATCH
    if size > largest:
        raise InvalidParameterValue(
            f"Maximum batch size of a {'FIFO' if is_fifo else 'standard'} queue is {largest}, not {size}."
        )
    if is_fifo and window:
        raise InvalidParameterValue("Batching window is not supported for FIFO queues.")
    if size > MAX_BATCH_WITHOUT_WINDOW and not window:
        raise InvalidParameterValue(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than "
            f"{MAX_BATCH_WITHOUT_WINDOW}"
        )
    concurrency = options.maximum_concurrency
    if concurrency and not MIN_CONCURRENCY <= concurrency <= MAX_CONCURRENCY:
        raise InvalidParameterValue(
            f"MaximumConcurrency must be between {MIN_CONCURRENCY} and {MAX_CONCURRENCY}, not {concurrency}."
        )
    check_filters(options.filters)


def check_timeouts(*, queue_seconds: int, function_seconds: int) -> None:
    """Raises InvalidParameterValue: a message must not come back while it is still being handled."""
    if queue_seconds < function_seconds:
        raise InvalidParameterValue(
            f"Queue visibility timeout: {queue_seconds} seconds is less than Function timeout: {function_seconds} "
            "seconds"
        )


def describe_mapping(mapping: EventSourceMapping) -> Document:
    """An EventSourceMappingConfiguration."""
    options = mapping.options
    document: Document = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": mapping.arn,
        "EventSourceArn": mapping.source_arn,
        "FunctionArn": mapping.function_arn,
        "LastModified": mapping.modified_ms / 1000,
        "State": mapping.state.value,
        "StateTransitionReason": "USER_INITIATED",
        "BatchSize": options.batch_size,
        "MaximumBatchingWindowInSeconds": options.batching_window_seconds,
        "FunctionResponseTypes": [REPORT_ITEM_FAILURES] if options.reports_item_failures else [],
    }
    if options.filters:
        document["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in options.filters]}
    if options.maximum_concurrency:
        document["ScalingConfig"] = {"MaximumConcurrency": options.maximum_concurrency}
    return document
