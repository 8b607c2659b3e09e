"""Names that nobody else has on the shared platform: all who make something there count together.

With a count for each service, a topic of one's tests had the name of another's, whenever one process ran both files.
"""

import itertools

_numbers = itertools.count(1)


def name(kind: str) -> str:
    """`name("topic")` -> "topic-17"; whatever their kinds, no two names end in the same number."""
    return f"{kind}-{next(_numbers)}"
