"""May what a partial build made be published?                                                              (pure)"""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass

from sitebuilder.partial.graph import Owners
from sitebuilder.partial.page_index import Page
from sitebuilder.partial.reach import Reach, Sampled

#: What belongs to no page and is one of these (aliases, site maps) waits for the whole build.
DOCUMENTS = (".html", ".htm", ".xml")


@dataclass(frozen=True, slots=True)
class Passed:
    publish: Mapping[str, str]
    """Path to MD5, of all that may be published; what is equal to the published is among it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Samples changed: the rest of their groups has to be rendered, too."""

    groups: tuple[Sampled, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    why: str


def judge(
    reach: Reach,
    before: tuple[Page, ...],
    now: tuple[Page, ...],
    built: Mapping[str, str],
    published: Mapping[str, str],
) -> Passed | Again | Refused:
    owners = Owners(now)
    changed = {
        owner
        for output, digest in built.items()
        if published.get(output) != digest and (owner := owners.of(output)) is not None
    }
    for page in before:
        if page.path in reach.rendered:
            for output in page.outputs:
                if output in published and output not in built:
                    return Refused(f"{output} was not made again")
    if hit := changed & reach.canaries:
        return Refused(f"{min(hit)} changed, which has nothing to do with the edit")
    groups = tuple(group for group in reach.sampled if group.samples & changed)
    if groups:
        return Again(groups)
    mine = {path: digest for path, digest in built.items() if _is_ours(path, owners.of(path), reach, published)}
    return Passed(mine)


def is_left(owner: str | None, output: str, left: Collection[str], published: Container[str] = ()) -> bool:
    """Was it known that the whole build would have to make this? `left` is the pages that were too heavy; their assets
    cannot be told from others. `published` is what was on the website before."""
    if owner is None:
        return bool(left) or output.endswith(DOCUMENTS) or output in published
    return owner in left


def _is_ours(output: str, owner: str | None, reach: Reach, published: Container[str]) -> bool:
    """Outputs of the pages asked for, and what they are the first to use (pictures, styles).

    What belongs to no page waits if it is a document (aliases), or on the website already: its name is not that of its
    content, so that pages which are not rendered here may have a say in it, or a static file of the site in its place.
    """
    if owner is None:
        return not output.endswith(DOCUMENTS) and output not in published
    return owner in reach.pages
