"""Is a count still moving? Tells a slow client from one that only holds a place."""


class Progress:
    """`is_stalled` is asked every so often with the count so far; each time it has moved enough a new window begins."""

    __slots__ = ("_count", "_since")

    def __init__(self) -> None:
        self._since = 0.0
        self._count: int | None = None

    def restart(self) -> None:
        self._count = None

    def is_stalled(self, now: float, count: int, *, window_seconds: float, least: int) -> bool:
        if self._count is None:
            self._since, self._count = now, count
            return False
        if now - self._since < window_seconds:
            return False
        moved = abs(count - self._count)
        self._since, self._count = now, count
        return moved < least
