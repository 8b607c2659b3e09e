"""What has to be uploaded and deleted, so that the website is exactly what hugo made?                   (pure)

Two things are known about the website: what we published (the record, kept in the state bucket) and what is there (the
listing). An object is left alone only if both agree with the new file, so somebody else's overwrite and our own
interrupted publication heal the next time; and only paths of the record are ever deleted, so that objects we never
published stay.

The record is written twice. Before the first upload it says `settled: false` and names every path, old and new, so that
a crash in between can neither orphan a file nor pass for a finished publication; after the last delete it is exact.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sitebuilder import outputs


@dataclass(frozen=True, slots=True)
class Published:
    """One object as we put it there. The ETag is S3's and need not be the MD5 (it is not under SSE-KMS)."""

    md5: str
    headers: str
    etag: str


@dataclass(frozen=True, slots=True)
class Record:
    built_from: str = ""
    """The fingerprint of the sources."""
    settled: bool = False
    objects: Mapping[str, Published] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    uploads: tuple[tuple[str, ...], ...]
    """Paths, stage by stage."""
    deletes: tuple[str, ...]
    kept: Mapping[str, Published]

    @property
    def is_empty(self) -> bool:
        return not self.uploads and not self.deletes


def plan(built: Mapping[str, str], record: Record, there: Mapping[str, str]) -> Plan:
    """`built` is path to MD5, `there` path to ETag."""
    kept = {path: record.objects[path] for path, md5 in built.items() if _is_up_to_date(path, md5, record, there)}
    by_stage: dict[outputs.Stage, list[str]] = {}
    for path, stage in outputs.stages(built).items():
        if path not in kept:
            by_stage.setdefault(stage, []).append(path)
    return Plan(
        uploads=tuple(tuple(sorted(by_stage[stage])) for stage in sorted(by_stage)),
        deletes=tuple(sorted(path for path in record.objects.keys() - built.keys() if path in there)),
        kept=kept,
    )


def is_current(record: Record, built_from: str, there: Mapping[str, str]) -> bool:
    """Is the website the finished publication of these sources, untouched since?"""
    return (
        record.settled
        and record.built_from == built_from
        and all(there.get(path) == published.etag for path, published in record.objects.items())
    )


def intent(record: Record, plan: Plan) -> Record:
    """The record to leave before the first upload: all that may be there if we never come back."""
    unknown = {path: Published(md5="", headers="", etag="") for stage in plan.uploads for path in stage}
    return Record(built_from="", settled=False, objects={**record.objects, **unknown})


def headers_digest(path: str) -> str:
    """Changes when a rule about this path's headers does, and so brings about its upload."""
    return f"{zlib.crc32(f'{outputs.content_type(path)}|{outputs.cache_control(path)}'.encode()):08x}"


def encode(record: Record) -> bytes:
    document = {
        "version": 1,
        "built_from": record.built_from,
        "settled": record.settled,
        "objects": {path: [p.md5, p.headers, p.etag] for path, p in sorted(record.objects.items())},
    }
    return json.dumps(document, ensure_ascii=False, indent=0).encode()


def decode(content: bytes) -> Record:
    document: dict[str, Any] = json.loads(content)
    return Record(
        built_from=document["built_from"],
        settled=document["settled"],
        objects={path: Published(*fields) for path, fields in document["objects"].items()},
    )


def _is_up_to_date(path: str, md5: str, record: Record, there: Mapping[str, str]) -> bool:
    published = record.objects.get(path)
    return (
        published is not None
        and published.md5 == md5
        and published.headers == headers_digest(path)
        and there.get(path) == published.etag
    )
