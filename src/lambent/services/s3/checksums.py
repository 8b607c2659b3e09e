"""Checksums: computed while bytes pass, compared with what the client said, kept with the object.

An object always has one: the client's choice, or CRC64NVME when it made none, as S3 does since December 2024
("Checking object integrity" in the S3 user guide). An object made of parts has a checksum either over all its bytes
(FULL_OBJECT: the CRCs, which combine without the bytes) or over its parts' checksums (COMPOSITE, written `value-N`).
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from lambent.kit.deferred import Deferred
from lambent.kit.frozen import frozen
from lambent.services.s3 import errors
from lambent.services.s3.records import COMPOSITE, FULL_OBJECT

_NATIVE = Deferred("awscrt.checksums")

DEFAULT_ALGORITHM = "CRC64NVME"


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Native:
    """awscrt's checksums, each from when it is first asked for: loading them is a tenth of the platform's start."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(_NATIVE.load(), name)
        setattr(self, name, found)
        return found


crt = _Native()


def preload() -> None:
    """For when nobody waits: the first checksum would take the 40 ms that loading takes."""
    for name in ("crc32", "crc32c", "crc64nvme"):
        getattr(crt, name)


class Crc:
    """A cyclic redundancy check as an object of hashlib's manner."""

    def __init__(self, function: Callable[[bytes, int], int], width: int) -> None:
        self._function = function
        self._width = width
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width)


class _XxHash:
    """Without a seed, as S3 uses it; `digest` may be asked once."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def update(self, data: bytes, /) -> None:
        self._state.update(data)

    def digest(self) -> bytes:
        return bytes(self._state.finalize())


def _md5() -> Digest:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> Digest:
    return hashlib.sha1(usedforsecurity=False)


@frozen
class Algorithm:
    name: str
    width: int
    start: Callable[[], Digest]
    combine: Callable[[int, int, int], int] | None = None
    """(checksum of A, checksum of B, bytes of B) -> checksum of AB; None where that needs the bytes."""

    @property
    def member(self) -> str:
        return f"Checksum{self.name}"

    @property
    def header(self) -> str:
        return f"x-amz-checksum-{self.name.lower()}"


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("CRC32", 4, lambda: Crc(crt.crc32, 4), lambda *parts: crt.combine_crc32(*parts)),  # noqa: PLW0108 - loaded when called
        Algorithm("CRC32C", 4, lambda: Crc(crt.crc32c, 4), lambda *parts: crt.combine_crc32c(*parts)),  # noqa: PLW0108 - loaded when called
        Algorithm("CRC64NVME", 8, lambda: Crc(crt.crc64nvme, 8), lambda *parts: crt.combine_crc64nvme(*parts)),  # noqa: PLW0108 - loaded when called
        Algorithm("SHA1", 20, _sha1),
        Algorithm("SHA256", 32, hashlib.sha256),
        Algorithm("SHA512", 64, hashlib.sha512),
        Algorithm("MD5", 16, _md5),
        Algorithm("XXHASH64", 8, lambda: _XxHash(crt.XXHash.new_xxhash64())),
        Algorithm("XXHASH3", 8, lambda: _XxHash(crt.XXHash.new_xxhash3_64())),
        Algorithm("XXHASH128", 16, lambda: _XxHash(crt.XXHash.new_xxhash3_128())),
    )
}
_BY_MEMBER = {algorithm.member: algorithm for algorithm in ALGORITHMS.values()}
_BY_HEADER = {algorithm.header: algorithm for algorithm in ALGORITHMS.values()}


@frozen
class Announced:
    """What a request says of its body's checksum."""

    algorithm: Algorithm | None
    """None: the client did not choose."""
    value: str
    """base64; "" when it follows in a trailer, or is for us to compute."""
    in_trailer: bool = False


#: The client left it to us.
NOTHING_SAID = Announced(None, "")


def announced(request: Mapping[str, Any]) -> Announced:
    """Of the headers of PutObject and UploadPart. Raises InvalidRequest for contradictions and malformed values."""
    given = [(_BY_MEMBER[member], request[member]) for member in _BY_MEMBER.keys() & request.keys()]
    if len(given) > 1:
        raise errors.InvalidRequest(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    named = request.get("ChecksumAlgorithm")
    if given:
        algorithm, value = given[0]
        check_value(algorithm, value)
        return Announced(algorithm, value)
    if named is None:
        return NOTHING_SAID
    return Announced(by_name(named), "", in_trailer=True)


def by_name(name: str) -> Algorithm:
    """Raises InvalidRequest."""
    algorithm = ALGORITHMS.get(name.upper())
    if algorithm is None:
        raise errors.InvalidRequest(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            f"[{', '.join(ALGORITHMS)}]"
        )
    return algorithm


def check_value(algorithm: Algorithm, value: str) -> None:
    """Raises InvalidRequest unless `value` is base64 of the right length."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != algorithm.width:
        raise errors.InvalidRequest(f"Value for {algorithm.header} header is invalid.")


def from_trailers(trailers: Mapping[str, str]) -> Announced | None:
    """The checksum that came after the body, if one did."""
    for header, algorithm in _BY_HEADER.items():
        value = trailers.get(header)
        if value is not None:
            check_value(algorithm, value)
            return Announced(algorithm, value)
    return None


def settle(said: Announced, trailers: Mapping[str, str]) -> Announced:
    """What the client says once its body has ended. Raises InvalidRequest if the promised trailer is missing."""
    late = from_trailers(trailers) if trailers else None
    if late is not None:
        return late
    if said.in_trailer:
        raise errors.InvalidRequest(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found."
        )
    return said


def verify(said: Announced, computed: bytes) -> str:
    """The checksum as base64. Raises BadDigest if the client's is another."""
    value = base64.b64encode(computed).decode()
    if said.value and said.value != value:
        assert said.algorithm is not None
        raise errors.BadDigest(f"The {said.algorithm.name} you specified did not match the calculated checksum.")
    return value


def decode_md5(value: str | None) -> bytes | None:
    """Content-MD5. Raises InvalidDigest."""
    if value is None:
        return None
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != 16:
        raise errors.InvalidDigest(value)
    return decoded


def verify_md5(expected: bytes | None, computed: bytes) -> None:
    """Raises BadDigest."""
    if expected is not None and expected != computed:
        raise errors.BadDigest("The Content-MD5 you specified did not match what we received.")


def choose_type(algorithm: Algorithm, requested: str | None) -> str:
    """The checksum type of a multipart upload. Raises InvalidRequest for a pair that S3 does not have.

    CRC64NVME is always over the full object, SHA always over the parts, CRC32 and CRC32C as asked (over the parts
    unless asked otherwise).
    """
    if requested is None:
        return FULL_OBJECT if algorithm.name == "CRC64NVME" else COMPOSITE
    if requested not in (FULL_OBJECT, COMPOSITE):
        raise errors.InvalidRequest("Value for x-amz-checksum-type header is invalid.")
    impossible = (requested == COMPOSITE and algorithm.name == "CRC64NVME") or (
        requested == FULL_OBJECT and algorithm.combine is None
    )
    if impossible:
        raise errors.InvalidRequest(
            f"The {requested} checksum type cannot be used with the {algorithm.name.lower()} checksum algorithm."
        )
    return requested


def of_parts(algorithm: Algorithm, checksum_type: str, parts: Iterable[tuple[str, int]]) -> str:
    """The checksum of an object from its parts' (base64 checksum, size)."""
    decoded = [(base64.b64decode(value), size) for value, size in parts]
    if checksum_type == COMPOSITE:
        digest = algorithm.start()
        digest.update(b"".join([value for value, _ in decoded]))
        return f"{base64.b64encode(digest.digest()).decode()}-{len(decoded)}"
    assert algorithm.combine is not None
    combined = 0
    for value, size in decoded:
        combined = algorithm.combine(combined, int.from_bytes(value), size)
    return base64.b64encode(combined.to_bytes(algorithm.width)).decode()
