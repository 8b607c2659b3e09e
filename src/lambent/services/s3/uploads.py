"""Multipart uploads: which parts make an object, and what its ETag and checksum are.

Limits: S3 user guide, "Amazon S3 multipart upload limits". The ETag of the result is the MD5 of the parts' MD5s with
the number of parts behind a dash. The parts' files stay where they are: an object made of parts is the list of them.
"""

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from lambent.kit.frozen import frozen, mutable
from lambent.services.s3 import checksums, errors, listing
from lambent.services.s3.checksums import Algorithm
from lambent.services.s3.preconditions import bare_etag
from lambent.services.s3.records import COMPOSITE, Part, Upload
from lambent.wire.errors import MalformedXML

MIN_PART_BYTES = 5 * 1024**2
"""Of every part but the last."""
MAX_PART_NUMBER = 10_000


@frozen
class Assembly:
    """The object that a CompleteMultipartUpload makes."""

    parts: tuple[Part, ...]
    """With their offsets."""
    size: int
    etag: str
    checksum: str


@mutable
class UploadPage:
    """One page of ListMultipartUploads."""

    uploads: list[Upload] = field(default_factory=list)
    prefixes: list[bytes] = field(default_factory=list)
    is_truncated: bool = False
    last: tuple[bytes, str] = (b"", "")
    """Key (or common prefix) and upload id of the last entry."""

    @property
    def count(self) -> int:
        return len(self.uploads) + len(self.prefixes)


def collect(uploads: Iterable[Upload], *, prefix: bytes, delimiter: bytes, limit: int) -> UploadPage:
    """`uploads` come in order of key, all with the prefix and behind the markers."""
    page = UploadPage()
    for upload in uploads:
        group = listing.group_of(upload.key, prefix, delimiter)
        if group is not None and page.prefixes[-1:] == [group]:
            continue
        if page.count >= limit:
            page.is_truncated = limit > 0
            break
        if group is None:
            page.uploads.append(upload)
            page.last = (upload.key, upload.upload_id)
        else:
            page.prefixes.append(group)
            page.last = (group, "")
    return page


def check_part_number(number: int) -> None:
    """Raises InvalidArgument."""
    if not 1 <= number <= MAX_PART_NUMBER:
        raise errors.InvalidArgument(
            f"Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive",
            name="partNumber",
            value=str(number),
        )


def check_algorithm(upload: Upload, sent: Algorithm | None) -> None:
    """Whether a part may come with this checksum. Raises InvalidRequest.

    CRC64NVME is also what uploads get that were created without naming an algorithm, to which SDKs send parts with
    whatever their default is: those are verified, and the part's CRC64NVME is computed.
    """
    if sent is None or upload.checksum_algorithm in (sent.name, checksums.DEFAULT_ALGORITHM):
        return
    raise errors.InvalidRequest(
        f"Checksum Type mismatch occurred, expected checksum Type: {upload.checksum_algorithm.lower()}, "
        f"actual checksum Type: {sent.name.lower()}"
    )


def assemble(upload: Upload, wanted: Sequence[Mapping[str, Any]], uploaded: Sequence[Part]) -> Assembly:
    """`wanted` are the CompletedParts of the request, `uploaded` what there is.

    Raises MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall, InvalidRequest, BadDigest.
    """
    if not wanted or len(wanted) > MAX_PART_NUMBER or any("PartNumber" not in entry for entry in wanted):
        raise MalformedXML("The XML you provided was not well-formed or did not validate against our published schema")
    numbers = [entry["PartNumber"] for entry in wanted]
    if any(left >= right for left, right in itertools.pairwise(numbers)):
        raise errors.InvalidPartOrder(upload.upload_id)
    by_number = {part.part_number: part for part in uploaded}
    algorithm = checksums.ALGORITHMS[upload.checksum_algorithm]
    chosen, offset = list[Part](), 0
    for entry in wanted:
        part = _find(upload, algorithm, entry, by_number)
        if part.part_number != numbers[-1] and part.size < MIN_PART_BYTES:
            raise errors.EntityTooSmall(
                size=part.size, minimum=MIN_PART_BYTES, part_number=part.part_number, etag=part.etag
            )
        chosen.append(part._replace(start=offset))
        offset += part.size
    return Assembly(tuple(chosen), offset, _etag(chosen), _checksum(upload, algorithm, chosen))


def check_whole(upload: Upload, assembly: Assembly, request: Mapping[str, Any]) -> None:
    """What CompleteMultipartUpload says of the whole object. Raises BadDigest, InvalidRequest."""
    size = request.get("MpuObjectSize")
    if size is not None and size != assembly.size:
        raise errors.InvalidRequest(
            f"The provided 'x-amz-mp-object-size' header value {size} does not match what was computed: {assembly.size}"
        )
    if request.get("ChecksumType", upload.checksum_type) != upload.checksum_type:
        raise errors.BadDigest(
            f"The upload was created using the {upload.checksum_type} checksum mode. The complete request must use the "
            "same checksum mode."
        )
    algorithm = checksums.ALGORITHMS[upload.checksum_algorithm]
    said = request.get(algorithm.member)
    if said is not None and said.partition("-")[0] != assembly.checksum.partition("-")[0]:
        raise errors.BadDigest(f"The {algorithm.name} you specified did not match the calculated checksum.")


def _find(upload: Upload, algorithm: Algorithm, entry: Mapping[str, Any], by_number: Mapping[int, Part]) -> Part:
    """Raises InvalidPart; an entry's checksum counts as much as its ETag."""
    number, etag = entry["PartNumber"], bare_etag(entry.get("ETag", ""))
    part = by_number.get(number)
    if part is None or part.etag != etag or entry.get(algorithm.member, part.checksum) != part.checksum:
        raise errors.InvalidPart(upload_id=upload.upload_id, part_number=number, etag=etag)
    if upload.checksum_type == COMPOSITE and algorithm.member not in entry:
        raise errors.InvalidRequest(
            f"The upload was created using a {algorithm.name.lower()} checksum. The complete request must include the "
            f"checksum for each part. It was missing for part {number} in the request."
        )
    return part


def _etag(parts: Sequence[Part]) -> str:
    digest = hashlib.md5(b"".join([bytes.fromhex(part.etag) for part in parts]), usedforsecurity=False)
    return f"{digest.hexdigest()}-{len(parts)}"


def _checksum(upload: Upload, algorithm: Algorithm, parts: Sequence[Part]) -> str:
    return checksums.of_parts(algorithm, upload.checksum_type, [(part.checksum, part.size) for part in parts])
