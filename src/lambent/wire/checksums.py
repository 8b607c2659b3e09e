"""S3's checksums: computed piece by piece, compared as base64, put together from parts.

The CRCs come from awscrt (14 us per MiB), the digests from hashlib. The algorithms of the xxHash family, which the
model also names, are deliberately absent: no AWS client computes them unasked.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from awscrt import checksums as crt


class Checksum(Protocol):
    def update(self, data: bytes) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    __slots__ = ("_compute", "_length", "_value")

    def __init__(self, compute: Callable[[bytes, int], int], length: int) -> None:
        self._compute = compute
        self._length = length
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = self._compute(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._length, "big")


#: Names as in `ChecksumAlgorithm`.
ALGORITHMS: Mapping[str, Callable[[], Checksum]] = {
    "CRC32": lambda: _Crc(zlib.crc32, 4),
    "CRC32C": lambda: _Crc(crt.crc32c, 4),
    "CRC64NVME": lambda: _Crc(crt.crc64nvme, 8),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": lambda: hashlib.sha256(usedforsecurity=False),
}

#: Header (or trailer) -> algorithm, and algorithm -> member name (`ChecksumCRC32`).
HEADERS: Mapping[str, str] = {f"x-amz-checksum-{name.lower()}": name for name in ALGORITHMS}
MEMBERS: Mapping[str, str] = {name: f"Checksum{name}" for name in ALGORITHMS}
DIGEST_BYTES: Mapping[str, int] = {name: len(make().digest()) for name, make in ALGORITHMS.items()}

_COMBINE: Mapping[str, Callable[[int, int, int], int]] = {
    "CRC32": crt.combine_crc32,
    "CRC32C": crt.combine_crc32c,
    "CRC64NVME": crt.combine_crc64nvme,
}


def new(algorithm: str) -> Checksum:
    """Raises KeyError for an algorithm we do not have."""
    return ALGORITHMS[algorithm]()


def encode(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")


def of(algorithm: str, data: bytes) -> str:
    checksum = new(algorithm)
    checksum.update(data)
    return encode(checksum.digest())


def is_well_formed(algorithm: str, value: str) -> bool:
    """Base64 of the right number of bytes."""
    try:
        return len(base64.b64decode(value, validate=True)) == DIGEST_BYTES[algorithm]
    except ValueError:
        return False


def composite(algorithm: str, parts: Iterable[str]) -> str:
    """Of a multipart object, type COMPOSITE: the checksum of the parts' checksums, and how many there were."""
    digests = [base64.b64decode(part) for part in parts]
    return f"{of(algorithm, b''.join(digests))}-{len(digests)}"


def full_object(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """Of a multipart object, type FULL_OBJECT: (checksum, length) of each part in order, merged. CRCs only."""
    merged = 0
    for part, length in parts:
        merged = _COMBINE[algorithm](merged, int.from_bytes(base64.b64decode(part), "big"), length)
    return encode(merged.to_bytes(DIGEST_BYTES[algorithm], "big"))
