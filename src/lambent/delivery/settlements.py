"""A settlement: what one attempt at an asynchronous invocation means for its row and its destination.

Decided here from values; `settler` commits it.
"""

from dataclasses import replace

from lambent.delivery import destinations, retries
from lambent.delivery.destinations import Ending
from lambent.delivery.retries import DiscardReason, GiveUp, Progress, Retry, RetrySchedule
from lambent.delivery.targets import Message
from lambent.kit import trace
from lambent.kit.frozen import frozen
from lambent.sandbox.types import Outcome
from lambent.services.lambda_ import names, recursion
from lambent.services.lambda_.event_invoke import AsyncPolicy
from lambent.services.lambda_.queue_store import Discard, QueuedInvocation

#: The largest event kept with the record of its discarding.
MAX_DISCARDED_PAYLOAD_BYTES = 65_536

MAX_DETAIL_BYTES = 1_000

#: What a message from here follows from, for people.
SOURCE = "destination"

#: ErrorCode of a dead letter: the status of an Invoke whose function failed, and of one that never reached it.
HANDLED, NOT_REACHED = 200, 429


@frozen
class Attempt:
    """One attempt: the row as it was, and what applied to it."""

    row: QueuedInvocation
    payload: bytes
    policy: AsyncPolicy
    schedule: RetrySchedule

    @property
    def progress(self) -> Progress:
        return Progress(self.row.accepted_ms, self.row.errors, self.row.throttles)


@frozen
class Settlement:
    """The row goes, unless `retry` says when it is due again."""

    position: int
    retry: Retry | None = None
    discard: Discard | None = None
    messages: tuple[Message, ...] = ()
    """The invocation record for a destination, the event for a dead-letter queue."""

    @property
    def whereabouts(self) -> str:
        """For people: what became of an event that was discarded."""
        targets = " and ".join([message.target_arn for message in self.messages])
        return f"sent to {targets}" if targets else "the function has no failure destination and no dead-letter queue"


def refused(attempt: Attempt, now_ms: int) -> Settlement | None:
    """Before the attempt: None if it may go ahead."""
    given_up = retries.before_attempt(attempt.progress, attempt.policy, now_ms)
    return _discarded(attempt, given_up.reason, now_ms) if given_up else None


def answered(attempt: Attempt, outcome: Outcome, now_ms: int) -> Settlement:
    """The function ran, well or not."""
    if outcome.function_error:
        decision = retries.after_error(attempt.progress, attempt.policy, attempt.schedule, now_ms)
        return _follow(attempt, decision, now_ms, outcome=outcome)
    record = _record(attempt, "Success", attempt.policy.on_success, now_ms, outcome)
    return Settlement(attempt.row.position, messages=record)


def not_run(attempt: Attempt, reason: str, now_ms: int) -> Settlement:
    """It was throttled, or the platform failed; `reason` is for people."""
    decision = retries.after_throttle(attempt.progress, attempt.policy, attempt.schedule, now_ms)
    return _follow(attempt, decision, now_ms, detail=reason)


def function_gone(row: QueuedInvocation, payload: bytes, reason: str, now_ms: int) -> Settlement:
    attempt = Attempt(row, payload, AsyncPolicy(), RetrySchedule())
    return _discarded(attempt, DiscardReason.FUNCTION_NOT_FOUND, now_ms, detail=reason)


def stopped(attempt: Attempt, reason: str, now_ms: int) -> Settlement:
    """The function was not run, for its chain is a loop."""
    return _discarded(attempt, DiscardReason.RECURSIVE_INVOCATION, now_ms, detail=reason)


def prospect(attempt: Attempt, retry: Retry, now_ms: int) -> str:
    """For people: what follows an attempt that was in vain."""
    seconds = f"tried again in {(retry.due_ms - now_ms) / 1000:.0f} s"
    if retry.errors == attempt.row.errors:  # throttles use up no attempts
        return seconds
    return f"attempt {retry.errors} of {attempt.policy.maximum_retry_attempts + 1}, {seconds}"


def after_attempts(attempts: int) -> str:
    """For people."""
    return f"after {attempts} attempt{'' if attempts == 1 else 's'}"


def of_row(settlement: Settlement, row: QueuedInvocation) -> Settlement:
    """The settlement of an attempt that was made before its row had a position."""
    discard = replace(settlement.discard, invocation=row) if settlement.discard else None
    return replace(settlement, position=row.position, discard=discard)


def _follow(
    attempt: Attempt, decision: Retry | GiveUp, now_ms: int, *, outcome: Outcome | None = None, detail: str = ""
) -> Settlement:
    if isinstance(decision, Retry):
        return Settlement(attempt.row.position, retry=decision)
    return _discarded(attempt, decision.reason, now_ms, outcome=outcome, detail=detail)


def _discarded(
    attempt: Attempt, reason: DiscardReason, now_ms: int, *, outcome: Outcome | None = None, detail: str = ""
) -> Settlement:
    if outcome is not None:
        detail = outcome.payload[:MAX_DETAIL_BYTES].decode(errors="replace")
    discard = Discard(
        invocation=attempt.row,
        payload=attempt.payload if len(attempt.payload) <= MAX_DISCARDED_PAYLOAD_BYTES else b"",
        discarded_ms=now_ms,
        attempts=_attempts(attempt, outcome),
        reason=reason.value,
        detail=detail,
    )
    record = _record(attempt, reason.value, attempt.policy.on_failure, now_ms, outcome)
    return Settlement(attempt.row.position, discard=discard, messages=record + _dead_letter(attempt, reason, outcome))


def _record(
    attempt: Attempt, condition: str, destination: str, now_ms: int, outcome: Outcome | None
) -> tuple[Message, ...]:
    if not destination:
        return ()
    record = destinations.invocation_record(
        Ending(
            request_id=attempt.row.request_id,
            function_arn=attempt.row.function_arn,
            condition=condition,
            invoke_count=_attempts(attempt, outcome),
            event=attempt.payload,
            ended_ms=now_ms,
            response=outcome.payload if outcome else None,
            function_error=outcome.function_error if outcome else None,
        )
    )
    row = attempt.row
    message = destinations.message(
        row.function_arn, destination, record, source=SOURCE, succeeded=condition == "Success"
    )
    return (replace(message, trace=_trace(row)),)


def _dead_letter(attempt: Attempt, reason: DiscardReason, outcome: Outcome | None) -> tuple[Message, ...]:
    if not attempt.policy.dead_letters:
        return ()
    row = attempt.row
    message = destinations.dead_letter(
        row.function_arn,
        attempt.policy.dead_letters,
        attempt.payload,
        source=SOURCE,
        request_id=row.request_id,
        error_code=HANDLED if outcome else NOT_REACHED,
        error=destinations.error_message(outcome.payload) if outcome else reason.value,
    )
    return (replace(message, trace=_trace(row)),)


def _trace(row: QueuedInvocation) -> str:
    """The trace header that the function got: what follows from it carries it."""
    if not row.trace_id:  # accepted by a version that kept none
        return ""
    is_counted = recursion.is_counted(row.source)
    return trace.enter(row.trace_id, row.request_id, _lineage_key(row.function_arn), keeps_lineage=is_counted)[0]


def _lineage_key(function_arn: str) -> str:
    reference = names.parse_arn(function_arn)
    return trace.function_key(reference.key.arn if reference else function_arn)


def _attempts(attempt: Attempt, outcome: Outcome | None) -> int:
    """How often the function was reached, this time included."""
    return attempt.row.errors + (outcome is not None)
