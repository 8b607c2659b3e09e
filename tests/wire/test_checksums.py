import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire import checksums


@pytest.mark.parametrize(
    ("algorithm", "of_digits"),
    [
        # The check values of "123456789" in the catalogue of CRCs, https://reveng.sourceforge.io/crc-catalogue/
        ("CRC32", bytes.fromhex("cbf43926")),
        ("CRC32C", bytes.fromhex("e3069283")),
        ("CRC64NVME", bytes.fromhex("ae8b14860a799888")),
        ("SHA1", hashlib.sha1(b"123456789").digest()),
        ("SHA256", hashlib.sha256(b"123456789").digest()),
    ],
)
def test_known_values(algorithm: str, of_digits: bytes) -> None:
    assert checksums.of(algorithm, b"123456789") == checksums.encode(of_digits)
    assert checksums.is_well_formed(algorithm, checksums.encode(of_digits))
    assert not checksums.is_well_formed(algorithm, checksums.encode(of_digits + b"x"))
    assert not checksums.is_well_formed(algorithm, "~~~~")


@given(st.sampled_from(sorted(checksums.ALGORITHMS)), st.lists(st.binary(max_size=40), max_size=5))
def test_pieces_make_no_difference(algorithm: str, pieces: list[bytes]) -> None:
    checksum = checksums.new(algorithm)
    for piece in pieces:
        checksum.update(piece)
    assert checksums.encode(checksum.digest()) == checksums.of(algorithm, b"".join(pieces))


@given(
    st.sampled_from(["CRC32", "CRC32C", "CRC64NVME"]),
    st.lists(st.binary(max_size=40) | st.binary(min_size=1, max_size=3).map(lambda one: one * 3000), max_size=5),
)
def test_full_object_of_parts_is_that_of_the_whole(algorithm: str, parts: list[bytes]) -> None:
    merged = checksums.full_object(algorithm, [(checksums.of(algorithm, part), len(part)) for part in parts])
    assert merged == checksums.of(algorithm, b"".join(parts))


def test_composite_is_the_checksum_of_checksums() -> None:
    parts = [checksums.of("CRC32", b"a"), checksums.of("CRC32", b"b")]
    raw = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in (b"a", b"b"))
    assert checksums.composite("CRC32", parts) == checksums.of("CRC32", raw) + "-2"
