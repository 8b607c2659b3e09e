"""Moments: when in the history of a table a change was made, as one number.

A moment is a millisecond and a number within it. The moments of one table's changes grow in the order of their commits,
also when the clock is set back, so all changes from one moment on are the end of the history, and undoing them leaves a
state that the table once had. The changes of one transaction share a millisecond: no cut between two tears it.
"""

#: Changes of one table in a millisecond; far more than can be written in one.
_PER_MS: int = 2**20
#: Behind every change; what a column of the database can hold at most.
NEVER: int = 2**63 - 1


def first_of(time_ms: int) -> int:
    """The first moment of a millisecond."""
    return time_ms * _PER_MS


def next_after(head: int, time_ms: int) -> int:
    """Of a change at that time, where `head` is the last one's."""
    return max(head + 1, first_of(time_ms))


def first_free(head: int) -> int:
    """The first millisecond that has no change yet."""
    return -(-head // _PER_MS)


def cut_behind(time_ms: int, head: int, *, since_ms: int) -> int:
    """The first moment that the state at a time does not have, in a history that begins with `since_ms`.

    What is written from now on is in no state of the past.
    """
    return min(head + 1, max(first_of(time_ms + 1), first_of(since_ms) + 1))
