"""What makes an object of parts: order, sizes, ETag, checksum; and the pages of uploads in progress."""

import base64
import hashlib
from typing import Any

import pytest

from lambent.services.s3 import uploads
from lambent.services.s3.checksums import ALGORITHMS
from lambent.services.s3.records import Part, Upload
from lambent.wire.errors import ServiceError
from unit.services.s3.outcomes import code

MIB = 1024**2
UPLOAD = Upload(b"k", "U1", 0, "STANDARD", "", "CRC64NVME", "FULL_OBJECT", "", "", "{}")
COMPOSITE = UPLOAD._replace(checksum_algorithm="SHA256", checksum_type="COMPOSITE")


def checksum(content: bytes, algorithm: str = "CRC64NVME") -> str:
    digest = ALGORITHMS[algorithm].start()
    digest.update(content)
    return base64.b64encode(digest.digest()).decode()


def part(number: int, content: bytes, size: int | None = None, algorithm: str = "CRC64NVME") -> Part:
    etag = hashlib.md5(content).hexdigest()
    return Part(number, len(content) if size is None else size, etag, 0, checksum(content, algorithm), f"blob{number}")


ONE, TWO, THREE = part(1, b"one", 5 * MIB), part(2, b"two", 5 * MIB), part(7, b"three")


def entry(of: Part, **more: Any) -> dict[str, Any]:
    return {"PartNumber": of.part_number, "ETag": f'"{of.etag}"', **more}


def test_assemble() -> None:
    assembly = uploads.assemble(UPLOAD, [entry(ONE), entry(THREE)], [ONE, TWO, THREE])
    digests = bytes.fromhex(ONE.etag) + bytes.fromhex(THREE.etag)
    assert assembly.etag == f"{hashlib.md5(digests).hexdigest()}-2"
    assert assembly.size == 5 * MIB + 5
    assert [(one.part_number, one.start) for one in assembly.parts] == [(1, 0), (7, 5 * MIB)]


def test_one_small_part_is_enough() -> None:
    assembly = uploads.assemble(UPLOAD, [entry(THREE)], [THREE])
    assert assembly.size == 5
    assert assembly.checksum == checksum(b"three")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], "MalformedXML"),
        ([{"ETag": "x"}], "MalformedXML"),
        ([entry(TWO), entry(ONE)], "InvalidPartOrder"),
        ([entry(ONE), entry(ONE)], "InvalidPartOrder"),
        ([{"PartNumber": 3, "ETag": "x"}], "InvalidPart"),
        ([{"PartNumber": 1, "ETag": '"0000"'}], "InvalidPart"),
        ([{"PartNumber": 1}], "InvalidPart"),
        ([entry(ONE, ChecksumCRC64NVME="AAAAAAAAAAA=")], "InvalidPart"),
        ([entry(part(3, b"small")), entry(THREE)], "EntityTooSmall"),
    ],
)
def test_what_cannot_be_assembled(wanted: list[dict[str, Any]], expected: str) -> None:
    uploaded = [ONE, TWO, part(3, b"small"), THREE]
    assert code(lambda: uploads.assemble(UPLOAD, wanted, uploaded)) == expected


def test_composite_checksums_must_be_told_for_every_part() -> None:
    uploaded = part(1, b"one", algorithm="SHA256")
    with pytest.raises(ServiceError) as refused:
        uploads.assemble(COMPOSITE, [entry(uploaded)], [uploaded])
    assert "It was missing for part 1" in refused.value.message
    assembly = uploads.assemble(COMPOSITE, [entry(uploaded, ChecksumSHA256=uploaded.checksum)], [uploaded])
    assert assembly.checksum.endswith("-1")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, None),
        ({"MpuObjectSize": 5}, None),
        ({"MpuObjectSize": 6}, "InvalidRequest"),
        ({"ChecksumType": "FULL_OBJECT"}, None),
        ({"ChecksumType": "COMPOSITE"}, "BadDigest"),
        ({"ChecksumCRC64NVME": THREE.checksum}, None),
        ({"ChecksumCRC64NVME": "AAAAAAAAAAA="}, "BadDigest"),
    ],
)
def test_check_whole(request_: dict[str, Any], expected: str | None) -> None:
    assembly = uploads.assemble(UPLOAD, [entry(THREE)], [THREE])
    assert code(lambda: uploads.check_whole(UPLOAD, assembly, request_)) == expected


def test_parts_come_with_the_uploads_algorithm() -> None:
    uploads.check_algorithm(COMPOSITE, ALGORITHMS["SHA256"])
    uploads.check_algorithm(COMPOSITE, None)
    uploads.check_algorithm(UPLOAD, ALGORITHMS["CRC32"])
    with pytest.raises(ServiceError) as refused:
        uploads.check_algorithm(COMPOSITE, ALGORITHMS["CRC32"])
    assert refused.value.code == "InvalidRequest"


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_part_numbers(number: int) -> None:
    uploads.check_part_number(10_000)
    with pytest.raises(ServiceError) as refused:
        uploads.check_part_number(number)
    assert refused.value.code == "InvalidArgument"


def test_uploads_are_grouped_and_cut_like_keys() -> None:
    rows = [UPLOAD._replace(key=key, upload_id=name) for key, name in
            [(b"a", "1"), (b"a", "2"), (b"f/1", "3"), (b"f/2", "4"), (b"z", "5")]]  # fmt: skip
    page = uploads.collect(rows, prefix=b"", delimiter=b"/", limit=3)
    assert [one.upload_id for one in page.uploads] == ["1", "2"]
    assert page.prefixes == [b"f/"]
    assert page.is_truncated
    assert page.last == (b"f/", "")
    assert not uploads.collect(rows, prefix=b"", delimiter=b"/", limit=4).is_truncated
