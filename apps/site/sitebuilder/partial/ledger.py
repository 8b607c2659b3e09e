"""What partial builds have published since the last whole one, so that the whole one can judge them.      (pure)"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sitebuilder.partial import checks, reach
from sitebuilder.partial.fast import Ready
from sitebuilder.partial.graph import Owners
from sitebuilder.partial.page_index import Page

#: The whole build begins so long after the last edit, and so long after the first one at most. After a quick one
#: nobody has to wait that long: it costs less to be wrong about the last edit.
QUIET_SECONDS, PATIENCE_SECONDS = 30.0, 300.0
QUIET_BUILDS = 5


@dataclass(frozen=True, slots=True)
class Ledger:
    """Empty: the website is a whole build's."""

    since: float = 0.0
    built_from: str = ""
    """Fingerprint of the sources of the last partial build."""
    published: Mapping[str, str] = field(default_factory=dict)
    """By the last partial build; it rendered the edits of those before it, too."""
    kinds: tuple[str, ...] = ()
    """Of the edits, as `learning` counts them."""
    left: tuple[str, ...] = ()
    """Pages that were too heavy for the last partial build: the whole one is known to follow with them."""
    pace: float = 0.0
    """As `costs` has it after the last partial build; 0: unknown."""

    @property
    def is_open(self) -> bool:
        return self.since > 0


@dataclass(frozen=True, slots=True)
class Settlement:
    misses: tuple[str, ...] = ()
    """Changed by the edits, and left out of the partial builds unawares."""
    deferred: tuple[str, ...] = ()
    """Changed by the edits, and left to the whole build knowingly: heavy lists, site maps, aliases, scripts."""
    wrong: tuple[str, ...] = ()
    """Published with other bytes: a bug, or a site that is not the same twice. There are to be none, ever."""
    rules: tuple[str, ...] = ()
    """That would have prevented the misses."""


def entered(ledger: Ledger, ready: Ready, *, built_from: str, now: float, pace: float = 0.0) -> Ledger:
    return replace(
        ledger,
        since=ledger.since or now,
        built_from=built_from,
        published=dict(ready.publish),
        kinds=tuple(sorted({*ready.kinds, *ledger.kinds})),
        left=tuple(sorted(ready.reach.left)),
        pace=pace,
    )


def due(ledger: Ledger, now: float, *, seconds: float) -> float:
    """When the whole build is to begin, which takes so many seconds."""
    quiet = min(QUIET_SECONDS, QUIET_BUILDS * seconds)
    return max(now, min(now + quiet, ledger.since + PATIENCE_SECONDS))


def settle(
    ledger: Ledger, pages: Iterable[Page], built: Mapping[str, str], published: Mapping[str, str], built_from: str
) -> Settlement | None:
    """Of a whole build: `pages` as it showed them, `published` the website before it.

    None: there was no partial build, or the whole one is of other sources, and so no judge of it.
    """
    if not ledger.is_open or built_from != ledger.built_from:
        return None
    every = tuple(pages)
    owners, by_path = Owners(every), {page.path: page for page in every}
    changed = sorted(path for path, digest in built.items() if published.get(path) != digest)
    wrong = tuple(path for path in changed if path in ledger.published)
    deferred = tuple(path for path in changed if checks.is_left(owners.of(path), path, ledger.left, published))
    misses = tuple(path for path in changed if path not in {*wrong, *deferred})
    missed = dict.fromkeys(by_path[owner] for path in misses if (owner := owners.of(path)) is not None)
    rules = dict.fromkeys(reach.rule(kind, page) for page in missed for kind in ledger.kinds)
    return Settlement(misses, tuple(path for path in deferred if path not in wrong), wrong, tuple(rules))


def encode(ledger: Ledger) -> bytes:
    document = {
        "since": ledger.since,
        "built_from": ledger.built_from,
        "published": dict(ledger.published),
        "kinds": ledger.kinds,
        "left": ledger.left,
        "pace": ledger.pace,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def decode(content: bytes) -> Ledger:
    """One of a former version has no kinds: its partial builds are settled without a lesson."""
    document = json.loads(content)
    kinds, left = (tuple(document.get(name, ())) for name in ("kinds", "left"))
    pace = document.get("pace", 0.0)
    return Ledger(document["since"], document["built_from"], document["published"], kinds, left, pace)
