"""What partial builds have published since the last whole one, so that the whole one can judge them.      (pure)"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sitebuilder.partial import reach
from sitebuilder.partial.fast import Ready
from sitebuilder.partial.graph import Graph, Owners

#: The whole build begins so long after the last edit, and so long after the first one at most.
QUIET_SECONDS, PATIENCE_SECONDS = 30.0, 300.0
#: Rules learned; older ones make room.
MAX_LEARNED = 40


@dataclass(frozen=True, slots=True)
class Ledger:
    """Empty: the website is a whole build's."""

    since: float = 0.0
    built_from: str = ""
    """Fingerprint of the sources of the last partial build."""
    published: Mapping[str, str] = field(default_factory=dict)
    """By the last partial build; it rendered the edits of those before it, too."""
    edits: tuple[tuple[str, str], ...] = ()
    """Kind of edit, and type of the edited page."""

    @property
    def is_open(self) -> bool:
        return self.since > 0


@dataclass(frozen=True, slots=True)
class Settlement:
    misses: tuple[str, ...]
    """Changed by the edits, and not published before the whole build."""
    wrong: tuple[str, ...]
    """Published with other bytes: a bug, or a site that is not the same twice. There are to be none, ever."""
    learned: tuple[str, ...]


def entered(ledger: Ledger, ready: Ready, graph: Graph, *, built_from: str, now: float) -> Ledger:
    types = {page.type for page in graph.pages if page.source in ready.edit.changed}
    edits = {(reach.edit_kind(ready.edit), of) for of in types}
    return replace(
        ledger,
        since=ledger.since or now,
        built_from=built_from,
        published=dict(ready.publish),
        edits=tuple(sorted(edits.union(ledger.edits))),
    )


def due(ledger: Ledger, now: float) -> float:
    """When the whole build is to begin."""
    return max(now, min(now + QUIET_SECONDS, ledger.since + PATIENCE_SECONDS))


def settle(
    ledger: Ledger, graph: Graph, built: Mapping[str, str], published: Mapping[str, str], built_from: str
) -> Settlement:
    """Of a whole build: `published` is the website before it. Other sources than the ledger's teach nothing."""
    if not ledger.is_open or built_from != ledger.built_from:
        return Settlement((), (), graph.learned)
    misses = tuple(sorted(path for path, digest in built.items() if published.get(path) != digest))
    wrong = tuple(path for path in misses if path in ledger.published)
    owners = Owners(graph.pages)
    pages = {page.path: page for page in graph.pages}
    learned = dict.fromkeys(graph.learned)
    for path in misses:
        page = pages.get(owners.of(path) or "")
        if page is not None and page.kind != "home":
            learned.update(dict.fromkeys(reach.rule(kind, edited, page) for kind, edited in ledger.edits))
    return Settlement(misses, wrong, tuple(learned)[-MAX_LEARNED:])


def encode(ledger: Ledger) -> bytes:
    document = {
        "since": ledger.since,
        "built_from": ledger.built_from,
        "published": dict(ledger.published),
        "edits": ledger.edits,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def decode(content: bytes) -> Ledger:
    document = json.loads(content)
    edits = tuple((kind, of) for kind, of in document["edits"])
    return Ledger(document["since"], document["built_from"], document["published"], edits)
