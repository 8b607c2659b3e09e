"""One round: from the sources as listed to a website that is what they say, or to the reason why not.

The main path calls it with the turn in hand (`build`). Three kinds: hugo builds everything; nothing that hugo sees has
changed, so that static files are copied and nothing else is done; or a generation that was kept is put back.
"""

import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from sitebuilder import hugo, needs, outputs, publication, report, sources, timetable
from sitebuilder.buckets import Bucket, Traffic
from sitebuilder.events import Asked, Build, Look, Rollback
from sitebuilder.heads import Head
from sitebuilder.hugo import Failed
from sitebuilder.manifests import Output
from sitebuilder.materials import Fetched, Materials
from sitebuilder.partial import portrait
from sitebuilder.partial.classification import Whole
from sitebuilder.partial.phases import First, Phases
from sitebuilder.publication import Plan, Record
from sitebuilder.publisher import Publication, Publisher
from sitebuilder.rendering import Rendered, Renderer, describe
from sitebuilder.report import Report
from sitebuilder.settings import Settings
from sitebuilder.sources import Source
from sitebuilder.state import State
from sitebuilder.timer import Timer
from sitebuilder.turn_keeper import TurnKeeper

#: Edits below these cannot change when a page appears or expires.
UNDATED = ("layouts/", "assets/", "i18n/", "static/", "themes/", "data/")


class NoSuchGeneration(Exception):
    """A rollback to one that is not kept, or of which something is missing."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a round begins with."""

    wanted: Mapping[str, Source]
    record: Record
    etag: str | None
    """Of the head."""
    there: Mapping[str, str]
    turn: TurnKeeper
    wake: Look | Asked
    deadline: float

    @property
    def is_confirmed(self) -> bool:
        return isinstance(self.wake, Build) and self.wake.is_confirmed

    @property
    def cause(self) -> str:
        match self.wake:
            case Build(cause=cause):
                return cause
            case Rollback():
                return "rollback"
        return "change"

    def seconds_left(self) -> float:
        return self.deadline - time.time()


@dataclass(frozen=True, slots=True)
class Rounds:
    settings: Settings
    source: Bucket
    website: Bucket
    state: State
    publisher: Publisher
    materials: Materials
    renderer: Renderer
    phases: Phases
    timer: Timer | None = None
    traffic: Traffic | None = None

    def listed(self) -> dict[str, Source]:
        return self.materials.listed()

    def run(
        self, wanted: Mapping[str, Source], turn: TurnKeeper, wake: Look | Asked, deadline: float
    ) -> tuple[Mapping[str, Source], Report]:
        """The sources that were built in the end, and what came of it. Raises buckets.Changed to be called again."""
        record, etag = self.publisher.record()
        now = Situation(wanted, record, etag, self._there(record, wake), turn, wake, deadline)
        if isinstance(wake, Rollback):
            built, told = wanted, self._roll_back(now, wake.generation)
        elif (reason := self._reason_not_to(now)) is not None:
            is_to_draw = isinstance(wake, Look) and wake.draws and reason.outcome == "unchanged"
            built, told = wanted, self._drawn(now, reason) if is_to_draw else reason
        else:
            built, told = self._build(now)
        return built, replace(told, cause=now.cause)

    def _there(self, record: Record, wake: Look | Asked) -> Mapping[str, str]:
        """Path to ETag of the website's objects. An event about sources is no reason to doubt a publication that was
        completed; a request to build is, and so is a publication that was not."""
        if isinstance(wake, Look) and record.head.settled:
            return {path: output.etag for path, output in record.outputs.items()} | dict.fromkeys(
                record.head.retired, ""
            )
        return {path: listed.etag for path, listed in self.website.list().items()}

    def _reason_not_to(self, now: Situation) -> Report | None:
        head, built_from = now.record.head, sources.fingerprint(now.wanted, self.settings.recipe)
        if not sources.has_configuration(now.wanted):
            return Report("waiting")
        is_due = head.due is not None and head.due <= time.time()
        if isinstance(now.wake, Look):
            is_current = publication.is_current(now.record, built_from, now.there) and not is_due
            return Report("unchanged", kept=len(now.record.outputs), generation=head.generation) if is_current else None
        if isinstance(now.wake, Build) and head.pinned and head.built_from == built_from and not now.wake.unpin:
            return Report("pinned", kept=len(now.record.outputs), generation=head.generation)
        return None

    def _drawn(self, now: Situation, told: Report) -> Report:
        """The dependency tree of what is published, for people; none of a generation that was rolled back to. A site
        that is not quick has one after its next whole build."""
        head = now.record.head
        if not portrait.is_there(self.phases):
            if head.pinned or not self._is_quick(head):
                return told
            rendered = self.materials.fetch(now.wanted, seconds=now.seconds_left, from_nothing=False).rendered
            outcome = self.renderer.render(
                now.record, is_doubtful=False, sources_are_the_same=False, deadline=now.deadline
            )
            if isinstance(outcome, Failed):
                return told
            built = {path: output.md5 for path, output in outcome.outputs.items()}
            portrait.draw(self.phases, rendered, built, seconds=head.full_ms / 1000, deadline=now.deadline)
        return replace(told, outcome="drawn")

    def _build(self, now: Situation) -> tuple[Mapping[str, Source], Report]:
        begun = time.monotonic()
        if self._may_be_partial(now) and not self.materials.workspace.holds():
            before = self.state.sources(now.record.head.current)
            first = self.phases.first_cold(now.wanted, before, _published_digests(now.record), deadline=now.deadline)
            if isinstance(first, First):
                changed = report.changes(before, now.wanted)
                told = Report("", changed=changed, fetched=first.downloads, bytes_down=first.bytes)
                told = self._publish_first(now, first, now.wanted, replace(told, hugo_ms=_ms_since(begun)))
                if self.timer is not None:
                    return now.wanted, told
                now = self._again(now)
        from_nothing = isinstance(now.wake, Build) and now.wake.from_nothing
        fetched = self.materials.fetch(now.wanted, seconds=now.seconds_left, from_nothing=from_nothing)
        told = Report(
            "",
            changed=report.changes(self.state.sources(now.record.head.current), fetched.sources),
            fetched=fetched.downloads,
            bytes_down=fetched.bytes,
            sync_ms=_ms_since(begun),
        )
        return fetched.sources, self._render(now, fetched, told)

    def _render(self, now: Situation, fetched: Fetched, told: Report) -> Report:
        head, seen_by_hugo = now.record.head, sources.fingerprint(fetched.rendered, self.settings.recipe)
        is_the_same = head.settled and not head.pinned and head.current is not None
        is_the_same = is_the_same and head.current.rendered_from == seen_by_hugo  # type: ignore[union-attr]
        is_due = head.due is not None and head.due <= time.time()
        if is_the_same and isinstance(now.wake, Look) and not is_due:
            rendered = Rendered(_made_by_hugo(now.record), head.volatile, (), (), 0)
            return self._publish(now, fetched, rendered, replace(told, mode="static", why="only static files changed"))
        if self._may_be_partial(now):
            begun = time.monotonic()
            first: First | Whole = Whole("static files changed")
            if not self._differs_in_copies(now, fetched):
                first = self.phases.first(fetched.rendered, _published_digests(now.record), deadline=now.deadline)
            if isinstance(first, First):
                told = replace(told, hugo_ms=_ms_since(begun))
                published = self._publish_first(now, first, fetched.sources, told)
                if self.timer is not None:
                    return published
                now = self._again(now)
            else:
                told = replace(told, why=first.why)
        doubts = self.materials.doubts(fetched.rendered, seconds=now.seconds_left())
        outcome = self.renderer.render(
            now.record,
            is_doubtful=bool(doubts.conflicts or head.volatile),
            sources_are_the_same=is_the_same,
            deadline=now.deadline,
        )
        why = "; ".join(filter(None, (_why_full(now, told), told.why)))
        told = replace(told, mode="full", why=why, warnings=(*outcome.warnings, *doubts.conflicts), lint=doubts.advice)
        if isinstance(outcome, Failed):
            texts = self.materials.texts(fetched.rendered)
            unmet = needs.unmet(texts, fetched.rendered, outcome.errors, outcome.warnings)
            return replace(told, outcome="failed", errors=(*outcome.errors, *unmet))
        return self._publish(now, fetched, outcome, replace(told, hugo_ms=outcome.hugo_ms, flaps=outcome.flaps))

    def _publish(self, now: Situation, fetched: Fetched, rendered: Rendered, told: Report) -> Report:
        begun = time.monotonic()
        copies = {path: _copy(path, key, fetched.sources[key]) for path, key in fetched.copied.items()}
        within_s3 = _unchanged_by_hugo(fetched.rendered)
        new = Publication(
            {**copies, **rendered.outputs},
            fetched.sources,
            sources.fingerprint(fetched.sources, self.settings.recipe),
            sources.fingerprint(fetched.rendered, self.settings.recipe),
            lambda path, output, headers: self._put(fetched, within_s3, path, output, headers),
        )
        plan = self.publisher.plan(new.outputs, now.record, now.there)
        if publication.deletes_too_much(plan, now.record) and not now.is_confirmed:
            return replace(told, outcome="held", errors=(self._too_many_deletes(plan, now.record),))
        head = self._commit(now, new, plan, lambda: self._head_changes(now, rendered, told, plan))
        told = _published(told, plan, new, head.generation, begun, within_s3=within_s3)
        self.materials.refresh_pack(fetched.rendered)
        if told.mode == "full":
            self.materials.caches.save(fetched.sources, made=rendered.outputs.keys())
            told = self._settle(now, fetched, rendered, told)
        return told

    def _may_be_partial(self, now: Situation) -> bool:
        head = now.record.head
        is_due = head.due is not None and head.due <= time.time()
        is_plain = head.settled and not head.pinned and not head.volatile and head.current is not None
        is_worth_it = isinstance(now.wake, Look) and not self._is_quick(head)
        return is_worth_it and is_plain and not is_due and not self.settings.is_preview

    def _is_quick(self, head: Head) -> bool:
        """Always built whole, so nothing is known of its pages, nor looked for."""
        return head.full_ms / 1000 <= self.phases.threshold

    def _differs_in_copies(self, now: Situation, fetched: Fetched) -> bool:
        """A static file in whose place hugo makes a page is none of the copies."""
        made = _published_digests(now.record)
        copied = {path: fetched.sources[key].etag for path, key in fetched.copied.items() if path not in made}
        return copied != {path: it.md5 for path, it in now.record.outputs.items() if it.origin is not None}

    def _publish_first(self, now: Situation, first: First, built_of: Mapping[str, Source], told: Report) -> Report:
        """What a partial build made. The whole one is arranged for before anything is written: the head says when."""
        begun = time.monotonic()
        made = describe(first.ready.folder, self.settings.base_url)
        outputs_now = {path: replace(output, etag="") for path, output in now.record.outputs.items()}
        built_from = sources.fingerprint(built_of, self.settings.recipe)
        new = Publication(
            outputs_now | {path: made[path] for path in first.ready.publish},
            built_of,
            built_from,
            "",
            lambda path, _, headers: self.website.upload(path, first.ready.folder / path, headers),
        )
        due = self.phases.publishes(first, built_from=built_from, now=time.time())
        if self.timer is not None:
            self.timer.set(due)
        plan = self.publisher.plan(new.outputs, now.record, now.there)
        head = self._commit(now, new, plan, lambda: {"due": due})
        told = replace(told, mode="partial", why=_why_partial(first), restarts=first.restarts)
        return _published(told, plan, new, head.generation, begun)

    def _commit(
        self, now: Situation, new: Publication, plan: Plan, changes: Callable[[], Mapping[str, object]]
    ) -> Head:
        """Over what is there now, as long as it is our turn; `changes`: what else the new head says."""
        return self.publisher.publish(
            new,
            plan,
            record=now.record,
            there=now.there,
            etag=now.etag,
            fence=now.turn.check,
            changes=changes,
        )

    def _again(self, now: Situation) -> Situation:
        """As things are after our own first publication."""
        record, etag = self.publisher.record()
        return replace(now, record=record, etag=etag, there=self._there(record, now.wake))

    def _settle(self, now: Situation, fetched: Fetched, rendered: Rendered, told: Report) -> Report:
        settled = self.phases.settle(
            fetched.rendered,
            built={path: output.md5 for path, output in rendered.outputs.items()},
            published=_published_digests(now.record),
            built_from=sources.fingerprint(fetched.sources, self.settings.recipe),
            seconds=rendered.hugo_ms / 1000,
            deadline=now.deadline,
        )
        account = settled.account
        wrong = tuple(f"{path} was published with wrong bytes by a partial build" for path in account.wrong)
        return replace(
            told,
            misses=account.misses,
            deferred=account.deferred,
            learned=settled.news,
            warnings=(*told.warnings, *wrong),
        )

    def _put(
        self, fetched: Fetched, within_s3: Mapping[str, str], path: str, output: Output, headers: Mapping[str, str]
    ) -> str:
        key = output.origin or within_s3.get(output.md5)
        if key is not None:
            return self.website.copy(self.source, key, fetched.sources[key].etag, path, headers)
        return self.website.upload(path, self.materials.workspace.output / path, headers)

    def _head_changes(self, now: Situation, rendered: Rendered, told: Report, plan: Plan) -> Mapping[str, object]:
        """What else the new head says."""
        due = {"due": self._plan_timer(now, told, plan)}
        if told.mode == "static":
            return due
        return {"volatile": rendered.volatile, "full_ms": rendered.hugo_ms, **due}

    def _plan_timer(self, now: Situation, told: Report, plan: Plan) -> float | None:
        """When the website changes by itself: a post, or the end of a file's grace. The schedule is set before the head
        says so."""
        if self.timer is None or self.settings.is_preview:
            return None
        planned = now.record.head.due
        post = planned if told.mode == "static" else self._next_post(now, told)
        due = min(filter(None, (post, self.publisher.grace_ends(plan))), default=None)
        if due is None:
            if planned is not None:
                self.timer.clear()
        elif due > time.time() and (due != planned or not isinstance(now.wake, Look)):
            self.timer.set(due)
        return due

    def _next_post(self, now: Situation, told: Report) -> float | None:
        """To appear or to expire. What was planned is not asked for again by edits that cannot change it."""
        planned, moment = now.record.head.due, time.time()
        is_dated = any(not change[1:].startswith(UNDATED) for change in told.changed)
        if isinstance(now.wake, Look) and not is_dated and (planned is None or planned > moment):
            return planned
        work = self.materials.workspace
        listing = hugo.list_all(self.settings, source=work.source, cache=work.cache, seconds=now.seconds_left())
        return planned if listing is None else timetable.next_change(listing, now=moment)

    def _too_many_deletes(self, plan: Plan, record: Record) -> str:
        return (
            f"{len(plan.deletes)} of {len(record.ours)} objects of the website would be deleted, such as "
            f"{plan.deletes[0]}: nothing was changed. If that is meant: lambent site confirm {self.settings.site}"
        )

    def _roll_back(self, now: Situation, generation: int) -> Report:
        """That generation's objects, from what was kept of them. It is a new generation, and stays until an edit."""
        begun = time.monotonic()
        head = now.record.head
        release = next((release for release in head.releases if release.generation == generation), None)
        if release is None:
            kept = ", ".join(str(release.generation) for release in head.releases)
            raise NoSuchGeneration(f"generation {generation} is not kept; there are: {kept or 'none'}")
        wanted = {path: replace(output, etag="") for path, output in self.state.outputs(release).items()}
        plan = self.publisher.plan(wanted, now.record, now.there)
        blobs = self.state.bucket.list(self.state.key("blobs/"))
        missing = [path for path in plan.uploaded if self._blob(wanted[path]) not in blobs]
        if missing:
            raise NoSuchGeneration(f"generation {generation} is not complete: {missing[0]} is gone")
        built_from = sources.fingerprint(now.wanted, self.settings.recipe)
        new = Publication(wanted, now.wanted, built_from, "", self._put_back)
        head = self._commit(now, new, plan, lambda: {"pinned": True})
        told = Report("", mode="rollback", why=f"to generation {generation}")
        return _published(told, plan, new, head.generation, begun)

    def _put_back(self, path: str, output: Output, headers: Mapping[str, str]) -> str:
        return self.website.copy(self.state.bucket, self._blob(output), None, path, headers)

    def _blob(self, output: Output) -> str:
        return self.state.key(f"blobs/{output.md5}")


def _copy(path: str, key: str, source: Source) -> Output:
    return Output(
        source.etag, source.size, outputs.content_type(path), outputs.cache_control(path), redirect=None, origin=key
    )


def _unchanged_by_hugo(rendered: Mapping[str, Source]) -> dict[str, str]:
    """MD5 to key of what may come out of hugo as it went in (pictures of pages): S3 copies it by itself."""
    binary = (key for key in rendered if PurePosixPath(key).suffix.lower() in outputs.BINARY_TYPES)
    return {rendered[key].etag: key for key in binary}


def _made_by_hugo(record: Record) -> dict[str, Output]:
    return {path: replace(output, etag="") for path, output in record.outputs.items() if output.origin is None}


def _published_digests(record: Record) -> dict[str, str]:
    return {path: output.md5 for path, output in record.outputs.items() if output.origin is None}


def _why_partial(first: First) -> str:
    pages, whole = len(first.ready.reach.rendered), first.graph.seconds
    return f"{pages} pages are rendered, in about {first.ready.expected:.1f} s instead of {whole:.1f}"


def _why_full(now: Situation, told: Report) -> str:
    head = now.record.head
    if head.current is None:
        return "the first build"
    if not head.settled:
        return "the last publication was interrupted"
    if not isinstance(now.wake, Look):
        return now.cause
    if not told.changed:
        return "settings or program changed, or a post was due"
    return "1 source changed" if len(told.changed) == 1 else f"{len(told.changed)} sources changed"


def _published(
    told: Report,
    plan: Plan,
    new: Publication,
    generation: int,
    begun: float,
    *,
    within_s3: Container[str] = frozenset(),
) -> Report:
    made = {path: new.outputs[path] for path in plan.uploaded}
    rendered = [path for path, output in made.items() if output.origin is None and output.md5 not in within_s3]
    return replace(
        told,
        outcome="published",
        uploaded=plan.uploaded,
        deleted=plan.deletes,
        kept=len(plan.kept),
        generation=generation,
        bytes_up=sum(new.outputs[path].size for path in rendered),
        publish_ms=_ms_since(begun),
    )


def _ms_since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
