"""CopyObject and UploadPartCopy: which object is meant, and what of it the copy takes over.

Source: CopyObject in the S3 API reference. The ACL, the storage class and the website redirect are never copied.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from lambent.kit.frozen import frozen
from lambent.services.s3 import attributes, errors, tagging
from lambent.services.s3.records import StoredObject

MAX_COPY_BYTES = 5 * 1024**3
_DIRECTIVES = ("COPY", "REPLACE")
#: What makes copying an object onto itself worth while.
_SELF_COPY_CHANGES = frozenset({"StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption", "ChecksumAlgorithm"})


@frozen
class CopySource:
    bucket: str
    key: str
    version_id: str = ""

    def as_request(self) -> dict[str, Any]:
        """The members with which the source is looked up."""
        request = {"Bucket": self.bucket, "Key": self.key}
        return {**request, "VersionId": self.version_id} if self.version_id else request


def parse_source(header: str) -> CopySource:
    """`/bucket/key?versionId=...`, percent-encoded, the first slash optional. Raises InvalidArgument."""
    path, _, version = header.partition("?versionId=")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not key or bucket.startswith("arn:"):
        raise errors.InvalidArgument(
            "Invalid copy source object key" if bucket else "Invalid copy source bucket name",
            name="x-amz-copy-source",
            value=header,
        )
    return CopySource(bucket, key, version)


def check_size(size: int) -> None:
    """Raises InvalidRequest."""
    if size > MAX_COPY_BYTES:
        raise errors.InvalidRequest(
            f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_COPY_BYTES}"
        )


def check_not_onto_itself(source: CopySource, request: Mapping[str, Any]) -> None:
    """Raises InvalidRequest."""
    is_same = (source.bucket, source.key) == (request["Bucket"], request["Key"])
    changes = replaces_metadata(request) or not _SELF_COPY_CHANGES.isdisjoint(request)
    if is_same and not changes:
        raise errors.InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )


def replaces_metadata(request: Mapping[str, Any]) -> bool:
    """Raises InvalidArgument."""
    return _directive(request, "MetadataDirective", "metadata") == "REPLACE"


def attributes_of_copy(source: StoredObject, request: Mapping[str, Any]) -> str:
    """Stored attributes of the new object."""
    if replaces_metadata(request):
        return attributes.collect(request)
    kept = attributes.load(source.attributes)
    kept.pop("WebsiteRedirectLocation", None)
    if "WebsiteRedirectLocation" in request:
        kept["WebsiteRedirectLocation"] = attributes.load(attributes.collect(request))["WebsiteRedirectLocation"]
    return orjson.dumps(kept).decode()


def tags_of_copy(source: StoredObject, request: Mapping[str, Any]) -> str:
    if _directive(request, "TaggingDirective", "tagging") == "REPLACE":
        return tagging.from_header(request.get("Tagging"))
    return source.tags


def _directive(request: Mapping[str, Any], member: str, noun: str) -> str:
    value: str = request.get(member, "COPY")
    if value not in _DIRECTIVES:
        raise errors.InvalidArgument(f"Unknown {noun} directive.", name=f"x-amz-{noun}-directive", value=value)
    return value
