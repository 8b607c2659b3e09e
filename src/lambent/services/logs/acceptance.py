"""Acceptance: which events of a PutLogEvents request are stored, which are rejected, and when it is refused whole.

All rules are from the API reference of PutLogEvents; the sentences are the ones AWS answers with.
"""

import itertools
from collections.abc import Sequence

from lambent.kit.frozen import frozen
from lambent.services.logs.chunks import EVENT_OVERHEAD_BYTES, Batch
from lambent.services.logs.errors import InvalidParameter

MAX_BATCH_BYTES = 1_048_576
MAX_BATCH_SPAN_MS = 24 * 3_600_000
MAX_FUTURE_MS = 2 * 3_600_000
MAX_PAST_MS = 14 * 24 * 3_600_000


@frozen
class Accepted:
    """What to store, and where the rejected ones end or begin (None: none were)."""

    batch: Batch
    too_new_start: int | None
    too_old_end: int | None
    expired_end: int | None


def accept(times: Sequence[int], messages: Sequence[bytes], *, now_ms: int, retention_cutoff_ms: int) -> Accepted:
    """Raises InvalidParameter for a batch that is refused whole. `times` is not empty."""
    _refuse_oversized(messages)
    if any(later < earlier for earlier, later in itertools.pairwise(times)):
        raise InvalidParameter("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > MAX_BATCH_SPAN_MS:
        raise InvalidParameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    too_old = _count_before(times, now_ms - MAX_PAST_MS)
    expired = _count_before(times, retention_cutoff_ms)
    end = _count_before(times, now_ms + MAX_FUTURE_MS + 1)
    start = max(too_old, expired)
    return Accepted(
        Batch(times[start:end], messages[start:end]),
        too_new_start=end if end < len(times) else None,
        too_old_end=too_old or None,
        expired_end=expired if expired > too_old else None,
    )


def _refuse_oversized(messages: Sequence[bytes]) -> None:
    size = sum(map(len, messages)) + EVENT_OVERHEAD_BYTES * len(messages)
    if size > MAX_BATCH_BYTES:
        raise InvalidParameter(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")


def _count_before(times: Sequence[int], bound_ms: int) -> int:
    return next((index for index, time_ms in enumerate(times) if time_ms >= bound_ms), len(times))
