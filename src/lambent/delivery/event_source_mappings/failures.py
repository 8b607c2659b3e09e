"""What a batch's end means: settled, tried again (perhaps halved), or discarded.

Retries, bisecting and partial responses: "Configuring partial batch response with DynamoDB and Lambda",
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html, and "Retain discarded records",
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html. Where they leave it open: a batch that got
shorter by a partial response has failed once, whatever the longer one went through; with bisecting, a response that
names the first record halves the batch as an error does, so that a bad record ends up alone.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import orjson

from lambent.delivery.event_source_mappings.progress import Section
from lambent.delivery.event_source_mappings.records import PreparedRecord
from lambent.kit.frozen import frozen

#: Seconds before the second attempt; doubles with every further one.
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 60.0


class DiscardCondition(Enum):
    """Why a batch was given up, in AWS's words."""

    #: MaximumRetryAttempts are used up.
    RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
    #: Older than MaximumRecordAgeInSeconds, or than the source keeps records.
    TOO_OLD = "RecordAgeExceeded"


@frozen
class RetryPolicy:
    max_retries: int
    """-1: without end."""
    bisects: bool


@frozen
class Batch:
    """What was sent to the function, or is about to be; never empty."""

    records: Sequence[PreparedRecord]
    section: Section


@frozen
class Step:
    """What follows an attempt: the position moves to `position`, and `sections` remain of the batch."""

    position: int
    sections: tuple[Section, ...] = ()
    discarded: Sequence[PreparedRecord] = ()
    condition: DiscardCondition | None = None
    is_delayed: bool = False
    """The next attempt waits."""


@frozen
class Response:
    """What the function said: `failed_from` is the first record that failed, None if none did."""

    failed_from: int | None = None
    is_failure: bool = False
    """It cannot be understood, which counts as a failure of the whole batch."""


SUCCESS = Response()
FAILURE = Response(is_failure=True)


def read_response(payload: bytes, records: Sequence[PreparedRecord]) -> Response:
    """The answer of a function that reports item failures."""
    try:
        document = orjson.loads(payload) if payload else None
    except orjson.JSONDecodeError:
        return FAILURE
    if document is None:
        return SUCCESS
    if not isinstance(document, Mapping):
        return FAILURE
    failures = document.get("batchItemFailures")
    if failures is None:
        return SUCCESS
    if not isinstance(failures, list):
        return FAILURE
    return _lowest(failures, records)


def _lowest(failures: Sequence[Any], records: Sequence[PreparedRecord]) -> Response:
    places = {record.sequence_number: place for place, record in enumerate(records)}
    lowest: int | None = None
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
        place = places.get(identifier) if isinstance(identifier, str) else None
        if place is None:
            return FAILURE
        lowest = place if lowest is None else min(lowest, place)
    return Response(failed_from=lowest)


def after_success(batch: Batch) -> Step:
    return Step(batch.section.through)


def after_response(batch: Batch, response: Response, policy: RetryPolicy, before: int) -> Step:
    """`before` is the position in front of the batch."""
    if response.is_failure or response.failed_from == 0:
        return after_error(batch, policy, before)
    if response.failed_from is None:
        return after_success(batch)
    settled = batch.records[response.failed_from - 1].position
    rest = Batch(
        batch.records[response.failed_from :],
        Section(batch.section.through, attempts=0, invocations=batch.section.invocations),
    )
    if policy.bisects:
        return Step(settled, (_invoked(rest.section),))
    return _failed_again(rest, policy, settled)


def after_error(batch: Batch, policy: RetryPolicy, before: int) -> Step:
    """The function failed as a whole. Splitting batches "doesn't consume the retry quota" (AWS)."""
    records, section = batch.records, batch.section
    if policy.bisects and len(records) > 1:
        middle = records[(len(records) - 1) // 2].position
        tried = section.invocations + 1
        return Step(
            before,
            (Section(middle, section.attempts, tried), Section(section.through, section.attempts, tried)),
        )
    return _failed_again(batch, policy, before)


def _failed_again(batch: Batch, policy: RetryPolicy, before: int) -> Step:
    section = _invoked(batch.section, failed=True)
    if 0 <= policy.max_retries < section.attempts:
        return Step(section.through, (), batch.records, DiscardCondition.RETRIES_EXHAUSTED)
    return Step(before, (section,), is_delayed=True)


def _invoked(section: Section, *, failed: bool = False) -> Section:
    return Section(section.through, section.attempts + failed, section.invocations + 1)


def without_expired(batch: Batch, oldest_ms: int) -> Step | None:
    """Records that arrived before then are not tried (again): the first of them leave the batch. None: all may stay."""
    records = batch.records
    kept = 0
    while kept < len(records) and records[kept].time_ms < oldest_ms:
        kept += 1
    if not kept:
        return None
    rest = () if kept == len(records) else (batch.section,)
    position = records[kept - 1].position if rest else batch.section.through
    return Step(position, rest, records[:kept], DiscardCondition.TOO_OLD)


def failed_events(batch: Batch, step: Step) -> int:
    """How many records of an invoked batch are not settled by it: they come again, or were given up."""
    if step.condition is not None:
        return len(step.discarded)
    return sum(one.position > step.position for one in batch.records) if step.sections else 0


def pause_seconds(failures: int, jitter: float) -> float:
    """Before the next attempt after so many in a row (from 1); `jitter` from 0 to 1 takes up to half of it away."""
    doublings = min(failures - 1, 30)
    return min(FIRST_PAUSE_SECONDS * 2.0**doublings, LONGEST_PAUSE_SECONDS) * (1 - jitter / 2)
