"""How many batches of a queue are with the function at a time: five at first, more as long as messages wait.

"Lambda [...] processes up to five batches concurrently [and] adds up to 300 concurrent invocations per minute", up to
what the mapping's MaximumConcurrency and the function allow; in provisioned mode "each event poller can handle [...] up
to 10 concurrent invokes", 1,000 are added in a minute, between the configured numbers of pollers
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). A throttle halves it.
"""

import math

from lambent.kit.frozen import frozen, mutable
from lambent.services.lambda_.event_source_mappings import Options

FIRST_WIDTH = 5
PER_SECOND = 5.0
#: AWS's highest for one mapping that is not provisioned.
MAX_WIDTH = 1_250

#: In provisioned mode: invocations of one poller at a time, and how many more of all of them.
PER_POLLER = 10
PROVISIONED_PER_SECOND = 1_000 / 60

#: After an invocation that was refused: doubles with each further one.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


@frozen
class Scaling:
    """Between which numbers a width lies, and how fast it grows."""

    first: int = FIRST_WIDTH
    limit: int = MAX_WIDTH
    per_second: float = PER_SECOND


def scaling_of(options: Options) -> Scaling:
    if options.maximum_pollers:
        first, limit = (pollers * PER_POLLER for pollers in (options.minimum_pollers, options.maximum_pollers))
        return Scaling(first, limit, PROVISIONED_PER_SECOND)
    return Scaling(limit=options.maximum_concurrency or MAX_WIDTH)


@mutable
class Width:
    """`now` is in seconds of a monotonic clock."""

    _scaling: Scaling
    _width: float = FIRST_WIDTH
    _grown_at: float | None = None
    """When it was found too narrow last; None: there is nothing to grow for."""
    _refusals: int = 0
    _paused_until: float = 0.0

    def scale(self, scaling: Scaling) -> None:
        """From now on so."""
        if scaling != self._scaling:
            self._scaling = scaling
            self._width = max(self._width, float(scaling.first))

    @property
    def places(self) -> int:
        return max(1, min(int(self._width), self._scaling.limit))

    @property
    def pollers(self) -> int:
        """As many as so many places take in provisioned mode."""
        return math.ceil(self.places / PER_POLLER)

    def is_too_narrow(self, now: float) -> None:
        """All places are taken and messages wait."""
        if self._grown_at is not None:
            grown = self._width + (now - self._grown_at) * self._scaling.per_second
            self._width = min(grown, float(self._scaling.limit))
        self._grown_at = now

    def is_wide_enough(self) -> None:
        self._grown_at = None

    def has_emptied(self) -> None:
        """Nothing waits: the next rush starts small again."""
        self._width = self._scaling.first
        self._grown_at = None

    @property
    def can_grow(self) -> bool:
        return self.places < self._scaling.limit

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
