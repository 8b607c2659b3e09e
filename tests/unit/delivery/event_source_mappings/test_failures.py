"""What follows an attempt: tables of cases, and the promise that bisecting ends at the record that is bad."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.delivery.event_source_mappings import failures
from lambent.delivery.event_source_mappings.failures import (
    Batch,
    DiscardCondition,
    Response,
    RetryPolicy,
    Step,
    after_error,
    after_response,
    read_response,
    without_expired,
)
from lambent.delivery.event_source_mappings.progress import Section
from unit.delivery.event_source_mappings.made import batch, record

FOREVER = RetryPolicy(max_retries=-1, bisects=False)
TWICE = RetryPolicy(max_retries=2, bisects=False)
NEVER = RetryPolicy(max_retries=0, bisects=False)
HALVING = RetryPolicy(max_retries=2, bisects=True)

RECORDS = [record(position) for position in (4, 5, 7)]

#: "Success and failure conditions" of "Configuring partial batch response with DynamoDB and Lambda".
RESPONSES: list[tuple[Any, Response]] = [
    (None, Response()),
    ({}, Response()),
    ({"batchItemFailures": None}, Response()),
    ({"batchItemFailures": []}, Response()),
    ({"other": 1}, Response()),
    ({"batchItemFailures": [{"itemIdentifier": "s5"}]}, Response(failed_from=1)),
    ({"batchItemFailures": [{"itemIdentifier": "s7"}, {"itemIdentifier": "s5"}]}, Response(failed_from=1)),
    ({"batchItemFailures": [{"itemIdentifier": "s4"}]}, Response(failed_from=0)),
    ({"batchItemFailures": [{"itemIdentifier": ""}]}, Response(is_failure=True)),
    ({"batchItemFailures": [{"itemIdentifier": None}]}, Response(is_failure=True)),
    ({"batchItemFailures": [{"identifier": "s5"}]}, Response(is_failure=True)),
    ({"batchItemFailures": [{"itemIdentifier": "s6"}]}, Response(is_failure=True)),
    ({"batchItemFailures": [{"itemIdentifier": 5}]}, Response(is_failure=True)),
    ({"batchItemFailures": ["s5"]}, Response(is_failure=True)),
    ({"batchItemFailures": "s5"}, Response(is_failure=True)),
    ("ok", Response(is_failure=True)),
]


@pytest.mark.parametrize(("document", "expected"), RESPONSES, ids=lambda value: str(value)[:60])
def test_responses(document: Any, expected: Response) -> None:
    assert read_response(json.dumps(document).encode(), RECORDS) == expected


def test_an_empty_answer_is_a_success_and_one_that_is_no_json_a_failure() -> None:
    assert read_response(b"", RECORDS) == Response()
    assert read_response(b"no json", RECORDS) == Response(is_failure=True)


ERRORS: list[tuple[Batch, RetryPolicy, Step]] = [
    (batch([4, 5, 7]), FOREVER, Step(3, (Section(7, 1, 1),), is_delayed=True)),
    (batch([4, 5, 7], attempts=99, invocations=99), FOREVER, Step(3, (Section(7, 100, 100),), is_delayed=True)),
    (batch([4, 5, 7], through=9), TWICE, Step(3, (Section(9, 1, 1),), is_delayed=True)),
    (batch([4, 5], attempts=1, invocations=1), TWICE, Step(3, (Section(5, 2, 2),), is_delayed=True)),
    # halves share the attempts of the whole: splitting does not consume them
    (batch([4, 5, 7], through=9), HALVING, Step(3, (Section(5, 0, 1), Section(9, 0, 1)))),
    (batch([4, 5], attempts=1, invocations=3), HALVING, Step(3, (Section(4, 1, 4), Section(5, 1, 4)))),
    (batch([4], through=6), HALVING, Step(3, (Section(6, 1, 1),), is_delayed=True)),
]


@pytest.mark.parametrize(("tried", "policy", "expected"), ERRORS)
def test_errors(tried: Batch, policy: RetryPolicy, expected: Step) -> None:
    assert after_error(tried, policy, 3) == expected


@pytest.mark.parametrize(
    ("tried", "policy"), [(batch([4, 5, 7], through=9, attempts=2), TWICE), (batch([4, 5, 7], through=9), NEVER)]
)
def test_retries_are_exhausted(tried: Batch, policy: RetryPolicy) -> None:
    step = after_error(tried, policy, 3)
    assert step == Step(9, (), tried.records, DiscardCondition.RETRIES_EXHAUSTED)


PARTIAL: list[tuple[Batch, Response, RetryPolicy, Step]] = [
    (batch([4, 5, 7]), Response(), FOREVER, Step(7)),
    (batch([4, 5, 7], through=9), Response(failed_from=1), FOREVER, Step(4, (Section(9, 1, 1),), is_delayed=True)),
    # what is left has failed once, whatever the longer batch went through
    (batch([4, 5, 7], attempts=2), Response(failed_from=2), TWICE, Step(5, (Section(7, 1, 1),), is_delayed=True)),
    (batch([4, 5, 7]), Response(failed_from=0), TWICE, Step(3, (Section(7, 1, 1),), is_delayed=True)),
    (batch([4, 5, 7]), Response(is_failure=True), TWICE, Step(3, (Section(7, 1, 1),), is_delayed=True)),
    # it "is bisected at the returned sequence number and Lambda retries only the remaining records"
    (batch([4, 5, 7]), Response(failed_from=1), HALVING, Step(4, (Section(7, 0, 1),))),
    (batch([4, 5, 7]), Response(failed_from=0), HALVING, Step(3, (Section(5, 0, 1), Section(7, 0, 1)))),
    (batch([4, 5, 7]), Response(is_failure=True), HALVING, Step(3, (Section(5, 0, 1), Section(7, 0, 1)))),
]


@pytest.mark.parametrize(("tried", "response", "policy", "expected"), PARTIAL)
def test_partial_responses(tried: Batch, response: Response, policy: RetryPolicy, expected: Step) -> None:
    assert after_response(tried, response, policy, 3) == expected


def test_the_rest_of_a_partial_failure_is_discarded_where_nothing_is_retried() -> None:
    tried = batch([4, 5, 7], through=9)
    step = after_response(tried, Response(failed_from=1), NEVER, 3)
    assert step == Step(9, (), tried.records[1:], DiscardCondition.RETRIES_EXHAUSTED)


def test_records_that_are_too_old_leave_the_front_of_a_batch() -> None:
    records = [record(4, time_ms=10), record(5, time_ms=20), record(7, time_ms=30)]
    tried = Batch(records, Section(9, 1, 1))
    assert without_expired(tried, 10) is None
    assert without_expired(tried, 11) == Step(4, (Section(9, 1, 1),), records[:1], DiscardCondition.TOO_OLD)
    assert without_expired(tried, 31) == Step(9, (), records, DiscardCondition.TOO_OLD)


@pytest.mark.parametrize(
    ("in_a_row", "jitter", "seconds"), [(1, 0, 0.2), (1, 1, 0.1), (2, 0, 0.4), (4, 0.5, 1.2), (99, 0, 60.0)]
)
def test_pauses(in_a_row: int, jitter: float, seconds: float) -> None:
    assert failures.pause_seconds(in_a_row, jitter) == pytest.approx(seconds)


@given(
    st.sets(st.integers(1, 40), min_size=1),
    st.sets(st.integers(1, 40), max_size=4),
    st.integers(0, 3),
    st.booleans(),
)
def test_bisecting_discards_bad_records_alone(
    positions: set[int], bad: set[int], max_retries: int, reports: bool
) -> None:
    """Whatever fails, every good record succeeds, in order; every bad one is discarded after its retries."""
    policy = RetryPolicy(max_retries, bisects=True)
    ordered = sorted(positions)
    delivered: list[int] = []
    discarded: list[int] = []
    tries = dict.fromkeys(ordered, 0)
    position = 0
    sections: tuple[Section, ...] = (Section(ordered[-1]),)
    while sections:
        records = [record(one) for one in ordered if position < one <= sections[0].through]
        tried = Batch(records, sections[0])
        places = [place for place, one in enumerate(records) if one.position in bad]
        if len(records) == 1:
            tries[records[0].position] += 1
        if not places:
            step = failures.after_success(tried)
            delivered += [one.position for one in records]
        elif reports:
            step = after_response(tried, Response(failed_from=places[0]), policy, position)
            delivered += [one.position for one in records[: places[0]]]
        else:
            step = after_error(tried, policy, position)
        discarded += [one.position for one in step.discarded]
        position, sections = step.position, step.sections + sections[1:]
    assert delivered == [one for one in ordered if one not in bad]
    assert discarded == [one for one in ordered if one in bad]
    assert all(tries[one] >= max_retries for one in discarded)
