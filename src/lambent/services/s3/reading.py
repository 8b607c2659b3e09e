"""What GetObject, HeadObject and GetObjectAttributes say of an object: its headers, its parts, its checksum."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.caller import Caller
from lambent.services.s3 import attributes, checksums, errors, listing, tagging
from lambent.services.s3.ranges import ByteRange
from lambent.services.s3.records import Part, StoredObject

Result = dict[str, Any]

_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}
_OVERRIDE_MEMBERS = frozenset(_OVERRIDES)


@frozen
class Selection:
    """Which bytes are read; None: all of them."""

    span: ByteRange | None = None
    part: Part | None = None
    """Set when one part of a multipart object was asked for."""

    @property
    def is_empty(self) -> bool:
        """A part of no bytes: no range can describe it."""
        return self.part is not None and self.span is None


def check_overrides(caller: Caller, request: Mapping[str, Any]) -> None:
    """Raises InvalidRequest: nobody but a signer may choose what a browser takes an object for."""
    if caller.is_anonymous and not _OVERRIDE_MEMBERS.isdisjoint(request):
        raise errors.InvalidRequest("Request specific response headers cannot be used for anonymous GET requests.")


def select_whole_as_part(stored: StoredObject, number: int) -> Selection:
    """An object that was put at once is its own part 1. Raises InvalidPartNumber."""
    if number != 1:
        raise errors.InvalidPartNumber(number, parts=1)
    if stored.size == 0:
        return Selection()
    return Selection(ByteRange(0, stored.size - 1))


def select_part(stored: StoredObject, part: Part | None, number: int) -> Selection:
    """Raises InvalidPartNumber."""
    if part is None:
        raise errors.InvalidPartNumber(number, parts=stored.parts)
    if part.size == 0:
        return Selection(None, part)
    return Selection(ByteRange(part.start, part.start + part.size - 1), part)


def headers(stored: StoredObject, request: Mapping[str, Any], selection: Selection) -> Result:
    """The result of GetObject without its Body."""
    span = selection.span
    result: Result = {
        **attributes.load(stored.attributes),
        "AcceptRanges": "bytes",
        "LastModified": stored.modified_ms // 1000,
        "ETag": f'"{stored.etag}"',
        "ContentLength": stored.size if span is None else span.length,
    }
    if selection.is_empty:
        result["ContentLength"] = 0
    if span is not None:
        result["ContentRange"] = span.content_range(stored.size)
        result["__status__"] = 206
    if stored.storage_class != attributes.STANDARD:
        result["StorageClass"] = stored.storage_class
    if stored.tags:
        result["TagCount"] = len(tagging.load(stored.tags))
    if stored.parts and "PartNumber" in request:
        result["PartsCount"] = stored.parts
    if request.get("ChecksumMode") == "ENABLED":
        result |= _checksum_of(stored, selection)
    if not _OVERRIDE_MEMBERS.isdisjoint(request):
        result |= {
            _OVERRIDES[member]: request[member] for member in _OVERRIDES if request.get(member) not in (None, "")
        }
    return result


def not_modified(stored: StoredObject) -> Result:
    """304 repeats what identifies the object and how to cache it (RFC 9110, 15.4.5)."""
    kept = attributes.load(stored.attributes)
    cached: Result = {member: kept[member] for member in ("CacheControl", "Expires") if member in kept}
    return {
        "__status__": 304,
        "ETag": f'"{stored.etag}"',
        "LastModified": stored.modified_ms // 1000,
        "Body": b"",
        **cached,
    }


def checksum_members(stored: StoredObject) -> Result:
    return {f"Checksum{stored.checksum_algorithm}": stored.checksum, "ChecksumType": stored.checksum_type}


def described(stored: StoredObject, request: Mapping[str, Any], parts: Sequence[Part]) -> Result:
    """GetObjectAttributes: what was asked for and nothing else. Raises InvalidArgument."""
    result: Result = {"LastModified": stored.modified_ms // 1000}
    wanted = set(request["ObjectAttributes"])
    if "ETag" in wanted:
        result["ETag"] = stored.etag
    if "Checksum" in wanted:
        result["Checksum"] = checksum_members(stored)
    if "StorageClass" in wanted:
        result["StorageClass"] = stored.storage_class
    if "ObjectSize" in wanted:
        result["ObjectSize"] = stored.size
    if "ObjectParts" in wanted and stored.parts:
        result["ObjectParts"] = _described_parts(stored, request, parts)
    return result


def _described_parts(stored: StoredObject, request: Mapping[str, Any], parts: Sequence[Part]) -> Result:
    limit = listing.parse_limit(request.get("MaxParts"), name="max-parts")
    marker = request.get("PartNumberMarker", 0)
    rest = [part for part in parts if part.part_number > marker]
    page = rest[:limit]
    return {
        "TotalPartsCount": stored.parts,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1].part_number if page else marker,
        "MaxParts": limit,
        "IsTruncated": len(rest) > limit,
        "Parts": [
            {
                "PartNumber": part.part_number,
                "Size": part.size,
                checksums.ALGORITHMS[stored.checksum_algorithm].member: part.checksum,
            }
            for part in page
        ],
    }


def _checksum_of(stored: StoredObject, selection: Selection) -> Result:
    """A range has no checksum; a part has its own."""
    if selection.part is not None:
        return {f"Checksum{stored.checksum_algorithm}": selection.part.checksum, "ChecksumType": stored.checksum_type}
    if selection.span is not None and selection.span.length != stored.size:
        return {}
    return checksum_members(stored)
