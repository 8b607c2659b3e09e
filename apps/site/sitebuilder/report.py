"""What became of one look at the sources.                                                               (pure)"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from sitebuilder.sources import Source

#: A report names so many of the published files and changed sources, and repeats so many warnings.
MAX_NAMES = 50


@dataclass(frozen=True, slots=True)
class Report:
    outcome: str
    """published; unchanged; drawn: unchanged, and its dependency tree can be read; failed: the sources are wrong; held:
    too much would be deleted; pinned: rolled back, and no source has changed since; waiting: for hugo's configuration;
    left: not our turn; seen: no news."""
    uploaded: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    kept: int = 0
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fetched: int = 0
    sync_ms: int = 0
    hugo_ms: int = 0
    publish_ms: int = 0
    generation: int = 0
    cause: str = ""
    """A change of the sources; asked, timer, verify, confirmed, unpinned, rollback."""
    changed: tuple[str, ...] = ()
    """Sources, as `+new`, `~changed`, `-gone`."""
    mode: str = ""
    """full: hugo built everything; partial: the pages an edit may have changed, and full follows; static: nothing that
    hugo sees has changed; rollback."""
    why: str = ""
    """Of the mode."""
    bytes_down: int = 0
    bytes_up: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    """To S3, by operation and bucket, with the turn in hand: its taking and giving back are not among them, nor the
    note of this report in the history."""
    restarts: int = 0
    misses: tuple[str, ...] = ()
    """What the partial builds before this whole one left out unawares; `deferred`: knowingly, because it is heavy."""
    deferred: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()
    """What follows from the misses: rules, kinds of edit that are built whole for a while, and again not."""
    flaps: tuple[str, ...] = ()
    """Outputs that hugo would have changed for no reason."""
    lint: tuple[str, ...] = ()
    """Advice: what flaps and why, terms that read alike."""

    def as_document(self) -> dict[str, object]:
        """As JSON for callers and for the note beside the turn: counts, and some names."""
        names = [*self.uploaded, *self.deleted]
        return {
            **asdict(self),
            "uploaded": len(self.uploaded),
            "deleted": len(self.deleted),
            "names": names[:MAX_NAMES],
            "changed": self.changed[:MAX_NAMES],
            "changes": len(self.changed),
            "misses": self.misses[:MAX_NAMES],
            "deferred": self.deferred[:MAX_NAMES],
            "flaps": self.flaps[:MAX_NAMES],
            "warnings": self.warnings[:MAX_NAMES],
        }


def changes(before: Mapping[str, Source], after: Mapping[str, Source]) -> tuple[str, ...]:
    """What differs in content: the same bytes uploaded again are no change to a person."""
    return tuple(
        f"{'+' if key not in before else '-' if key not in after else '~'}{key}"
        for key in sorted(before.keys() | after.keys())
        if key not in before or key not in after or before[key].etag != after[key].etag
    )
