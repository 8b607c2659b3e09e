"""Which rules of a bus does an event concern? Patterns compiled, and looked up by the event's source.

Nearly every pattern names its sources, so a bus with hundreds of rules asks an event's own few, and those that name
none. Rules are per bus: those of strangers are never looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services.event_patterns import Pattern, compile_kept
from lambent.services.events.rules import Rule
from lambent.services.events.targets import Target


@frozen
class MatchedRule:
    rule: Rule
    targets: Sequence[Target]


@frozen
class _Compiled:
    matched: MatchedRule
    matches: Pattern


class RuleIndex:
    """Of one bus; made anew when a rule of it changes."""

    def __init__(self, rules: Iterable[MatchedRule]) -> None:
        self._of_source: defaultdict[str, list[_Compiled]] = defaultdict(list)
        self._of_any_source: list[_Compiled] = []
        for one in rules:
            compiled = _Compiled(one, compile_kept(one.rule.pattern))
            sources = _sources(one.rule.pattern)
            if sources is None:
                self._of_any_source.append(compiled)
            for source in sources or ():
                self._of_source[source].append(compiled)

    def matching(self, event: Mapping[str, Any]) -> list[MatchedRule]:
        candidates = (*self._of_source.get(event["source"], ()), *self._of_any_source)
        return [one.matched for one in candidates if one.matches(event)]


def _sources(pattern: str) -> set[str] | None:
    """The only ones that it can match; None if that is not said by plain names."""
    wanted = orjson.loads(pattern).get("source")
    if isinstance(wanted, list) and all(isinstance(one, str) for one in wanted):
        return set(wanted)
    return None
