"""Moments, and the times a table can be restored to."""

from typing import Any

import pytest

from lambent.services.dynamodb import moments, recovery
from lambent.services.dynamodb.errors import InvalidRestoreTime
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.tables import Definition

DAY_MS = 86_400_000


def table(since_ms: int, days: int) -> Definition:
    schema = KeySchema("pk", "S")
    return Definition(
        "uuid", 0, attributes=(("pk", "S"),), schema=schema, recovery_days=days, recovery_since_ms=since_ms
    )


def test_moments_grow_whatever_the_clock_says() -> None:
    head = moments.first_of(1000)
    taken = []
    for time_ms in (1000, 1000, 1001, 999, 1002):
        head = moments.next_after(head, time_ms)
        taken.append(head)
    assert taken == sorted(set(taken))
    assert moments.first_of(1001) <= taken[3] < moments.first_of(1002)


@pytest.mark.parametrize(
    ("time_ms", "undone"),
    [
        (1000, [True, True, True]),  # the history begins in this millisecond
        (1001, [False, True, True]),
        (1002, [False, False, True]),
        (1500, [False, False, False]),
    ],
)
def test_a_cut_lies_behind_all_of_its_millisecond(time_ms: int, undone: list[bool]) -> None:
    head = moments.first_of(1000)
    changes = []
    for changed_ms in (1001, 1002, 1003):
        head = moments.next_after(head, changed_ms)
        changes.append(head)
    cut = moments.cut_behind(time_ms, head, since_ms=1000)
    assert [moment >= cut for moment in changes] == undone
    assert cut <= moments.next_after(head, time_ms), "what is written from now on is in no state of the past"


@pytest.mark.parametrize(
    ("since_ms", "days", "now_ms", "window"),
    [
        (1_500, 35, 1_500, (1_000, 1_000)),
        (1_500, 35, 9_999, (1_000, 9_000)),
        (1_500, 1, DAY_MS + 1_400, (1_000, DAY_MS + 1_000)),
        (1_500, 1, 3 * DAY_MS + 700, (2 * DAY_MS, 3 * DAY_MS)),
    ],
)
def test_the_window_is_told_in_whole_seconds(since_ms: int, days: int, now_ms: int, window: tuple[int, int]) -> None:
    definition = table(since_ms, days)
    found = recovery.window_of(definition, now_ms)
    assert (found.earliest_ms, found.latest_ms) == window
    assert recovery.kept_from_ms(definition, now_ms) <= found.earliest_ms
    recovery.check_restore_time(definition, found.earliest_ms, now_ms)
    recovery.check_restore_time(definition, now_ms, now_ms)
    for wrong in (found.earliest_ms - 1, now_ms + 1):
        with pytest.raises(InvalidRestoreTime):
            recovery.check_restore_time(definition, wrong, now_ms)


@pytest.mark.parametrize(
    ("request_", "time_ms"),
    [
        ({"UseLatestRestorableTime": True}, None),
        ({"RestoreDateTime": 1_750_000_000.123}, 1_750_000_000_123),
        ({"RestoreDateTime": 1_750_000_000.123999, "UseLatestRestorableTime": False}, 1_750_000_000_123),
        ({"RestoreDateTime": 1_750_000_000}, 1_750_000_000_000),
    ],
)
def test_restore_times_are_milliseconds(request_: dict[str, Any], time_ms: int | None) -> None:
    assert recovery.read_restore_time(request_) == time_ms
