"""The S3 calls the site needs, in its own words. One client, shared by the threads (boto3 clients are thread-safe)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from sitebuilder.sources import Source

#: Requests in flight at once.
PARALLEL = 16
#: The limit of one DeleteObjects request (Amazon S3 API Reference, DeleteObjects).
DELETES_PER_REQUEST = 1000
_GONE = frozenset({"NoSuchKey", "404", "PreconditionFailed", "412"})
#: 409 is S3's answer to two conditional writes at the same moment (Amazon S3 User Guide, "Conditional writes").
_LOST_RACE = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "404"})


class Traffic:
    """Counts the requests of a client, by operation and bucket."""

    def __init__(self, client: Any) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()
        client.meta.events.register("before-parameter-build.s3", self._count)

    def _count(self, params: Mapping[str, Any], event_name: str, **_: Any) -> None:
        with self._lock:
            self._counts[event_name.rpartition(".")[2], params["Bucket"]] += 1

    def counts(self) -> Counter[tuple[str, str]]:
        with self._lock:
            return Counter(self._counts)


class Changed(Exception):
    """The object is no longer the one that was listed."""


class Bucket:
    """A bucket, or what is under a prefix of it: keys are as seen from there."""

    def __init__(self, client: Any, name: str, prefix: str = "") -> None:
        self._client = client
        self.name = name
        self._prefix = prefix

    def path(self, key: str) -> str:
        """The key as the whole bucket has it."""
        return self._prefix + key

    def list(self, under: str = "") -> dict[str, Source]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=self._prefix + under)
        return {
            item["Key"].removeprefix(self._prefix): Source(
                item["ETag"].strip('"'), item["LastModified"].timestamp(), item["Size"]
            )
            for page in pages
            for item in page.get("Contents", ())
        }

    def download(self, key: str, etag: str, file: Path) -> None:
        """Raises Changed if the object has another ETag by now, or is gone."""
        try:
            answer = self._client.get_object(Bucket=self.name, Key=self._prefix + key, IfMatch=f'"{etag}"')
        except ClientError as error:
            if _code(error) in _GONE:
                raise Changed(key) from error
            raise
        with file.open("wb") as out:
            out.writelines(answer["Body"].iter_chunks(1 << 20))

    def upload(self, key: str, file: Path, headers: Mapping[str, str]) -> str:
        """The object's new ETag."""
        with file.open("rb") as body:
            answer = self._client.put_object(Bucket=self.name, Key=self._prefix + key, Body=body, **headers)
        return str(answer["ETag"]).strip('"')

    def copy(self, source: "Bucket", key: str, etag: str | None, target: str, headers: Mapping[str, str]) -> str:
        """Within S3, with these headers and none of the source's. The new object's ETag.

        Raises Changed if the source has another ETag by now (None: whatever it has), or is gone.
        """
        condition = {"CopySourceIfMatch": f'"{etag}"'} if etag else {}
        try:
            answer = self._client.copy_object(
                Bucket=self.name,
                Key=self._prefix + target,
                CopySource={"Bucket": source.name, "Key": source.path(key)},
                MetadataDirective="REPLACE",
                **condition,
                **headers,
            )
        except ClientError as error:
            if _code(error) in _GONE:
                raise Changed(key) from error
            raise
        return str(answer["CopyObjectResult"]["ETag"]).strip('"')

    def delete(self, keys: Iterable[str]) -> None:
        remaining = list(keys)
        while remaining:
            batch, remaining = remaining[:DELETES_PER_REQUEST], remaining[DELETES_PER_REQUEST:]
            objects = [{"Key": self._prefix + key} for key in batch]
            answer = self._client.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise OSError(f"cannot delete {first['Key']} from {self.name}: {first['Code']}: {first.get('Message')}")

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag, or None where there is no such object."""
        try:
            answer = self._client.get_object(Bucket=self.name, Key=self._prefix + key)
        except ClientError as error:
            if _code(error) in ("NoSuchKey", "404"):
                return None
            raise
        return answer["Body"].read(), str(answer["ETag"])

    def read_range(self, key: str, first: int, end: int) -> bytes:
        """Bytes from `first` to `end`, or as many as there are; nothing where there is no such object."""
        try:
            answer = self._client.get_object(Bucket=self.name, Key=self._prefix + key, Range=f"bytes={first}-{end - 1}")
        except ClientError as error:
            if _code(error) in ("NoSuchKey", "404", "InvalidRange", "416"):
                return b""
            raise
        return bytes(answer["Body"].read())

    def write(self, key: str, content: bytes) -> str:
        """The new ETag."""
        answer = self._client.put_object(
            Bucket=self.name, Key=self._prefix + key, Body=content, ContentType="application/json"
        )
        return str(answer["ETag"])

    def replace(self, key: str, content: bytes, *, etag: str | None) -> str | None:
        """Write if the object still has this ETag (None: if there is none). The new ETag, or None if it has not."""
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            answer = self._client.put_object(
                Bucket=self.name, Key=self._prefix + key, Body=content, ContentType="application/json", **condition
            )
        except ClientError as error:
            if _code(error) in _LOST_RACE:
                return None
            raise
        return str(answer["ETag"])


def in_parallel(work: Any, items: Iterable[Any]) -> list[Any]:
    """`work` of every item, in order; the first exception is raised once all are done."""
    with ThreadPoolExecutor(PARALLEL) as threads:
        return list(threads.map(work, items))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
