"""https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html as tables."""

import pytest

from lambent.delivery import retries
from lambent.delivery.retries import DiscardReason, GiveUp, Progress, Retry, RetrySchedule
from lambent.services.lambda_.event_invoke import AsyncPolicy

DEFAULT = AsyncPolicy()
SCHEDULE = RetrySchedule()
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("errors", "policy", "decision"),
    [
        (0, DEFAULT, Retry(60_000, 1, 0)),
        (1, DEFAULT, Retry(120_000, 2, 0)),
        (2, DEFAULT, GiveUp(DiscardReason.RETRIES_EXHAUSTED)),
        (0, AsyncPolicy(maximum_retry_attempts=0), GiveUp(DiscardReason.RETRIES_EXHAUSTED)),
        (0, AsyncPolicy(maximum_retry_attempts=1), Retry(60_000, 1, 0)),
        (1, AsyncPolicy(maximum_retry_attempts=1), GiveUp(DiscardReason.RETRIES_EXHAUSTED)),
        (0, AsyncPolicy(maximum_age_seconds=60), Retry(60_000, 1, 0)),
        (1, AsyncPolicy(maximum_age_seconds=60), GiveUp(DiscardReason.EVENT_AGE_EXCEEDED)),
    ],
)
def test_after_a_function_error(errors: int, policy: AsyncPolicy, decision: Retry | GiveUp) -> None:
    assert retries.after_error(Progress(0, errors), policy, SCHEDULE, 0) == decision


@pytest.mark.parametrize(
    ("throttles", "pause_seconds"), [(0, 1), (1, 2), (2, 4), (7, 128), (8, 256), (9, 300), (10, 300), (500, 300)]
)
def test_a_throttle_backs_off_and_uses_up_no_retry(throttles: int, pause_seconds: int) -> None:
    progress = Progress(0, errors=2, throttles=throttles)
    assert retries.after_throttle(progress, DEFAULT, SCHEDULE, 0) == Retry(pause_seconds * 1000, 2, throttles + 1)


def test_throttled_until_it_is_too_old() -> None:
    progress, now_ms, attempts = Progress(0), 0, 0
    while isinstance(decision := retries.after_throttle(progress, DEFAULT, SCHEDULE, now_ms), Retry):
        progress, now_ms, attempts = Progress(0, 0, decision.throttles), decision.due_ms, attempts + 1
    assert decision == GiveUp(DiscardReason.EVENT_AGE_EXCEEDED)
    assert 6 * HOUR_MS - 300_000 < now_ms <= 6 * HOUR_MS
    assert attempts == 79


@pytest.mark.parametrize(
    ("policy", "now_ms", "decision"),
    [
        (DEFAULT, 0, None),
        (DEFAULT, 6 * HOUR_MS, None),
        (DEFAULT, 6 * HOUR_MS + 1, GiveUp(DiscardReason.EVENT_AGE_EXCEEDED)),
        (AsyncPolicy(maximum_age_seconds=60), 60_001, GiveUp(DiscardReason.EVENT_AGE_EXCEEDED)),
        (AsyncPolicy(disabled=True), 0, GiveUp(DiscardReason.ZERO_RESERVED_CONCURRENCY)),
    ],
)
def test_before_an_attempt(policy: AsyncPolicy, now_ms: int, decision: GiveUp | None) -> None:
    assert retries.before_attempt(Progress(0), policy, now_ms) == decision


def test_the_schedule_is_a_setting() -> None:
    schedule = RetrySchedule(after_errors=(0.5,), first_backoff=0.1, longest_backoff=0.2)
    assert retries.after_error(Progress(0, 0), DEFAULT, schedule, 0) == Retry(500, 1, 0)
    assert retries.after_error(Progress(0, 1), DEFAULT, schedule, 0) == Retry(500, 2, 0)
    assert retries.after_throttle(Progress(0, 0, 5), DEFAULT, schedule, 0) == Retry(200, 0, 6)


def test_a_function_switched_off_while_its_event_was_on_the_way() -> None:
    decision = retries.after_throttle(Progress(0), AsyncPolicy(disabled=True), SCHEDULE, 0)
    assert decision == GiveUp(DiscardReason.ZERO_RESERVED_CONCURRENCY)
