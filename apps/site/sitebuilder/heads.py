"""The site's head: which generation is published, and what a publication that is under way may have written.   (pure)

One small object, changed by conditional writes only. Writing it *is* the commit: everything it names is in place
before. Before the first upload it says `settled: false` and names every path that is about to change, so that a crash
in between can neither orphan a file nor pass for a finished publication.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace


@dataclass(frozen=True, slots=True)
class Release:
    """A generation whose objects are still kept."""

    generation: int
    name: str
    """Of its manifests: `out/NAME` and `src/NAME`."""
    at: float
    """Seconds since the epoch."""
    built_from: str
    """The fingerprint of all sources."""
    rendered_from: str = ""
    """The fingerprint of those that hugo saw: without the static files that were copied past it."""
    whole: str = ""
    """The manifests that these are differences from, or the same; "": written by a former version, which had none."""

    @property
    def manifests(self) -> frozenset[str]:
        """All that it takes to read them."""
        return frozenset({self.name, self.whole or self.name})


@dataclass(frozen=True, slots=True)
class Head:
    releases: tuple[Release, ...] = ()
    """Oldest first; the last one is published."""
    settled: bool = False
    unsure: tuple[str, ...] = ()
    """Paths that an unfinished publication may have written."""
    pinned: bool = False
    """Somebody rolled back: stays until the sources change."""
    due: float | None = None
    """When a post appears or expires next, as planned with the scheduler."""
    volatile: tuple[str, ...] = ()
    """Outputs that hugo makes differently each time, from the same sources."""
    full_ms: int = 0
    """What hugo took for the last whole build."""
    retired: Mapping[str, float] = field(default_factory=dict)
    """Fingerprinted files that no page refers to any more, and since when."""

    @property
    def current(self) -> Release | None:
        return self.releases[-1] if self.releases else None

    @property
    def generation(self) -> int:
        return self.releases[-1].generation if self.releases else 0

    @property
    def built_from(self) -> str:
        """The fingerprint of the sources whose publication is complete, or ""."""
        return self.releases[-1].built_from if self.settled and self.releases else ""


def intent(head: Head, paths: tuple[str, ...]) -> Head:
    """To leave before the first upload: all that may be there if we never come back."""
    return replace(head, settled=False, unsure=tuple(sorted({*head.unsure, *paths})))


def committed(head: Head, release: Release, *, keep: int) -> Head:
    """The head once the release is in place."""
    return replace(head, releases=(*head.releases, release)[-keep:], settled=True, unsure=(), pinned=False)


def encode(head: Head) -> bytes:
    return json.dumps(asdict(head), ensure_ascii=False).encode()


def decode(content: bytes) -> Head:
    """What a later version says besides is left out: the program may be set back to an earlier one."""
    names = {each.name for each in fields(Head)}
    document = {name: value for name, value in json.loads(content).items() if name in names}
    releases = tuple(Release(**release) for release in document.pop("releases"))
    unsure, volatile = tuple(document.pop("unsure")), tuple(document.pop("volatile"))
    return Head(releases=releases, unsure=unsure, volatile=volatile, **document)
