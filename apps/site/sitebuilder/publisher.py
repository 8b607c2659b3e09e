"""Carrying a publication out: stage by stage, deletes last; the head moves before the first write and after all."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sitebuilder import buckets, former, heads, publication
from sitebuilder.buckets import Bucket
from sitebuilder.heads import Head, Release
from sitebuilder.manifests import Output
from sitebuilder.publication import Plan, Record
from sitebuilder.sources import Source
from sitebuilder.state import State

#: Every so many generations, what no kept one needs is removed from the state bucket.
SWEEP_EVERY = 10


@dataclass(frozen=True, slots=True)
class Publication:
    """What is to be on the website, and what it comes from."""

    outputs: Mapping[str, Output]
    sources: Mapping[str, Source]
    built_from: str
    rendered_from: str
    put: Callable[[str, Output, Mapping[str, str]], str]
    """Write one object with these headers; its ETag."""


@dataclass(frozen=True, slots=True)
class Publisher:
    website: Bucket
    state: State
    keep: int
    """Generations that can be gone back to, the current one included."""
    grace_seconds: float = 0.0

    def record(self) -> tuple[Record, str | None]:
        """And the ETag of the head."""
        head, etag = self.state.head()
        if head.current is not None:
            return Record(head, self.state.outputs(head.current)), etag
        found = self.state.bucket.read(self.state.key(former.NAME))
        record = former.taken_over(found[0], self.website.list()) if found else Record()
        return replace(record, head=replace(head, unsure=(*record.head.unsure, *head.unsure))), etag

    def plan(self, wanted: Mapping[str, Output], record: Record, there: Mapping[str, str]) -> Plan:
        return publication.plan(wanted, record, there, now=time.time(), grace_seconds=self.grace_seconds)

    def grace_ends(self, plan: Plan) -> float | None:
        """When the first file that stays for a while has to go, in whole seconds."""
        return min((float(math.ceil(since + self.grace_seconds)) for since in plan.retired.values()), default=None)

    def publish(
        self,
        new: Publication,
        plan: Plan,
        *,
        record: Record,
        there: Mapping[str, str],
        etag: str | None,
        fence: Callable[[], None],
        changes: Callable[[], Mapping[str, Any]] = dict,
    ) -> Head:
        """Make the website what is wanted. `fence` raises if the turn is no longer ours; HeadMoved says the same.

        `changes` tells, once the website is right, what else the new head is to say.
        """
        touched = (*plan.uploaded, *plan.deletes)
        if touched:
            etag = self.state.move_head(heads.intent(record.head, touched), etag=etag)
            self._keep_replaced(touched, record, there)
        objects = dict(plan.kept)
        for stage in plan.uploads:
            fence()
            etags = buckets.in_parallel(
                lambda path: new.put(path, new.outputs[path], headers(new.outputs[path])), stage
            )
            objects |= {path: replace(new.outputs[path], etag=e) for path, e in zip(stage, etags, strict=True)}
        if plan.deletes:
            fence()
            self.website.delete(plan.deletes)
        generation = record.head.generation + 1
        name, whole = self.state.keep_manifests(generation, objects, new.sources)
        release = Release(generation, name, time.time(), new.built_from, new.rendered_from, whole)
        head = heads.committed(record.head, release, keep=max(self.keep, 1))
        head = replace(head, retired=plan.retired, **changes())
        self.state.move_head(head, etag=etag)
        if record.head.current is None:
            self.state.bucket.delete([self.state.key(former.NAME)])
        if head.generation % SWEEP_EVERY == 0:
            self._sweep(head)
        return head

    def _keep_replaced(self, paths: tuple[str, ...], record: Record, there: Mapping[str, str]) -> None:
        """What is about to go, for a rollback. Finished before the first upload, so a retry finds it done."""
        if self.keep <= 1:
            return
        contents = {
            record.outputs[path].md5: path
            for path in paths
            if path in record.outputs and there.get(path) == record.outputs[path].etag
        }
        buckets.in_parallel(lambda content: self._keep_content(*content), contents.items())

    def _keep_content(self, md5: str, path: str) -> None:
        self.state.bucket.copy(self.website, path, None, self.state.key(f"blobs/{md5}"), {})

    def _sweep(self, head: Head) -> None:
        """Deletes manifests and contents that no kept release needs, those too that somebody who died left unnamed."""
        contents = {output.md5 for release in head.releases for output in self.state.outputs(release).values()}
        manifests = {name for release in head.releases for name in release.manifests}
        needed = {"out": manifests, "src": manifests, "blobs": contents if self.keep > 1 else set()}
        for kind, names in needed.items():
            prefix = self.state.key(f"{kind}/")
            there = self.state.bucket.list(prefix)
            self.state.bucket.delete(key for key in there if key.removeprefix(prefix) not in names)


def headers(output: Output) -> dict[str, str]:
    redirect = {"WebsiteRedirectLocation": output.redirect} if output.redirect else {}
    return {
        "ContentType": output.content_type,
        "CacheControl": output.cache_control,
        "ACL": "public-read",
        **redirect,
    }
