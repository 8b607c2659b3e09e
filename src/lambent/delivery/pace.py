"""How wide a function is run: quick ones need few environments, slow ones many.

A function that answers within a millisecond reaches its best throughput with few environments, more of them only cost
cold starts and memory. One that waits for something else can have as many as there are places. So the width starts
small and grows with the time the function takes: by what it took lately, as measured in its environment (our own
queueing must not count, or a busy machine would be made busier), and by how long the oldest running invocation has
taken so far.
"""

from dataclasses import field

from lambent.kit.frozen import mutable

#: Environments a function may have at once, however quick it is.
NARROWEST = 8

#: One more for each so many milliseconds an invocation takes.
MS_PER_FURTHER = 10.0

#: So long an answer may be owed before that says something about the function: a cold start on a busy machine, and
#: before the first answer of all the start of a whole runtime.
PATIENCE_SECONDS = 0.25
FIRST_PATIENCE_SECONDS = 3.0

#: Weight of the latest duration in the running mean.
LATEST_WEIGHT = 0.2


@mutable
class Pace:
    """Of one function; `now` is in seconds of a monotonic clock."""

    mean_ms: float | None = None
    """None before the first answer."""
    _started: dict[int, float] = field(default_factory=dict)
    _tickets: int = 0
    _first_answer: float = 0.0
    """What started earlier waited for the runtime, so its time counts from here."""

    def start(self, now: float) -> int:
        """Returns what `end` wants back."""
        self._tickets += 1
        self._started[self._tickets] = now
        return self._tickets

    def end(self, ticket: int) -> None:
        del self._started[ticket]

    def note(self, duration_ms: float, now: float) -> None:
        """What an invocation took that has just answered."""
        if self.mean_ms is None:
            self.mean_ms = duration_ms
            self._first_answer = now
        self.mean_ms += (duration_ms - self.mean_ms) * LATEST_WEIGHT

    def width(self, now: float) -> int:
        oldest = max(next(iter(self._started.values()), now), self._first_answer)
        patience = FIRST_PATIENCE_SECONDS if self.mean_ms is None else PATIENCE_SECONDS
        owed_ms = (now - oldest - patience) * 1000
        return NARROWEST + int(max(self.mean_ms or 0.0, owed_ms) / MS_PER_FURTHER)
