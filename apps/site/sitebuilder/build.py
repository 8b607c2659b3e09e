"""The main path: bring the website up to date with the sources.

S3 is the truth. With the turn in hand: list the sources, fetch what changed, run hugo, publish what differs; give the
turn back and look once more, for a change that came in meanwhile found the turn taken and left it to us.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from sitebuilder import buckets, hugo, publication, sources, turns
from sitebuilder.buckets import Bucket
from sitebuilder.events import Build, Look
from sitebuilder.publication import Record
from sitebuilder.publisher import Publisher
from sitebuilder.settings import Settings
from sitebuilder.sources import Source
from sitebuilder.turn_keeper import TurnKeeper
from sitebuilder.turns import Decision
from sitebuilder.workspace import Workspace

#: Sources may change between listing and download; who changes them more often than this is served by the retry.
MAX_LISTINGS = 20
#: Another round begins only with this much of the invocation's time left.
MIN_ROUND_SECONDS = 5.0
#: Between two attempts of a requested build to have the turn.
WAIT_SECONDS = 0.1
#: Outcomes worth keeping beside the turn, for tools that wait for one.
REMEMBERED = frozenset({"published", "failed"})
#: A report names so many of the published files, and repeats so many warnings.
MAX_NAMES = 50


class StillChanging(Exception):
    """The sources change faster than the invocation's time allows to follow; Lambda's retry goes on from here."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one look at the sources."""

    outcome: str
    """published; unchanged; failed: the sources are wrong; waiting: for hugo's configuration; left: not our turn;
    seen: no news."""
    uploaded: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    kept: int = 0
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fetched: int = 0
    sync_ms: int = 0
    hugo_ms: int = 0
    publish_ms: int = 0

    def as_document(self) -> dict[str, object]:
        """As JSON for callers and for the note beside the turn: counts, and some names."""
        return {
            **asdict(self),
            "uploaded": len(self.uploaded),
            "deleted": len(self.deleted),
            "names": [*self.uploaded, *self.deleted][:MAX_NAMES],
            "warnings": self.warnings[:MAX_NAMES],
        }


@dataclass(frozen=True, slots=True)
class Site:
    settings: Settings
    source: Bucket
    website: Bucket
    publisher: Publisher
    workspace: Workspace

    def bring_up_to_date(self, turn: TurnKeeper, wake: Look | Build, *, deadline: float) -> Iterator[Report]:
        """One report per round, as it ends; raises for what a retry may mend (S3 faults, a killed hugo)."""
        decision = self._take(turn, wake, deadline)
        if decision is not Decision.TAKE:
            yield Report("seen" if decision is Decision.NOTHING_NEW else "left")
        while decision is Decision.TAKE:
            wanted, report = self._finish_round(turn, wake, deadline)
            yield report
            if self._listed() == wanted:
                return
            wake = Look(changes=None)
            decision = self._take(turn, wake, deadline)

    def _finish_round(
        self, turn: TurnKeeper, wake: Look | Build, deadline: float
    ) -> tuple[Mapping[str, Source], Report]:
        """A round, and the turn given back whatever comes of it."""
        seen = last_build = None
        try:
            if deadline - time.time() < MIN_ROUND_SECONDS:
                raise StillChanging(
                    f"less than {MIN_ROUND_SECONDS:.0f} s are left for a build: the sources keep changing, "
                    "or the function's timeout is too short"
                )
            wanted, report = self._round(wake, deadline)
            seen = turns.see(wanted, self.settings.recipe)
            if report.outcome in REMEMBERED:
                last_build = {"at": time.time(), **report.as_document()}
        finally:
            turn.give_back(seen=seen, last_build=last_build)
        return wanted, report

    def _take(self, turn: TurnKeeper, wake: Look | Build, deadline: float) -> Decision:
        """Whoever has the turn will see a change of the sources, but no request to build regardless: that one waits."""
        while (decision := turn.take(wake)) is Decision.LEAVE and isinstance(wake, Build):
            if deadline - time.time() < MIN_ROUND_SECONDS:
                break
            time.sleep(WAIT_SECONDS)
        return decision

    def _round(self, wake: Look | Build, deadline: float) -> tuple[Mapping[str, Source], Report]:
        """Look, and build if there is a reason to. The sources that were looked at, and what came of it."""
        begun = time.monotonic()
        record = self.publisher.record()
        there = {path: listed.etag for path, listed in self.website.list().items()}
        wanted: Mapping[str, Source] = self._listed()
        if not sources.has_configuration(wanted):
            return wanted, Report("waiting")
        if isinstance(wake, Look) and publication.is_current(record, self._fingerprint(wanted), there):
            return wanted, Report("unchanged", kept=len(record.objects))
        wanted, fetched = self._fetch(wanted)
        synced = Report("", fetched=fetched, sync_ms=_ms_since(begun))
        return wanted, self._build(synced, record, there, self._fingerprint(wanted), deadline)

    def _build(
        self, synced: Report, record: Record, there: Mapping[str, str], built_from: str, deadline: float
    ) -> Report:
        begun = time.monotonic()
        outcome = hugo.build(
            self.settings,
            source=self.workspace.source,
            destination=self.workspace.fresh_output(),
            cache=self.workspace.cache,
            seconds=deadline - time.time(),
        )
        self.workspace.forget_generated()
        report = replace(synced, warnings=outcome.warnings, hugo_ms=_ms_since(begun))
        if isinstance(outcome, hugo.Failed):
            return replace(report, outcome="failed", errors=outcome.errors)
        if not any(self.workspace.output.iterdir()):
            return replace(report, outcome="failed", errors=("hugo made no files at all",))
        begun = time.monotonic()
        plan = self.publisher.publish(self.workspace.output, record=record, there=there, built_from=built_from)
        return replace(
            report,
            outcome="published",
            uploaded=tuple(path for stage in plan.uploads for path in stage),
            deleted=plan.deletes,
            kept=len(plan.kept),
            publish_ms=_ms_since(begun),
        )

    def _fetch(self, wanted: Mapping[str, Source]) -> tuple[Mapping[str, Source], int]:
        """The sources fetched in the end, for they may change under our hands; and how many downloads it took."""
        for _ in range(MAX_LISTINGS):
            try:
                return wanted, len(self.workspace.sync(self.source, wanted).fetch)
            except buckets.Changed:
                wanted = self._listed()
        raise StillChanging(f"the sources changed during each of {MAX_LISTINGS} downloads")

    def _listed(self) -> dict[str, Source]:
        return sources.select(self.source.list())

    def _fingerprint(self, wanted: Mapping[str, Source]) -> str:
        return sources.fingerprint(wanted, self.settings.recipe)


def _ms_since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
