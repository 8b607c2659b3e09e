"""The main path: bring the website up to date with the sources.

S3 is the truth. With the turn in hand: list the sources, fetch what changed (`materials`), run hugo (`rendering`),
publish what differs (`publisher`); give the turn back, and look once more if somebody came in meanwhile, found the turn
taken and left it to us. What one round does is in `rounds`.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sitebuilder import buckets, history, turns
from sitebuilder.events import Asked, Look
from sitebuilder.materials import MAX_LISTINGS, StillChanging
from sitebuilder.report import Report
from sitebuilder.rounds import Rounds
from sitebuilder.sources import Source
from sitebuilder.state import HISTORY
from sitebuilder.turn_keeper import TurnKeeper
from sitebuilder.turns import Decision

#: Another round begins only with this much of the invocation's time left.
MIN_ROUND_SECONDS = 5.0
#: Between two attempts of a requested build to have the turn.
WAIT_SECONDS = 0.1
#: Several sources changed: somebody is uploading. We begin when two listings so far apart are the same.
QUIET_SECONDS = 0.25
MAX_QUIET_SECONDS = 5.0
#: Outcomes worth keeping beside the turn, for tools that wait for one.
REMEMBERED = frozenset({"published", "failed", "held"})


@dataclass(frozen=True, slots=True)
class Site:
    rounds: Rounds
    quiet_seconds: float = QUIET_SECONDS

    def turn(self, request_id: str, *, deadline: float) -> TurnKeeper:
        """Of an invocation."""
        rounds = self.rounds
        return TurnKeeper(rounds.state, request_id=request_id, recipe=rounds.settings.recipe, deadline=deadline)

    def bring_up_to_date(self, turn: TurnKeeper, wake: Look | Asked, *, deadline: float) -> Iterator[Report]:
        """One report per round, as it ends; raises for what a retry may mend (S3 faults, a killed hugo)."""
        decision = self._take(turn, wake, deadline)
        if decision is not Decision.TAKE:
            yield Report("seen" if decision is Decision.NOTHING_NEW else "left")
        while decision is Decision.TAKE:
            wanted, report, was_called = self._finish_round(turn, wake, deadline)
            yield report
            if not was_called or self.rounds.listed() == wanted:
                return
            wake = Look(changes=None)
            decision = self._take(turn, wake, deadline)

    def _finish_round(
        self, turn: TurnKeeper, wake: Look | Asked, deadline: float
    ) -> tuple[Mapping[str, Source], Report, bool]:
        """A round, and the turn given back whatever comes of it; did anybody call for it meanwhile?"""
        seen = last_build = None
        traffic = self.rounds.traffic
        before = traffic.counts() if traffic else Counter[tuple[str, str]]()
        try:
            wanted, report = self._round(turn, wake, deadline)
            if traffic:
                report = replace(report, requests=self._told(traffic.counts() - before))
            seen = turns.see(wanted, self.rounds.settings.recipe, *self.rounds.state.last_sources())
            if report.outcome in REMEMBERED:
                last_build = {"at": time.time(), **report.as_document()}
                self._note(last_build)
        finally:
            was_called = turn.give_back(seen=seen, last_build=last_build)
        return wanted, report, was_called

    def _round(self, turn: TurnKeeper, wake: Look | Asked, deadline: float) -> tuple[Mapping[str, Source], Report]:
        for _ in range(MAX_LISTINGS):
            if deadline - time.time() < MIN_ROUND_SECONDS:
                break
            try:
                wanted = self.rounds.listed()
                if isinstance(wake, Look):
                    wanted = self._when_quiet(turn, wanted)
                return self.rounds.run(wanted, turn, wake, deadline)
            except buckets.Changed:  # a static file, while it was copied: the next round sees what it is now
                continue
        raise StillChanging(
            f"less than {MIN_ROUND_SECONDS:.0f} s are left for a build: the sources keep changing, "
            "or the function's timeout is too short"
        )

    def _when_quiet(self, turn: TurnKeeper, wanted: dict[str, Source]) -> dict[str, Source]:
        """The listing as it is; but in the middle of an upload, the one after it.

        A single changed file is built at once. More than one belong together, and others may follow: without waiting,
        an upload of two hundred files within a second would take as many builds as fit into that second.
        """
        if turns.count_news(turn.seen_before, wanted) <= 1:
            return wanted
        end = time.monotonic() + MAX_QUIET_SECONDS
        while time.monotonic() < end:
            time.sleep(self.quiet_seconds)
            before, wanted = wanted, self.rounds.listed()
            if before == wanted:
                break
        return wanted

    def _take(self, turn: TurnKeeper, wake: Look | Asked, deadline: float) -> Decision:
        """Whoever has the turn will see a change of the sources, but no request to build regardless: that one waits."""
        while (decision := turn.take(wake)) is Decision.LEAVE and not isinstance(wake, Look):
            if deadline - time.time() < MIN_ROUND_SECONDS:
                break
            time.sleep(WAIT_SECONDS)
        return decision

    def _told(self, requests: Mapping[tuple[str, str], int]) -> dict[str, int]:
        rounds = self.rounds
        roles = {rounds.state.bucket.name: "state", rounds.website.name: "website", rounds.source.name: "source"}
        return {f"{operation} ({roles[bucket]})": count for (operation, bucket), count in sorted(requests.items())}

    def _note(self, build: Mapping[str, object]) -> None:
        state = self.rounds.state
        found = state.read(HISTORY)
        state.write(HISTORY, history.appended(found[0] if found else None, build))
