"""Which pages does a source reach, by the site's dependency graph?                                       (pure)

The graph (`graph.json.z` in the state bucket) is what the last whole build of a large site showed: its pages, and who
links to whom. Smaller sites have none: they are always built whole.
"""

import json
import zlib
from typing import Any

from lambent.kit.frozen import frozen

#: Of the document; another one is as good as none.
VERSION = 5
#: Columns of a page in the document.
PATH, SOURCE, OUTPUTS, TERMS, UP, BESIDE = 0, 5, 6, 7, 9, 10


@frozen
class Reached:
    page: str
    """hugo's logical path, such as /posts/a."""
    why: str
    outputs: tuple[str, ...]


def of_source(content: bytes, key: str) -> list[Reached]:
    """The page of that source and those that show something of it; empty if the graph does not know the source."""
    document = decode(content)
    if document is None:
        return []
    outputs: dict[str, list[str]] = {}
    for page in document["pages"]:
        outputs.setdefault(page[PATH], []).extend(page[OUTPUTS])
    linkers = _linkers(document)
    whys: dict[str, str] = {}
    for page in (page for page in document["pages"] if page[SOURCE] == key):
        for why, paths in (
            ("made of it", [page[PATH]]),
            ("lists it under a term", page[TERMS]),
            ("lists it, being above it", page[UP]),
            ("stands beside it", page[BESIDE]),
            ("links to it", linkers.get(page[PATH], [])),
        ):
            for path in paths:
                whys.setdefault(path, why)
    return [Reached(path, why, tuple(outputs.get(path, ()))) for path, why in whys.items()]


def _linkers(document: dict[str, Any]) -> dict[str, list[str]]:
    """Page to the pages that link to it; of very many, those that were remembered."""
    names = [path for path, _ in document["weights"]]
    return {
        names[target]: [names[number] for group, _ in groups for number in group]
        for target, groups in document["links"]
    }


def decode(content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(zlib.decompress(content))
    except (ValueError, zlib.error):
        return None
    return document if isinstance(document, dict) and document.get("version") == VERSION else None
