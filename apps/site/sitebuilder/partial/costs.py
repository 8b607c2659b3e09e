"""Is a partial build worth it, next to the whole one that follows in any case?                            (pure)

Measured at each whole build: what it took, and what a run of hugo takes that renders next to nothing (reading and
connecting all pages: the survey's index run). Between the two, rendering costs about as much as it writes. How far that
was off in the last partial builds of the site corrects the next guess.
"""

from collections.abc import Iterable

from sitebuilder.partial.graph import Graph

#: Of the whole build's time: a partial one that takes more saves too little, for the whole one is still to come.
MAX_SHARE = 0.5
#: The weight of the newest measurement, and how far a guess may be corrected: one slow moment is no rule.
_NEWEST, _LEAST, _MOST = 0.3, 0.25, 4.0
#: What is left of a correction after each whole build that had no partial one before it: a guess that forbids partial
#: builds could not be corrected otherwise.
_REMAINS = 0.8


def expected(graph: Graph, rendered: Iterable[str], *, with_index: bool, pace: float) -> float:
    """Seconds of hugo for these pages."""
    base = min(graph.base, graph.seconds)
    share = sum(graph.weights.get(path, 0) for path in rendered) / max(graph.total_weight, 1)
    return pace * (base * (2 if with_index else 1) + min(share, 1.0) * (graph.seconds - base))


def paced(pace: float, *, expected: float, taken: float) -> float:
    """The pace after one more partial build."""
    if expected <= 0:
        return pace
    corrected = pace * (1 - _NEWEST) + pace * taken / expected * _NEWEST
    return min(max(corrected, _LEAST), _MOST)


def relaxed(pace: float) -> float:
    """The pace after one more whole build without a partial one."""
    return round(1 + (pace - 1) * _REMAINS, 2)
