"""Event source mappings over queues: which of a mapping's parameters they have, and how Lambda shows them.

"Lambda parameters for Amazon SQS event source mappings",
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html. How long a batch is retried is the queue's
business: its visibility timeout and redrive policy.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lambent.services.lambda_ import event_source_members
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_source_mappings import EventSourceMapping, Options, StartingPosition, check_filters

Document = dict[str, Any]

DEFAULT_BATCH = 10
#: "For standard queues, up to 10,000; for FIFO queues, 10."
MAX_BATCH = 10_000
MAX_FIFO_BATCH = 10
#: A larger batch needs a window to be gathered in.
MAX_BATCH_WITHOUT_WINDOW = 10

MIN_CONCURRENCY, MAX_CONCURRENCY = 2, 1_000

#: https://docs.aws.amazon.com/lambda/latest/api/API_ProvisionedPollerConfig.html: those of a queue. The model knows the
#: highest values, and the lowest ones of Apache Kafka.
MIN_POLLERS = 2
DEFAULT_MIN_POLLERS, DEFAULT_MAX_POLLERS = 2, 200

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
    "LoggingConfig",
)


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
    changes = event_source_members.changes(request)
    if request.get("ScalingConfig") is not None:
        changes["maximum_concurrency"] = request["ScalingConfig"].get("MaximumConcurrency") or 0
    if request.get("ProvisionedPollerConfig") is not None:
        changes |= _pollers(request["ProvisionedPollerConfig"])
    return replace(current, **changes)


def _pollers(config: Mapping[str, Any]) -> dict[str, int]:
    """An empty one ends the provisioned mode. Raises InvalidParameterValue."""
    if config.get("PollerGroupName"):
        raise InvalidParameterValue("PollerGroupName is for Apache Kafka event sources.")
    if not config:
        return {"minimum_pollers": 0, "maximum_pollers": 0}
    minimum = config.get("MinimumPollers")
    maximum = config.get("MaximumPollers")
    return {
        "minimum_pollers": DEFAULT_MIN_POLLERS if minimum is None else minimum,
        "maximum_pollers": DEFAULT_MAX_POLLERS if maximum is None else maximum,
    }


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
    _check_pollers(options)
    check_filters(options.filters)


def _check_pollers(options: Options) -> None:
    """Provisioned mode and maximum concurrency exclude each other.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    """
    minimum, maximum = options.minimum_pollers, options.maximum_pollers
    if not maximum:
        return
    if options.maximum_concurrency:
        raise InvalidParameterValue(
            "ScalingConfig and ProvisionedPollerConfig cannot be used at the same time: empty the one to use the other."
        )
    for name, value in (("MinimumPollers", minimum), ("MaximumPollers", maximum)):
        if value < MIN_POLLERS:
            raise InvalidParameterValue(f"{name} of an Amazon SQS event source must be at least {MIN_POLLERS}.")
    if minimum > maximum:
        raise InvalidParameterValue(f"MinimumPollers ({minimum}) must not be greater than MaximumPollers ({maximum}).")


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
        **event_source_members.describe(options),
    }
    if options.maximum_concurrency:
        document["ScalingConfig"] = {"MaximumConcurrency": options.maximum_concurrency}
    if options.maximum_pollers:
        document["ProvisionedPollerConfig"] = {
            "MinimumPollers": options.minimum_pollers,
            "MaximumPollers": options.maximum_pollers,
        }
    return document
