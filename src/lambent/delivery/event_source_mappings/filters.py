"""FilterCriteria: which records a function is to see. Any of the patterns is enough; without patterns, all are wanted.

"With the FilterCriteria object, Lambda delivers what matches and passes over the rest", which is settled all the same:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from collections.abc import Callable, Sequence
from typing import Any

from lambent.services.event_patterns import compile_pattern

IsWanted = Callable[[dict[str, Any]], bool]
"""An event record -> whether it is delivered."""


def compile_filters(patterns: Sequence[str]) -> IsWanted | None:
    """None: everything is wanted. The patterns were checked when the mapping was made."""
    compiled = [compile_pattern(pattern) for pattern in patterns]
    if not compiled:
        return None
    if len(compiled) == 1:
        return compiled[0]
    return lambda event: any(matches(event) for matches in compiled)
