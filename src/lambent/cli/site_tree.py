"""A site's dependency tree as one document that a page can draw: who is made of what, as far as it is known.   (pure)

Two sources of knowledge. The *graph* is what the last whole build showed (`site_reach`): hugo's pages, their terms,
ancestors and neighbours, and who links to whom. What was *observed* are the generations that are kept: which outputs
came out different when which sources had changed. A site may have no graph, and a new one has neither.

Names stand in lists and are referred to by number, or a site of 10,000 pages would be tens of megabytes.
"""

import itertools
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lambent.cli import site_reach
from lambent.cli.site_state import Generation

#: Of a generation that changed more, only the numbers are told: it was a template, and reached everything.
MAX_OBSERVED_SOURCES, MAX_OBSERVED_OUTPUTS = 50, 2000
_PAGER = re.compile(r"^(?P<folder>.*/|)[^/]+/\d+(?:/index)?\.html?$")


class Names:
    """Numbers names in the order in which they first come."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))

    def all(self, names: Iterable[str]) -> list[int]:
        return [self.number(name) for name in names]


def document(graph: bytes | None, kept: Sequence[Generation]) -> dict[str, Any]:
    """`kept` has the newest generation first. The page's script (site_page_files/tree.js) says what it makes of it."""
    known = site_reach.decode(graph) if graph else None
    published = kept[0] if kept else None
    inputs, outputs, pages = Names(), Names(), Names()
    inputs.all(sorted({*(published.sources if published else ()), *(known["sources"] if known else ())}))
    outputs.all(sorted(published.outputs) if published else ())
    tree = _of_graph(known, inputs, outputs, pages) if known else {}
    return {
        "isKnown": known is not None,
        "refusal": known["refusal"] if known else "",
        "changedSince": _changed_since(known, published) if known and published else 0,
        "rows": [],
        "made": [],
        "linkers": [],
        **tree,
        "copies": [[inputs.number(key), outputs.number(path)] for path, key in published.copies.items()]
        if published
        else [],
        "observed": [_observed(new, old, inputs, outputs) for new, old in itertools.pairwise(kept)],
        "inputs": list(inputs.numbers),
        "outputs": list(outputs.numbers),
        "pages": list(pages.numbers),
    }


def _of_graph(known: Mapping[str, Any], inputs: Names, outputs: Names, pages: Names) -> dict[str, Any]:
    """`rows`: [page, its source or -1, terms, those above it, those beside it]; `made`: [page, outputs];
    `linkers`: [page, the pages that link to it, whether these are all].
    """
    rows = [
        [
            pages.number(page[site_reach.PATH]),
            inputs.number(page[site_reach.SOURCE]) if page[site_reach.SOURCE] else -1,
            *(pages.all(page[column]) for column in (site_reach.TERMS, site_reach.UP, site_reach.BESIDE)),
        ]
        for page in known["pages"]
    ]
    owners = {path: page[site_reach.PATH] for page in known["pages"] for path in page[site_reach.OUTPUTS]}
    made: dict[str, list[int]] = {}
    for path in (*outputs.numbers, *(path for path in owners if path not in outputs.numbers)):
        owner = _owner(path, owners)
        if owner is not None:
            made.setdefault(owner, []).append(outputs.number(path))
    weighed = [path for path, _ in known["weights"]]
    linkers = [
        [
            pages.number(weighed[target]),
            pages.all(dict.fromkeys(weighed[number] for group, _ in groups for number in group)),
            all(is_complete for _, is_complete in groups),
        ]
        for target, groups in known["links"]
    ]
    return {"rows": rows, "made": [[pages.number(page), those] for page, those in made.items()], "linkers": linkers}


def _owner(path: str, owners: Mapping[str, str]) -> str | None:
    """The page that an output belongs to, as the builder has it (`sitebuilder.partial.graph.Owners`): further pagers
    are the list's, and the home page's other formats stand beside it.
    """
    if path in owners:
        return owners[path]
    pager = _PAGER.match(path)
    if pager:
        return owners.get(f"{pager['folder']}index.html")
    folder, name = posixpath.split(path)
    return owners.get(posixpath.join(folder, "index.html")) if name.startswith("index.") else None


def _observed(new: Generation, old: Generation, inputs: Names, outputs: Names) -> dict[str, Any]:
    """What came out different, and which sources were; too many of either are only counted."""
    sources, paths = _differing(new.sources, old.sources), _differing(new.outputs, old.outputs)
    are_few = len(sources) <= MAX_OBSERVED_SOURCES and len(paths) <= MAX_OBSERVED_OUTPUTS
    return {
        "generation": new.number,
        "at": new.at,
        "sources": len(sources),
        "changed": len(paths),
        "inputs": inputs.all(sources) if are_few else [],
        "outputs": outputs.all(paths) if are_few else [],
    }


def _changed_since(known: Mapping[str, Any], published: Generation) -> int:
    """How many of the sources that the graph knows are others by now."""
    return sum(published.sources.get(key) != text[0] for key, text in known["sources"].items())


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
