"""PutEvents and TestEventPattern, through boto3; what becomes of the events is tested where functions run."""

import json
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.events.test_buses import ACCOUNT, refusal

ENTRY = {"Source": "orders", "DetailType": "placed", "Detail": "{}"}
EVENT = {
    "id": "1",
    "account": ACCOUNT,
    "source": "orders",
    "time": "2026-11-26T10:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail-type": "placed",
    "detail": {"state": "new"},
}


def test_each_entry_is_answered(events: Any) -> None:
    entries = [
        ENTRY,
        {**ENTRY, "Detail": "{"},
        {**ENTRY, "Detail": "[]"},
        {**ENTRY, "Detail": '{"a":' + "[" * 300 + "]" * 300 + "}"},
        {**ENTRY, "Source": "aws.s3"},
        {"DetailType": "x", "Detail": "{}"},
        {"Source": "x", "Detail": "{}"},
        {"Source": "x", "DetailType": "x"},
        {**ENTRY, "DetailType": "x" * 129},
        {**ENTRY, "EventBusName": "nowhere"},
    ]
    answer = events.put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 8
    told = [(one.get("ErrorCode"), one.get("ErrorMessage")) for one in answer["Entries"]]
    assert told == [
        (None, None),
        ("MalformedDetail", "Detail is malformed."),
        ("MalformedDetail", "Detail is malformed."),
        ("MalformedDetail", "Detail is malformed."),
        ("NotAuthorizedForSourceException", "Not authorized for the source."),
        ("InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
        ("InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."),
        ("InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."),
        ("InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType must have at most 128 characters."),
        (None, None),
    ]
    ids = [one["EventId"] for one in answer["Entries"] if "EventId" in one]
    assert len(set(ids)) == 2


def test_a_megabyte_and_no_more(events: Any) -> None:
    """Source, detail type, detail and resources count, and 14 bytes for a time."""
    frame = len("orders") + len("placed") + len("arn") + 14
    filling = 1024 * 1024 - frame - len(json.dumps({"x": ""}))

    def entry(length: int) -> dict[str, Any]:
        return {**ENTRY, "Detail": json.dumps({"x": "x" * length}), "Resources": ["arn"], "Time": 1_750_000_000}

    assert events.put_events(Entries=[entry(filling)])["FailedEntryCount"] == 0
    assert refusal(events.put_events, Entries=[entry(filling + 1)]) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )


def test_ten_entries(unchecked: Any) -> None:
    assert refusal(unchecked.put_events, Entries=[ENTRY] * 11)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["orders"]}, True),
        ({"source": ["orders"], "detail": {"state": [{"anything-but": "new"}]}}, False),
        ({"detail": {"state": [{"prefix": {"equals-ignore-case": "NE"}}]}}, True),
        ({"$or": [{"source": ["x"]}, {"region": ["us-east-1"]}]}, True),
    ],
)
def test_patterns_can_be_tried(events: Any, pattern: Any, expected: bool) -> None:
    answer = events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(EVENT))
    assert answer["Result"] is expected


def test_an_event_to_try_must_be_one(events: Any) -> None:
    pattern = '{"source": ["orders"]}'
    without_resources = {name: value for name, value in EVENT.items() if name != "resources"}
    assert events.test_event_pattern(EventPattern=pattern, Event=json.dumps(without_resources))["Result"]
    incomplete = {name: value for name, value in EVENT.items() if name != "region"}
    assert refusal(events.test_event_pattern, EventPattern=pattern, Event=json.dumps(incomplete)) == (
        "ValidationException",
        "Parameter Event is not valid.",
    )
    for event in ("{", "[]", '"text"'):
        assert refusal(events.test_event_pattern, EventPattern=pattern, Event=event) == (
            "ValidationException",
            "Parameter Event is not valid.",
        )
    assert refusal(events.test_event_pattern, EventPattern="{", Event="{}")[0] == "InvalidEventPatternException"


def test_another_accounts_bus(platform: PlatformProcess, events: Any, bus: str) -> None:
    """Only its policy opens it."""
    arn = f"arn:aws:events:us-east-1:111111111111:event-bus/{bus}"
    code, message = refusal(events.put_events, Entries=[{**ENTRY, "EventBusName": arn}])
    assert code == "AccessDeniedException"
    assert arn in message
