"""How wide a function is run: quick ones need few environments, slow ones many.

A function that answers within a millisecond reaches its best throughput with few environments, more of them only cost
cold starts and memory. One that waits for something else can have as many as there are places. So the width starts
small and grows with the time the function takes: by what it took lately, and by how long the oldest running
invocation has taken so far.
"""

from dataclasses import dataclass, field

#: Environments a function may have at once, however quick it is.
NARROWEST = 8

#: One more for each so many milliseconds an invocation takes.
MS_PER_FURTHER = 10.0

#: Weight of the latest duration in the running mean.
LATEST_WEIGHT = 0.2


@dataclass(slots=True)
class Pace:
    """Of one function; times in seconds of a monotonic clock."""

    mean_seconds: float = 0.0
    _started: dict[int, float] = field(default_factory=dict)
    _tickets: int = 0

    def start(self, now: float) -> int:
        """Returns what `end` wants back."""
        self._tickets += 1
        self._started[self._tickets] = now
        return self._tickets

    def end(self, ticket: int, now: float) -> None:
        took = now - self._started.pop(ticket)
        self.mean_seconds += (took - self.mean_seconds) * LATEST_WEIGHT

    def width(self, now: float) -> int:
        oldest = next(iter(self._started.values()), now)
        return NARROWEST + int(max(self.mean_seconds, now - oldest) * 1000 / MS_PER_FURTHER)
