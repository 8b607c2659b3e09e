"""What the whole build's verdicts have taught about partial ones, kept in learned.json.                     (pure)

A page that a partial build left out unawares is a *miss*. The first of a sort teaches a rule: edits of that kind reach
pages like this one. If the same sort is missed again, or three builds of a week missed something, the kind of edit is
*closed*: such edits are built whole at once. So no miss is repeated for ever. Neither are partial builds that come to
nothing: three in succession close the kind, too. The way back is evidence: each whole build of a closed kind is
compared with what a partial one would have published (`hindsight`), and after enough edits in succession that it would
have got complete, the kind is opened; twice as many after each closing. Changed templates open every kind, for what was
seen was seen of others; rules stay, for all they cost is time.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

WEEK_SECONDS = 7 * 24 * 3600.0
#: So many builds of a week that missed something close the kind of edit.
MISSES_A_WEEK = 3
#: Edits in succession that a partial build would have got complete, until the kind is opened again.
CLEAN_EDITS = 5
#: Partial builds in succession that came to nothing, because the edit changed more than it should: of a theme whose
#: pages all name the digest of one search index, every edit does.
MAX_REFUSALS = 3
#: Rules learned; older ones make room.
MAX_RULES = 40


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one kind of edit."""

    misses: tuple[float, ...] = ()
    """When a build missed something, within a week of the last one."""
    closed_at: float = 0.0
    """0: open."""
    closings: int = 0
    clean: int = 0
    """Edits since it was closed, in succession, that a partial build would have got complete."""
    refusals: int = 0
    """Partial builds in succession that were made for nothing."""

    @property
    def is_closed(self) -> bool:
        return self.closed_at > 0

    @property
    def needed(self) -> int:
        """Clean edits until it opens."""
        return CLEAN_EDITS << max(self.closings - 1, 0)


@dataclass(frozen=True, slots=True)
class Lessons:
    templates: str = ""
    """Digest of the templates that the standings are about."""
    rules: tuple[str, ...] = ()
    kinds: Mapping[str, Standing] = field(default_factory=dict)
    wrong: str = ""
    """What a partial build published with wrong bytes: there is none any more until the templates change."""
    pace: float = 1.0
    """What partial builds took, of what they were expected to (`costs`)."""


#: Of a site that has missed nothing yet.
NONE = Lessons()


def kinds_of(edit_kind: str, types: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{edit_kind}|{of}" for of in sorted(set(types)))


def of_templates(lessons: Lessons, templates: str) -> Lessons:
    """As far as they are about these templates."""
    return lessons if lessons.templates == templates else Lessons(templates, lessons.rules, pace=lessons.pace)


def against(lessons: Lessons, kinds: Iterable[str]) -> str | None:
    """What speaks against a partial build of such an edit."""
    closed = [kind for kind in kinds if lessons.kinds.get(kind, Standing()).is_closed]
    return f"{_spoken(closed[0])} are built whole: partial builds missed pages, or came to nothing" if closed else None


def missed(lessons: Lessons, kinds: Iterable[str], rules: Iterable[str], now: float) -> Lessons:
    """A partial build of these kinds of edit missed something; `rules` would have prevented it."""
    wanted = tuple(rules)
    standings = dict(lessons.kinds)
    for kind in kinds:
        standings[kind] = _missed(
            standings.get(kind, Standing()),
            is_repeated=any(rule in lessons.rules for rule in wanted if rule.startswith(f"{kind}|")),
            now=now,
        )
    rules_now = tuple(dict.fromkeys((*lessons.rules, *wanted)))
    return replace(lessons, rules=rules_now[-MAX_RULES:], kinds=standings)


def refused(lessons: Lessons, kinds: Iterable[str], now: float) -> Lessons:
    """A partial build of these kinds of edit came to nothing, or would have."""
    standings = dict(lessons.kinds)
    for kind in kinds:
        before = standings.get(kind, Standing())
        if not before.is_closed:
            again = replace(before, refusals=before.refusals + 1)
            is_enough = again.refusals >= MAX_REFUSALS
            standings[kind] = Standing((), closed_at=now, closings=before.closings + 1) if is_enough else again
    return replace(lessons, kinds=standings)


def accepted(lessons: Lessons, kinds: Iterable[str]) -> Lessons:
    """A partial build of these kinds of edit was published."""
    known = {kind: replace(each, refusals=0) for kind in kinds if (each := lessons.kinds.get(kind)) and each.refusals}
    return replace(lessons, kinds={**lessons.kinds, **known}) if known else lessons


def looked_back(lessons: Lessons, kinds: Iterable[str], *, was_complete: bool) -> Lessons:
    """A whole build in place of a partial one, because a kind is closed: would the partial one have been complete?"""
    standings = {
        kind: _looked_back(standing, was_complete=was_complete)
        for kind in kinds
        if (standing := lessons.kinds.get(kind, Standing())).is_closed
    }
    return replace(lessons, kinds={**lessons.kinds, **standings})


def news(before: Lessons, after: Lessons) -> tuple[str, ...]:
    """What is new, as sentences for people."""
    told = [f"learned: {_rule_spoken(rule)}" for rule in after.rules if rule not in before.rules]
    for kind, standing in sorted(after.kinds.items()):
        was = before.kinds.get(kind, Standing()).is_closed
        if standing.is_closed and not was:
            told.append(
                f"closed: {_spoken(kind)} are built whole until {standing.needed} of them would have missed none"
            )
        elif was and not standing.is_closed:
            told.append(f"opened: {_spoken(kind)} may be built partially again")
    told += [
        f"opened: {_spoken(kind)} may be built partially again, the templates changed" for kind in _gone(before, after)
    ]
    return tuple(told)


def encode(lessons: Lessons) -> bytes:
    kinds = {kind: {**asdict(standing), "needed": standing.needed} for kind, standing in lessons.kinds.items()}
    return json.dumps({**asdict(lessons), "kinds": kinds}, ensure_ascii=False).encode()


def decode(content: bytes) -> Lessons:
    """What cannot be read has to be learned again."""
    try:
        document = json.loads(content)
        kinds = {
            kind: Standing(
                tuple(each["misses"]), each["closed_at"], each["closings"], each["clean"], each.get("refusals", 0)
            )
            for kind, each in document["kinds"].items()
        }
        return Lessons(
            document["templates"], tuple(document["rules"]), kinds, document["wrong"], document.get("pace", 1.0)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Lessons()


def _missed(standing: Standing, *, is_repeated: bool, now: float) -> Standing:
    recent = (*(at for at in standing.misses if at > now - WEEK_SECONDS), now)
    if not (is_repeated or len(recent) >= MISSES_A_WEEK):
        return replace(standing, misses=recent)
    return Standing((), closed_at=now, closings=standing.closings + 1)


def _looked_back(standing: Standing, *, was_complete: bool) -> Standing:
    if not was_complete:
        return replace(standing, clean=0)
    if standing.clean + 1 < standing.needed:
        return replace(standing, clean=standing.clean + 1)
    return Standing(closings=standing.closings)


def _gone(before: Lessons, after: Lessons) -> list[str]:
    return sorted(kind for kind, each in before.kinds.items() if each.is_closed and kind not in after.kinds)


def _spoken(kind: str) -> str:
    edit_kind, _, of = kind.partition("|")
    return f"edits of {'texts' if edit_kind == 'body' else 'front matter'} of the type {of!r}"


def _rule_spoken(rule: str) -> str:
    edit_kind, of, kind, *like = rule.split("|")
    layout = f" of the layout {like[1]!r}" if like[1:] and like[1] else ""
    pages = "pages" if kind == "page" else f"{kind} pages"
    return f"{_spoken(f'{edit_kind}|{of}')} reach {pages} of the type {like[0]!r}{layout}"
