"""Tumbling windows: what belongs where, and what the function is told."""

import json

import pytest

from lambent.delivery.event_source_mappings import records, windows
from lambent.delivery.event_source_mappings.progress import OpenWindow, Progress
from unit.delivery.event_source_mappings.made import record

MINUTE = 60_000


@pytest.mark.parametrize(
    ("time_ms", "closed_ms", "expected"),
    [
        (0, 0, 0),
        (MINUTE - 1, 0, 0),
        (MINUTE, 0, MINUTE),
        (5 * MINUTE + 1, 0, 5 * MINUTE),
        # too late for its own window: it belongs to the next
        (MINUTE - 1, MINUTE, MINUTE),
    ],
)
def test_a_record_belongs_to_the_window_of_its_arrival(time_ms: int, closed_ms: int, expected: int) -> None:
    assert windows.start_of(time_ms, MINUTE, closed_ms) == expected


def test_what_is_older_than_the_open_window_belongs_to_it() -> None:
    progress = windows.opened(Progress(7), 2 * MINUTE + 5, MINUTE)
    assert progress.window == OpenWindow(2 * MINUTE, MINUTE, began=7)
    assert windows.opened(progress, 9 * MINUTE, MINUTE) == progress
    for time_ms, expected in ((MINUTE, True), (2 * MINUTE, True), (3 * MINUTE - 1, True), (3 * MINUTE, False)):
        assert windows.belongs(progress, 2 * MINUTE, time_ms, MINUTE) is expected


def test_after_its_end_a_window_is_never_opened_again() -> None:
    progress = windows.ended(windows.opened(Progress(7), 5, MINUTE))
    assert progress == Progress(7, windows_closed_ms=MINUTE)
    reopened = windows.opened(progress, 5, MINUTE).window
    assert reopened is not None
    assert reopened.start_ms == MINUTE


def test_a_window_whose_state_is_too_large_ends_early_and_goes_on() -> None:
    progress = windows.opened(Progress(7), 5, MINUTE)
    assert progress.window is not None
    fits = windows.with_state(progress.window, '"' + "x" * (windows.MAX_STATE_BYTES - 2) + '"')
    assert not fits.is_overfull
    overfull = windows.with_state(progress.window, '"' + "x" * (windows.MAX_STATE_BYTES - 1) + '"')
    assert overfull.is_overfull
    early = windows.event_members(overfull, shard_id="s", source_arn="a", is_final=True)
    assert (early["isFinalInvokeForWindow"], early["isWindowTerminatedEarly"]) == (True, True)
    continued = windows.ended(Progress(9, window=overfull))
    assert continued == Progress(9, window=OpenWindow(0, MINUTE, began=9))


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        (b'{"state": {"1": 282}}', '{"1":282}'),
        (b'{"state": null}', "null"),
        (b'{"state": [1], "batchItemFailures": []}', "[1]"),
        (b"{}", None),
        (b"null", None),
        (b"", None),
        (b"no json", None),
        (b'"state"', None),
        (b'{"state": %b}' % (b"[" * 254 + b"]" * 254), "[" * 254 + "]" * 254),
        (b'{"state": %b}' % (b"[" * 255 + b"]" * 255), None),
    ],
)
def test_an_answer_must_carry_the_state(payload: bytes, state: str | None) -> None:
    assert windows.read_state(payload) == state


def test_the_event_of_a_window() -> None:
    """As in "DynamodbTimeWindowEvent" of the developer guide."""
    window = OpenWindow(1_596_110_640_000, 60_000, began=0, state='{"1":"state1"}')
    members = windows.event_members(window, shard_id="shard123456789", source_arn="stream-ARN", is_final=False)
    assert json.loads(records.event([record(1, body=b'{"eventID":"1"}'), record(2)], members)) == {
        "Records": [{"eventID": "1"}, {}],
        "window": {"start": "2020-07-30T12:04:00Z", "end": "2020-07-30T12:05:00Z"},
        "state": {"1": "state1"},
        "shardId": "shard123456789",
        "eventSourceARN": "stream-ARN",
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }
