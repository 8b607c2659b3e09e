"""Is this a change for a partial build, or does it need the whole one at once?                           (pure)

Partial is for what people do all day: a text, a title, a tag, a new post. Everything else changes the site in ways that
are not worth guessing, or takes something off it, which must not wait for a second build.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sitebuilder.partial import graph as graphs
from sitebuilder.partial.graph import Graph, Text
from sitebuilder.partial.page_index import Page
from sitebuilder.sources import Source

#: Several people at once; more is a migration.
MAX_CHANGED = 50


@dataclass(frozen=True, slots=True)
class Whole:
    why: str


@dataclass(frozen=True, slots=True)
class Partial:
    changed: frozenset[str]
    body_only: bool
    """No front matter changed, so the page index is still true."""


def changed_keys(graph: Graph, wanted: Mapping[str, Source]) -> frozenset[str]:
    """Added, changed and removed since the whole build."""
    known = graph.sources
    same = {key for key, source in wanted.items() if key in known and _is_same(known[key], source)}
    return frozenset((wanted.keys() | known.keys()) - same)


def of_site(graph: Graph | None, recipe: str, *, threshold: float) -> Whole | None:
    """What speaks against every partial build of this site. Whole builds of up to `threshold` seconds are quick."""
    if graph is None:
        return Whole("nothing is known of the last whole build")
    if graph.recipe != recipe:
        return Whole("the function or its settings changed")
    if graph.seconds <= threshold:
        return Whole("whole builds are quick here")
    return Whole(graph.refusal) if graph.refusal else None


def of_change(wanted: Mapping[str, Source], changed: frozenset[str]) -> Whole | None:
    """What speaks against it in the names of what changed; the texts need not be there yet."""
    if not changed:
        return Whole("nothing changed")
    if len(changed) > MAX_CHANGED:
        return Whole(f"{len(changed)} sources changed")
    for key in sorted(changed):
        if key not in wanted:
            return Whole(f"{key} was removed")
        if not graphs.is_text(key):
            return Whole(f"{key} is not a page")
    return None


def of_texts(graph: Graph, now: Mapping[str, Text]) -> Whole | Partial:
    """`now` is the changed texts as they are."""
    body_only = True
    for key, text in sorted(now.items()):
        before = graph.sources.get(key)
        if before is None:
            body_only = False
        elif not text.front or text.front != before.front:
            body_only = False
            if not text.sensitive or text.sensitive != before.sensitive:
                return Whole(f"{key}: a field of its front matter changed that other pages may follow")
            if key.rpartition("/")[2].startswith("_index."):
                return Whole(f"{key}: the front matter of a section changed")
    return Partial(frozenset(now), body_only)


def of_pages(graph: Graph, now: tuple[Page, ...]) -> Whole | None:
    """With the page index made anew: does anything leave the website?"""
    there = {(page.path, page.lang): page for page in now}
    for page in graph.pages:
        after = there.get((page.path, page.lang))
        if after is None or (page.kind != "home" and not set(page.outputs) <= set(after.outputs)):
            return Whole(f"{page.path} is unpublished or has moved")
    refusal = graphs.refuse(now, graphs.Owners(now).collisions, graph.findings)
    return Whole(refusal) if refusal else None


def _is_same(before: Text, now: Source) -> bool:
    return before.etag == now.etag and before.modified == now.modified
