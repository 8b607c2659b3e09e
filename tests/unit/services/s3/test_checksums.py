"""Checksums: known values, what clients may say of them, and how parts make a whole."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.s3 import checksums
from lambent.services.s3.checksums import ALGORITHMS, Announced
from lambent.wire.errors import ServiceError
from unit.services.s3.outcomes import value_or_code

CHECK = b"123456789"


def compute(name: str, data: bytes) -> bytes:
    digest = ALGORITHMS[name].start()
    digest.update(data)
    return digest.digest()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The check values of the CRC catalogue (reveng), and FIPS 180's.
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ("MD5", "25f9e794323b453885f5181f1b624d0b"),
    ],
)
def test_known_values(name: str, expected: str) -> None:
    assert compute(name, CHECK).hex() == expected


@pytest.mark.parametrize("name", ALGORITHMS)
def test_widths(name: str) -> None:
    assert len(compute(name, CHECK)) == ALGORITHMS[name].width


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, (None, "", False)),
        ({"ChecksumAlgorithm": "CRC32"}, ("CRC32", "", True)),
        ({"ChecksumAlgorithm": "CRC32", "ChecksumCRC32": "y/Q5Jg=="}, ("CRC32", "y/Q5Jg==", False)),
        ({"ChecksumCRC32C": "4waSgw=="}, ("CRC32C", "4waSgw==", False)),
        ({"ChecksumCRC32": "y/Q5Jg==", "ChecksumCRC32C": "4waSgw=="}, "InvalidRequest"),
        ({"ChecksumCRC32": "y/Q5"}, "InvalidRequest"),
        ({"ChecksumCRC32": "not base64!"}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "CRC16"}, "InvalidRequest"),
    ],
)
def test_announced(request_: dict[str, Any], expected: tuple[str | None, str, bool] | str) -> None:
    said = value_or_code(lambda: checksums.announced(request_))
    if isinstance(said, Announced):
        assert (said.algorithm and said.algorithm.name, said.value, said.in_trailer) == expected
    else:
        assert said == expected


def test_a_promised_trailer_must_come() -> None:
    said = Announced(ALGORITHMS["CRC32"], "", in_trailer=True)
    assert checksums.settle(said, {"x-amz-checksum-crc32": "y/Q5Jg=="}).value == "y/Q5Jg=="
    with pytest.raises(ServiceError) as refused:
        checksums.settle(said, {})
    assert refused.value.code == "InvalidRequest"


def test_a_wrong_checksum_is_a_bad_digest() -> None:
    value = base64.b64encode(compute("SHA256", CHECK)).decode()
    said = Announced(ALGORITHMS["SHA256"], value)
    assert checksums.verify(said, compute("SHA256", CHECK)) == value
    with pytest.raises(ServiceError) as refused:
        checksums.verify(said, compute("SHA256", b"other"))
    assert (refused.value.code, refused.value.status) == ("BadDigest", 400)
    assert "SHA256" in refused.value.message


@pytest.mark.parametrize(("value", "code"), [("abc", "InvalidDigest"), ("AAAA", "InvalidDigest")])
def test_malformed_content_md5(value: str, code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        checksums.decode_md5(value)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("name", "requested", "expected"),
    [
        ("CRC64NVME", None, "FULL_OBJECT"),
        ("CRC64NVME", "COMPOSITE", "InvalidRequest"),
        ("CRC32", None, "COMPOSITE"),
        ("CRC32", "FULL_OBJECT", "FULL_OBJECT"),
        ("CRC32C", None, "COMPOSITE"),
        ("SHA1", None, "COMPOSITE"),
        ("SHA256", "FULL_OBJECT", "InvalidRequest"),
        ("CRC32", "PARTIAL", "InvalidRequest"),
    ],
)
def test_choose_type(name: str, requested: str | None, expected: str) -> None:
    try:
        chosen = checksums.choose_type(ALGORITHMS[name], requested)
    except ServiceError as error:
        chosen = error.code
    assert chosen == expected


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME"])
@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=6))
def test_full_object_checksums_of_parts_are_those_of_the_bytes(name: str, parts: list[bytes]) -> None:
    described = [(base64.b64encode(compute(name, part)).decode(), len(part)) for part in parts]
    whole = base64.b64encode(compute(name, b"".join(parts))).decode()
    assert checksums.of_parts(ALGORITHMS[name], "FULL_OBJECT", described) == whole


def test_composite_checksums_are_of_the_checksums() -> None:
    parts = [base64.b64encode(compute("SHA256", part)).decode() for part in (b"a", b"b")]
    expected = compute("SHA256", compute("SHA256", b"a") + compute("SHA256", b"b"))
    found = checksums.of_parts(ALGORITHMS["SHA256"], "COMPOSITE", [(part, 1) for part in parts])
    assert found == f"{base64.b64encode(expected).decode()}-2"
