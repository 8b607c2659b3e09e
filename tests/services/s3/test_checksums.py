"""Checksums through boto3: in headers, in trailers, computed by us, shown on request."""

import base64
import hashlib
import io
import zlib
from typing import Any

import pytest
from botocore.config import Config

from platform_process import PlatformProcess
from services.s3.refusals import refusal

BODY = b"hello checksums" * 4000


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [15, 60_000])
def test_every_algorithm(s3: Any, bucket: str, algorithm: str, size: int) -> None:
    put = s3.put_object(Bucket=bucket, Key="k", Body=BODY[:size], ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == BODY[:size]
    member = f"Checksum{algorithm}"
    assert put[member] == head[member] == got[member]
    assert put["ChecksumType"] == "FULL_OBJECT"


@pytest.mark.parametrize("size", [15, 60_000])
def test_streams_send_theirs_in_a_trailer(s3: Any, bucket: str, size: int) -> None:
    class Stream(io.BytesIO):
        """Not seekable to the SDK's eyes, so it cannot hash before it sends."""

    put = s3.put_object(Bucket=bucket, Key="k", Body=Stream(BODY[:size]), ChecksumAlgorithm="CRC32")
    expected = base64.b64encode(zlib.crc32(BODY[:size]).to_bytes(4)).decode()
    assert put["ChecksumCRC32"] == expected
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY[:size]


def test_we_compute_crc64nvme_for_who_sends_none(platform: PlatformProcess, bucket: str) -> None:
    old = platform.client("s3", config=Config(request_checksum_calculation="when_required"))
    put = old.put_object(Bucket=bucket, Key="k", Body=b"123456789")
    assert put["ChecksumCRC64NVME"] == base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()


@pytest.mark.parametrize("size", [15, 60_000])
def test_what_does_not_match_is_not_stored(s3: Any, bucket: str, size: int) -> None:
    here = {"Bucket": bucket, "Key": "k", "Body": BODY[:size]}
    assert refusal(s3.put_object, **here, ChecksumSHA256=base64.b64encode(b"x" * 32).decode()) == ("BadDigest", 400)
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert refusal(s3.put_object, **here, ContentMD5=wrong) == ("BadDigest", 400)
    assert refusal(s3.put_object, **here, ContentMD5="nonsense") == ("InvalidDigest", 400)
    assert refusal(s3.put_object, **here, ChecksumCRC32="AAAA") == ("InvalidRequest", 400)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_they_are_shown_only_on_request(platform: PlatformProcess, bucket: str) -> None:
    quiet = platform.client("s3", config=Config(response_checksum_validation="when_required"))
    quiet.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert not any(name.startswith("Checksum") for name in quiet.head_object(Bucket=bucket, Key="k"))
    part = quiet.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED", Range="bytes=0-0")
    assert part["ChecksumCRC32"]


def test_listings_name_the_algorithm(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumAlgorithm="SHA1")
    entry = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (entry["ChecksumAlgorithm"], entry["ChecksumType"]) == (["SHA1"], "FULL_OBJECT")
