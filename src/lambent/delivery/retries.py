"""When an asynchronous invocation is tried again, and when it is given up.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: a function error is tried again
after one minute and then after two; throttles and system errors after 1 second, doubling up to 5 minutes, for as
long as the event's maximum age allows. With reserved concurrency 0 there is no attempt at all
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
"""

from enum import Enum

from lambent.kit.frozen import frozen
from lambent.services.lambda_.event_invoke import AsyncPolicy


class DiscardReason(Enum):
    """Values are the record's `condition` where AWS has one."""

    #: The last allowed attempt ended in a function error.
    RETRIES_EXHAUSTED = "RetriesExhausted"
    #: It became older than its maximum age, or would be at the next attempt.
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    #: The function is switched off by a reserve of 0.
    ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"
    #: The function was deleted while the event waited.
    FUNCTION_NOT_FOUND = "FunctionNotFound"
    #: Its chain had run the function too often (`lambda_.recursion`).
    RECURSIVE_INVOCATION = "RecursiveInvocation"


@frozen
class RetrySchedule:
    """Seconds; the defaults are AWS's. Tests and impatient people set their own."""

    after_errors: tuple[float, ...] = (60.0, 120.0)
    """Before the second attempt, before the third."""
    first_backoff: float = 1.0
    longest_backoff: float = 300.0


@frozen
class Progress:
    """What an invocation has been through."""

    accepted_ms: int
    errors: int = 0
    throttles: int = 0


@frozen
class Retry:
    due_ms: int
    errors: int
    throttles: int


@frozen
class GiveUp:
    reason: DiscardReason


def before_attempt(progress: Progress, policy: AsyncPolicy, now_ms: int) -> GiveUp | None:
    """None: go ahead."""
    if policy.disabled:
        return GiveUp(DiscardReason.ZERO_RESERVED_CONCURRENCY)
    if now_ms > _expires_ms(progress, policy):
        return GiveUp(DiscardReason.EVENT_AGE_EXCEEDED)
    return None


def after_error(progress: Progress, policy: AsyncPolicy, schedule: RetrySchedule, now_ms: int) -> Retry | GiveUp:
    """The function reported an error, died or ran out of time."""
    if progress.errors >= policy.maximum_retry_attempts:
        return GiveUp(DiscardReason.RETRIES_EXHAUSTED)
    pause = schedule.after_errors[min(progress.errors, len(schedule.after_errors) - 1)]
    return _in_time(progress, policy, Retry(now_ms + round(pause * 1000), progress.errors + 1, progress.throttles))


def after_throttle(progress: Progress, policy: AsyncPolicy, schedule: RetrySchedule, now_ms: int) -> Retry | GiveUp:
    """No concurrency was left, or the platform failed: not the function's fault, so its retries are not used up."""
    if policy.disabled:
        return GiveUp(DiscardReason.ZERO_RESERVED_CONCURRENCY)
    doublings = min(progress.throttles, 30)
    pause = min(schedule.first_backoff * 2**doublings, schedule.longest_backoff)
    return _in_time(progress, policy, Retry(now_ms + round(pause * 1000), progress.errors, progress.throttles + 1))


def _in_time(progress: Progress, policy: AsyncPolicy, retry: Retry) -> Retry | GiveUp:
    if retry.due_ms > _expires_ms(progress, policy):
        return GiveUp(DiscardReason.EVENT_AGE_EXCEEDED)
    return retry


def _expires_ms(progress: Progress, policy: AsyncPolicy) -> int:
    return progress.accepted_ms + policy.maximum_age_seconds * 1000
