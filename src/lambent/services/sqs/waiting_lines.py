"""Who waits for messages: a line for each queue. Only its first hears of commits and heeds the clock.

A message that comes would otherwise wake all who wait for it, and all but one for nothing. When the first leaves, the
next one is told so: it has to look for itself, since what its predecessor has heard nobody else has.
"""

import contextlib
from collections.abc import Iterator

from lambent.storage.database import Database
from lambent.storage.signal import Signal


class Place:
    """Of one who waits."""

    __slots__ = ("bell", "is_first", "topic")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.bell = Signal()
        """Rings when there is a reason to look: for the first after each commit that concerns the queue."""
        self.is_first = False


class WaitingLines:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: dict[str, dict[Place, None]] = {}
        """Topic of a queue -> places, the longest held first."""

    @contextlib.contextmanager
    def place(self, topic: str) -> Iterator[Place]:
        """One at the end of the line."""
        place = Place(topic)
        self._lines.setdefault(topic, {})[place] = None
        self._see_to_the_first(topic)
        try:
            yield place
        finally:
            self._leave(place)

    def ring_all(self) -> None:
        for line in self._lines.values():
            for place in line:
                place.bell.ring()

    def _leave(self, place: Place) -> None:
        topic = place.topic
        line = self._lines[topic]
        del line[place]
        if place.is_first:
            self._database.unsubscribe(topic, place.bell)
        if line:
            self._see_to_the_first(topic)
        else:
            del self._lines[topic]

    def _see_to_the_first(self, topic: str) -> None:
        first = next(iter(self._lines[topic]))
        if not first.is_first:
            first.is_first = True
            self._database.subscribe(topic, first.bell)
            first.bell.ring()
