"""Event source mappings: states, options, and the two spellings of them."""

from dataclasses import replace
from typing import Any

import pytest

from lambent.services.lambda_ import event_source_2014, event_source_documents
from lambent.services.lambda_.errors import InvalidParameterValue, ResourceInUse
from lambent.services.lambda_.event_source_mappings import (
    RUNNING,
    SETTLED,
    EventSourceMapping,
    Options,
    StartingPosition,
    State,
    changed_state,
    check_options,
    created_state,
)

TABLE_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2025-01-01T00:00:00.000"
OTHER_STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
FROM_START = Options(StartingPosition.TRIM_HORIZON)


@pytest.mark.parametrize(
    ("current", "enabled", "expected"),
    [
        (State.ENABLED, None, State.UPDATING),
        (State.ENABLED, True, State.UPDATING),
        (State.ENABLED, False, State.DISABLING),
        (State.CREATING, None, State.CREATING),
        (State.CREATING, False, State.DISABLING),
        (State.DISABLED, None, State.DISABLED),
        (State.DISABLED, True, State.ENABLING),
        (State.DISABLED, False, State.DISABLED),
        (State.DISABLING, True, State.ENABLING),
        (State.DISABLING, None, State.DISABLING),
        (State.UPDATING, None, State.UPDATING),
    ],
)
def test_states(current: State, enabled: bool | None, expected: State) -> None:
    assert changed_state(current, enabled=enabled) is expected


def test_what_is_being_deleted_cannot_be_changed() -> None:
    with pytest.raises(ResourceInUse):
        changed_state(State.DELETING, enabled=None)


def test_every_state_comes_to_rest() -> None:
    assert created_state(enabled=True) in RUNNING
    assert created_state(enabled=False) not in RUNNING
    at_rest = {State.ENABLED, State.DISABLED, State.DELETING}
    assert set(SETTLED) == set(State) - at_rest
    assert set(SETTLED.values()) <= at_rest


ACCEPTED = [
    FROM_START,
    replace(FROM_START, max_record_age_seconds=60),
    replace(FROM_START, filters=('{"a": [1]}',) * 10),
    replace(FROM_START, on_failure="arn:aws:s3:::bucket"),
]
REFUSED = [
    replace(FROM_START, starting_timestamp_ms=5),
    Options(StartingPosition.AT_TIMESTAMP, starting_timestamp_ms=5),
    replace(FROM_START, max_record_age_seconds=0),
    replace(FROM_START, max_record_age_seconds=59),
    replace(FROM_START, filters=("{}",) * 11),
    replace(FROM_START, filters=("",)),
    replace(FROM_START, on_failure="arn:aws:sns:us-east-1:000000000000:topic.fifo"),
]


@pytest.mark.parametrize("options", ACCEPTED)
def test_accepted_options(options: Options) -> None:
    check_options(options, TABLE_STREAM)


@pytest.mark.parametrize("options", REFUSED)
def test_refused_options(options: Options) -> None:
    with pytest.raises(InvalidParameterValue):
        check_options(options, TABLE_STREAM)


def test_other_sources_may_be_read_from_a_time() -> None:
    check_options(Options(StartingPosition.AT_TIMESTAMP, starting_timestamp_ms=5), OTHER_STREAM)
    with pytest.raises(InvalidParameterValue):
        check_options(Options(StartingPosition.AT_TIMESTAMP), OTHER_STREAM)


@pytest.mark.parametrize(("pattern", "source"), [("{", TABLE_STREAM), ('{"data": ["text"]}', OTHER_STREAM)])
def test_what_is_wrong_with_a_filter_is_not_said(pattern: str, source: str) -> None:
    """AWS's whole sentence, as people quote it ("Invalid filter pattern definition. (Service: AWSLambda; ...")."""
    with pytest.raises(InvalidParameterValue, match=r"^Invalid filter pattern definition\.$"):
        check_options(Options(StartingPosition.LATEST, filters=(pattern,)), source)


def test_requests_become_options_and_only_what_they_say_changes() -> None:
    request: dict[str, Any] = {
        "StartingPosition": "LATEST",
        "BatchSize": 7,
        "MaximumBatchingWindowInSeconds": 3,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 0,
        "MaximumRecordAgeInSeconds": 60,
        "ParallelizationFactor": 2,
        "TumblingWindowInSeconds": 30,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": "{}"}]},
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::b"}},
        "MetricsConfig": {"Metrics": ["EventCount"]},
        "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k",
    }
    expected = Options(
        starting_position=StartingPosition.LATEST,
        batch_size=7,
        batching_window_seconds=3,
        filters=("{}",),
        reports_item_failures=True,
        bisects=True,
        max_retries=0,
        max_record_age_seconds=60,
        parallelization=2,
        tumbling_window_seconds=30,
        on_failure="arn:aws:s3:::b",
        counts_events=True,
        kms_key_arn="arn:aws:kms:us-east-1:000000000000:key/k",
    )
    options = event_source_documents.new_options(request)
    assert options == expected
    assert event_source_documents.changed_options(options, {}) == expected
    cleared = {
        "FilterCriteria": {},
        "FunctionResponseTypes": [],
        "DestinationConfig": {"OnFailure": {}},
        "MetricsConfig": {},
        "KMSKeyArn": "",
    }
    assert event_source_documents.changed_options(options, cleared) == replace(
        expected, filters=(), reports_item_failures=False, on_failure="", counts_events=False, kms_key_arn=""
    )


@pytest.mark.parametrize(
    "member", ["Topics", "Queues", "ScalingConfig", "SelfManagedEventSource", "ProvisionedPollerConfig"]
)
def test_what_is_not_served_is_refused_by_name(member: str) -> None:
    with pytest.raises(InvalidParameterValue):
        event_source_documents.new_options({"StartingPosition": "LATEST", member: ["x"]})


def mapping(**changes: Any) -> EventSourceMapping:
    made = EventSourceMapping(
        uuid="14e0db71-5d35-4eb5-b481-8945cf9d10c2",
        account_id="000000000000",
        region="us-east-1",
        source_arn=TABLE_STREAM,
        function_arn="arn:aws:lambda:us-east-1:000000000000:function:f",
        generation=1,
        state=State.ENABLED,
        last_result="OK",
        modified_ms=1_700_000_000_000,
        options=FROM_START,
        role_arn="arn:aws:iam::000000000000:role/r",
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "is_active", "status"),
    [
        ({}, True, "OK"),
        ({"last_result": "No records processed"}, True, "PENDING"),
        ({"last_result": "PROBLEM: Function call failed"}, True, "PROBLEM: Function call failed"),
        ({"state": State.DISABLED}, False, "OK"),
    ],
)
def test_the_shape_of_2014(changes: dict[str, Any], is_active: bool, status: str) -> None:
    document = event_source_2014.describe_source(mapping(**changes))
    assert (document["IsActive"], document["Status"]) == (is_active, status)
    assert document["LastModified"] == "2023-11-14T22:13:20.000+0000"
    assert document["FunctionName"] == "f"


def test_options_of_2014() -> None:
    assert event_source_2014.options_of({}) == Options(StartingPosition.TRIM_HORIZON)
    latest = {"Parameters": {"InitialPositionInStream": "LATEST"}, "BatchSize": 5}
    assert event_source_2014.options_of(latest) == Options(StartingPosition.LATEST, batch_size=5)
