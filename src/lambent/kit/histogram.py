"""Histogram: how many of a kind of numbers were how large, since the start: one comparison and an addition each."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Written by one thread; a reader in another may see it a number behind."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Upper bounds, in order; above the last there is one more count."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
