"""The first phase of an edit: render what it may have changed, check, and say what may be published.

    classification: what speaks against it?  ->  reach: which pages?  ->  runs: hugo  ->  checks: is it right?

Whatever does not hold ends in `Whole`, and the whole build is made at once. What is published here is right, but may
not be all; the whole build that follows in any case finds the rest (`ledger`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sitebuilder.partial import checks, classification, costs, learning, page_index, reach, runs
from sitebuilder.partial import graph as graphs
from sitebuilder.partial.checks import Passed, Refused
from sitebuilder.partial.classification import Partial, Whole
from sitebuilder.partial.graph import Graph
from sitebuilder.partial.learning import Lessons
from sitebuilder.partial.page_index import Page
from sitebuilder.partial.reach import Reach
from sitebuilder.partial.runs import HugoFailed
from sitebuilder.sources import Source

#: A second round renders the groups of which a sample changed; a third would be a whole build in slices.
MAX_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Ready:
    folder: Path
    publish: Mapping[str, str]
    """Path to MD5: publish these files of the folder. Nothing is ever deleted by a partial build."""
    edit: Partial
    reach: Reach
    kinds: tuple[str, ...] = ()
    """Of the edit, as `learning` counts them."""
    expected: float = 0.0
    """Seconds that it was thought to take."""


class Renders(Protocol):
    """`runs.Runs` on the whole sources, or `cold.StubRuns` on as few as will do; the bytes are a whole build's."""

    def page_index(self) -> tuple[Page, ...]: ...

    def render_pages(self, paths: frozenset[str]) -> Path: ...


def build(
    graph: Graph,
    wanted: Mapping[str, Source],
    texts: Mapping[str, bytes],
    renders: Renders,
    published: Mapping[str, str],
    lessons: Lessons = learning.NONE,
    *,
    max_share: float = costs.MAX_SHARE,
) -> Ready | Whole:
    """`texts` is the content of the changed sources, `published` path to MD5 of what is on the website; more than
    `max_share` of a whole build's time is not worth it."""
    edit = classification.of_texts(graph, {key: graphs.text_of(wanted[key], text) for key, text in texts.items()})
    if isinstance(edit, Whole):
        return edit
    try:
        now = graph.pages if edit.body_only else renders.page_index()
        return classification.of_pages(graph, now) or _rendered(
            graph, now, edit, renders, published, lessons, max_share
        )
    except (HugoFailed, page_index.Unusable) as error:
        return Whole(str(error))


def kinds_of(edit: Partial, *pages: tuple[Page, ...]) -> tuple[str, ...]:
    """`pages` before and after it: a new one is only among these, and one may have got another type."""
    types = {page.type for each in pages for page in each if page.source in edit.changed}
    return learning.kinds_of(reach.edit_kind(edit), types)


def _rendered(
    graph: Graph,
    now: tuple[Page, ...],
    edit: Partial,
    renders: Renders,
    published: Mapping[str, str],
    lessons: Lessons,
    max_share: float,
) -> Ready | Whole:
    if not edit.changed <= {page.source for page in now}:
        unlisted = min(edit.changed - {page.source for page in now})
        return Whole(f"{unlisted} is none of the pages that hugo lists: a draft, or a part of another page")
    kinds = kinds_of(edit, graph.pages, now)
    if (why := learning.against(lessons, kinds)) is not None:
        return Whole(why)
    chosen: Reach | None = reach.find(graph, now, edit, lessons.rules)
    for _ in range(MAX_ROUNDS):
        if chosen is None:
            break
        expected = costs.expected(graph, chosen.rendered, with_index=not edit.body_only, pace=lessons.pace)
        if expected > max_share * graph.seconds:
            return Whole(f"{len(chosen.rendered)} pages would take about {expected:.1f} of {graph.seconds:.1f} s")
        folder = renders.render_pages(chosen.rendered)
        verdict = checks.judge(chosen, graph.pages, now, runs.digests(folder), published)
        if isinstance(verdict, Passed):
            return Ready(folder, verdict.publish, edit, chosen, kinds, expected)
        if isinstance(verdict, Refused):
            return Whole(verdict.why)
        chosen = reach.widen(chosen, verdict.groups)
    return Whole("too many pages follow the edit")
