"""Carrying a publication plan out: stage by stage, deletes last, the record before and after."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sitebuilder import buckets, outputs, publication
from sitebuilder.buckets import Bucket
from sitebuilder.publication import Published, Record


@dataclass(frozen=True, slots=True)
class Publisher:
    website: Bucket
    state: Bucket
    record_key: str

    def record(self) -> Record:
        found = self.state.read(self.record_key)
        return publication.decode(found[0]) if found else Record()

    def publish(self, output: Path, *, record: Record, there: Mapping[str, str], built_from: str) -> publication.Plan:
        """Make the website what is in `output`."""
        built = _digests(output)
        plan = publication.plan(built, record, there)
        if not plan.is_empty:
            self._write(publication.intent(record, plan))
        objects = dict(plan.kept)
        for stage in plan.uploads:
            etags = buckets.in_parallel(lambda path: self._upload(output, path), stage)
            for path, etag in zip(stage, etags, strict=True):
                objects[path] = Published(md5=built[path], headers=publication.headers_digest(path), etag=etag)
        self.website.delete(plan.deletes)
        self._write(Record(built_from=built_from, settled=True, objects=objects))
        return plan

    def _upload(self, output: Path, path: str) -> str:
        headers = {
            "ContentType": outputs.content_type(path),
            "CacheControl": outputs.cache_control(path),
            "ACL": "public-read",
        }
        return self.website.upload(path, output / path, headers)

    def _write(self, record: Record) -> None:
        self.state.write(self.record_key, publication.encode(record))


def _digests(output: Path) -> dict[str, str]:
    """Path to MD5, for every file hugo wrote."""
    digests: dict[str, str] = {}
    for file in output.rglob("*"):
        if file.is_file():
            with file.open("rb") as content:
                digests[file.relative_to(output).as_posix()] = hashlib.file_digest(content, "md5").hexdigest()
    return digests
