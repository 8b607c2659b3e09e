"""How many batches of a queue are with the function at a time: five at first, more as long as messages wait.

"Lambda [...] processes up to five batches concurrently [and] adds up to 300 concurrent invocations per minute", up to
what the mapping's MaximumConcurrency and the function allow
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). A throttle halves it.
"""

from lambent.kit.frozen import mutable

FIRST_WIDTH = 5
PER_SECOND = 5.0
#: AWS's highest for one mapping.
MAX_WIDTH = 1_250

#: After an invocation that was refused: doubles with each further one.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


@mutable
class Width:
    """`now` is in seconds of a monotonic clock."""

    limit: int
    _width: float = FIRST_WIDTH
    _grown_at: float | None = None
    """When it was found too narrow last; None: there is nothing to grow for."""
    _refusals: int = 0
    _paused_until: float = 0.0

    @property
    def places(self) -> int:
        return max(1, min(int(self._width), self.limit))

    def is_too_narrow(self, now: float) -> None:
        """All places are taken and messages wait."""
        if self._grown_at is not None:
            self._width = min(self._width + (now - self._grown_at) * PER_SECOND, float(self.limit))
        self._grown_at = now

    def is_wide_enough(self) -> None:
        self._grown_at = None

    def has_emptied(self) -> None:
        """Nothing waits: the next rush starts small again."""
        self._width = FIRST_WIDTH
        self._grown_at = None

    @property
    def can_grow(self) -> bool:
        return self.places < self.limit

    def refused(self, now: float) -> None:
        """The function could not be invoked: throttled, or gone."""
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(self._refusals, 30), LONGEST_PAUSE_SECONDS)
        self._refusals += 1
        self._paused_until = max(self._paused_until, now + pause)
        self._width = max(1.0, self._width / 2)
        self._grown_at = None

    def admitted(self) -> None:
        self._refusals = 0

    def pause_left(self, now: float) -> float:
        return max(0.0, self._paused_until - now)
