"""Event source mappings: what one is, what may be asked of it, and the states it goes through.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html and "Lambda parameters for Amazon
DynamoDB event source mappings", https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html. Ranges that the
service model knows have been refused by the wire layer. What reads the source is `delivery.event_source_mappings`.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum

import orjson

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services import event_patterns
from lambent.services.event_pattern_values import InvalidPattern
from lambent.services.lambda_ import destination_arns, event_invoke
from lambent.services.lambda_.errors import InvalidParameterValue, ResourceInUse

#: Announced by every commit that changes what a mapping is to do.
TOPIC = "event_source_mapping"

#: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html: five, ten with a raised quota.
MAX_FILTERS = 10

#: All that AWS says, whatever is wrong with one.
_INVALID_PATTERN = "Invalid filter pattern definition."

MIN_RECORD_AGE_SECONDS = 60
INFINITE = -1

NO_RECORDS = "No records processed"
OK = "OK"
CALL_FAILED = "PROBLEM: Function call failed"


class StartingPosition(Enum):
    #: The oldest record there is.
    TRIM_HORIZON = "TRIM_HORIZON"
    #: What comes after the mapping was created.
    LATEST = "LATEST"
    #: The first record of a time or later (not for table streams).
    AT_TIMESTAMP = "AT_TIMESTAMP"


class State(Enum):
    """Values are AWS's."""

    #: Accepted; nothing reads yet.
    CREATING = "Creating"
    #: Switched on; nothing reads yet.
    ENABLING = "Enabling"
    #: Its pollers run.
    ENABLED = "Enabled"
    #: Switched off; invocations under way may still end.
    DISABLING = "Disabling"
    #: Nothing reads.
    DISABLED = "Disabled"
    #: Changed; its pollers take the change up.
    UPDATING = "Updating"
    #: Deleted; invocations under way may still end.
    DELETING = "Deleting"


#: What the pollers make of a state once they have caught up with it.
SETTLED: Mapping[State, State] = {
    State.CREATING: State.ENABLED,
    State.ENABLING: State.ENABLED,
    State.UPDATING: State.ENABLED,
    State.DISABLING: State.DISABLED,
}

#: In these its pollers run.
RUNNING = frozenset({State.CREATING, State.ENABLING, State.ENABLED, State.UPDATING})


@frozen
class Options:
    """As configured; -1 stands for "without end", as AWS has it."""

    starting_position: StartingPosition
    starting_timestamp_ms: int | None = None
    batch_size: int = 100
    batching_window_seconds: int = 0
    filters: tuple[str, ...] = ()
    """Event patterns, any of which a record must match; none: all records are wanted."""
    reports_item_failures: bool = False
    bisects: bool = False
    max_retries: int = INFINITE
    max_record_age_seconds: int = INFINITE
    parallelization: int = 1
    tumbling_window_seconds: int = 0
    on_failure: str = ""
    """ARN of the queue, topic or bucket that is told of discarded batches."""
    maximum_concurrency: int = 0
    """Of a queue's mapping: invocations at a time; 0: as many as the function may have."""
    minimum_pollers: int = 0
    maximum_pollers: int = 0
    """Of a queue's mapping in provisioned mode; else 0."""
    counts_events: bool = False
    """What becomes of its events is published as metrics of the mapping."""
    kms_key_arn: str = ""
    """For the filters; kept and shown."""


@frozen
class EventSourceMapping:
    uuid: str
    account_id: str
    region: str
    source_arn: str
    function_arn: str
    generation: int
    state: State
    last_result: str
    modified_ms: int
    options: Options
    tags: Mapping[str, str] = field(default_factory=dict)
    role_arn: str = ""
    """Of AddEventSource; it marks a mapping of the 2014 API."""

    @property
    def arn(self) -> str:
        return str(Arn("lambda", self.region, self.account_id, f"event-source-mapping:{self.uuid}"))


def created_state(*, enabled: bool) -> State:
    return State.CREATING if enabled else State.DISABLED


def changed_state(current: State, *, enabled: bool | None) -> State:
    """After an update; `enabled` is None if it said nothing about that. Raises ResourceInUse."""
    if current is State.DELETING:
        raise ResourceInUse("Cannot update the event source mapping because it is in use.")
    runs = current in RUNNING
    wanted = runs if enabled is None else enabled
    if runs and not wanted:
        return State.DISABLING
    if wanted and not runs:
        return State.ENABLING
    if wanted:
        return State.CREATING if current is State.CREATING else State.UPDATING
    return current


def check_options(options: Options, source_arn: str) -> None:
    """Raises InvalidParameterValue in AWS's words where we know them."""
    position = options.starting_position
    if options.starting_timestamp_ms is not None and position is not StartingPosition.AT_TIMESTAMP:
        raise InvalidParameterValue("Timestamp only valid with StartingPosition AT_TIMESTAMP")
    if position is StartingPosition.AT_TIMESTAMP:
        if ":dynamodb:" in source_arn:
            raise InvalidParameterValue(f"Unsupported starting position for arn type: {source_arn}")
        if options.starting_timestamp_ms is None:
            raise InvalidParameterValue("StartingPositionTimestamp is required with StartingPosition AT_TIMESTAMP")
    age = options.max_record_age_seconds
    if age != INFINITE and age < MIN_RECORD_AGE_SECONDS:
        raise InvalidParameterValue(
            f"Maximum record age in seconds must be {INFINITE} or at least {MIN_RECORD_AGE_SECONDS}."
        )
    check_filters(options.filters)
    if ":kinesis:" in source_arn:
        _check_data_filters(options.filters)
    event_invoke.check_destination(
        options.on_failure, option="DestinationConfig.OnFailure", kinds=destination_arns.OF_BATCHES
    )


def check_moment(options: Options, now_ms: int) -> None:
    """Of a new mapping: "StartingPositionTimestamp cannot be in the future." What is long past is all there is."""
    if options.starting_timestamp_ms is not None and options.starting_timestamp_ms > now_ms:
        raise InvalidParameterValue("StartingPositionTimestamp cannot be in the future.")


def _check_data_filters(patterns: tuple[str, ...]) -> None:
    """Data of records is matched as JSON; patterns of plain text are for queues.

    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html, "Properly filtering Kinesis messages".
    """
    for pattern in patterns:
        if not isinstance(orjson.loads(pattern).get("data", {}), dict):
            raise InvalidParameterValue(_INVALID_PATTERN)


def check_filters(patterns: tuple[str, ...]) -> None:
    """Raises InvalidParameterValue."""
    if len(patterns) > MAX_FILTERS:
        raise InvalidParameterValue(f"Filter criteria can have at most {MAX_FILTERS} filters.")
    for pattern in patterns:
        try:
            event_patterns.compile_pattern(pattern)
        except InvalidPattern as error:
            raise InvalidParameterValue(_INVALID_PATTERN) from error
