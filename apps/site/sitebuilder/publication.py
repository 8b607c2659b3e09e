"""What has to be uploaded and deleted, so that the website is exactly what is wanted?                   (pure)

Two things are known about the website: what we published (the manifest of the current generation) and what is there
(the listing). An object is left alone only if both agree with the new file, so somebody else's overwrite and our own
interrupted publication heal the next time; and only paths that we wrote are ever deleted, so that objects we never
published stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sitebuilder import outputs
from sitebuilder.heads import Head
from sitebuilder.manifests import Output

#: A publication that would delete more than this share of the website, and more than so many objects, asks first
#: (`hugo deploy` has the 256 alone: hugo documentation, "Hugo Deploy", maxDeletes).
MAX_DELETED_SHARE = 0.25
MAX_DELETED = 256


@dataclass(frozen=True, slots=True)
class Record:
    """What we know of our own doing."""

    head: Head = field(default_factory=Head)
    outputs: Mapping[str, Output] = field(default_factory=dict)

    @property
    def ours(self) -> frozenset[str]:
        """Every path that may hold an object of ours."""
        return frozenset((*self.outputs, *self.head.unsure))


@dataclass(frozen=True, slots=True)
class Plan:
    uploads: tuple[tuple[str, ...], ...]
    """Paths, stage by stage."""
    deletes: tuple[str, ...]
    kept: Mapping[str, Output]
    retired: Mapping[str, float]
    """Paths that stay for the visitors whose page still refers to them, and since when."""

    @property
    def is_empty(self) -> bool:
        return not self.uploads and not self.deletes

    @property
    def uploaded(self) -> tuple[str, ...]:
        return tuple(path for stage in self.uploads for path in stage)


def plan(
    wanted: Mapping[str, Output],
    record: Record,
    there: Mapping[str, str],
    *,
    now: float = 0.0,
    grace_seconds: float = 0,
) -> Plan:
    """`there` is path to ETag."""
    kept = {path: record.outputs[path] for path, output in wanted.items() if _is_in_place(path, output, record, there)}
    by_stage: dict[outputs.Stage, list[str]] = {}
    for path, stage in outputs.stages(wanted).items():
        if path not in kept:
            by_stage.setdefault(stage, []).append(path)
    superfluous = [path for path in sorted(record.ours | record.head.retired.keys()) if path in there]
    superfluous = [path for path in superfluous if path not in wanted]
    retired = {path: record.head.retired.get(path, now) for path in superfluous if outputs.is_fingerprinted(path)}
    retired = {path: since for path, since in retired.items() if now < since + grace_seconds}
    return Plan(
        uploads=tuple(tuple(sorted(by_stage[stage])) for stage in sorted(by_stage)),
        deletes=tuple(path for path in superfluous if path not in retired),
        kept=kept,
        retired=retired,
    )


def is_current(record: Record, built_from: str, there: Mapping[str, str]) -> bool:
    """Is the website the finished publication of these sources, untouched since?"""
    return record.head.built_from == built_from and all(
        there.get(path) == output.etag for path, output in record.outputs.items()
    )


def deletes_too_much(plan: Plan, record: Record) -> bool:
    return len(plan.deletes) > max(MAX_DELETED, MAX_DELETED_SHARE * len(record.ours))


def _is_in_place(path: str, output: Output, record: Record, there: Mapping[str, str]) -> bool:
    published = record.outputs.get(path)
    return (
        published is not None
        and replace(published, etag="", origin=None) == replace(output, etag="", origin=None)
        and there.get(path) == published.etag
        and path not in record.head.unsure
    )
