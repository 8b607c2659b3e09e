"""Would a partial build have got this edit complete?                                                      (pure)

Asked after a whole build of an edit that had no partial one, or one that came to nothing (`learning`): the same choice
of pages as a partial build would have made, held against what has really changed. Nothing is rendered for it.
"""

from collections.abc import Iterable, Mapping

from sitebuilder.partial import checks, reach
from sitebuilder.partial.classification import Partial
from sitebuilder.partial.graph import Graph, Owners
from sitebuilder.partial.page_index import Page
from sitebuilder.partial.reach import Reach

#: As a partial build has.
MAX_ROUNDS = 2


def was_complete(
    graph: Graph,
    now: tuple[Page, ...],
    edit: Partial,
    rules: Iterable[str],
    *,
    built: Mapping[str, str],
    published: Mapping[str, str],
) -> bool | None:
    """None: it would have been refused. Assets follow their pages, which cannot be seen here."""
    owners = Owners(now)
    changed = {owner for path, digest in built.items() if published.get(path) != digest and (owner := owners.of(path))}
    chosen: Reach | None = reach.find(graph, now, edit, rules)
    for _ in range(MAX_ROUNDS):
        if chosen is None or chosen.canaries & changed:
            return None
        groups = tuple(group for group in chosen.sampled if group.samples & changed)
        if not groups:
            return all(owner in chosen.pages or checks.is_left(owner, "", chosen.left) for owner in changed)
        chosen = reach.widen(chosen, groups)
    return None
