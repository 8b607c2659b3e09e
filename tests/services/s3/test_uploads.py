"""Multipart uploads through boto3."""

import base64
import hashlib
import io
import random
import zlib
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from services.s3.refusals import refusal

MIB = 1024**2
FIVE = random.Random(5).randbytes(5 * MIB)
LAST = b"the end"


def upload(s3: Any, bucket: str, key: str, *bodies: bytes, **options: Any) -> tuple[str, list[dict[str, Any]]]:
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    parts = []
    for number, body in enumerate(bodies, start=1):
        sent = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    return upload_id, parts


def complete(s3: Any, bucket: str, key: str, upload_id: str, parts: list[dict[str, Any]], **more: Any) -> Any:
    return s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **more
    )


def test_parts_become_an_object(s3: Any, bucket: str) -> None:
    upload_id, parts = upload(s3, bucket, "k", FIVE, LAST, ContentType="text/plain", Metadata={"a": "b"}, Tagging="t=1")
    finished = complete(s3, bucket, "k", upload_id, parts)
    digests = hashlib.md5(FIVE).digest() + hashlib.md5(LAST).digest()
    assert finished["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert (finished["Bucket"], finished["Key"]) == (bucket, "k")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == FIVE + LAST
    assert (got["ETag"], got["ContentType"], got["Metadata"]) == (finished["ETag"], "text/plain", {"a": "b"})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "t", "Value": "1"}]
    again = complete(s3, bucket, "k", upload_id, parts)
    assert again["ETag"] == finished["ETag"]


@pytest.mark.parametrize(
    ("first", "last"), [(0, 9), (5 * MIB - 3, 5 * MIB + 2), (5 * MIB, 5 * MIB + 6), (5 * MIB + 1, 5 * MIB + 1)]
)
def test_ranges_over_parts(s3: Any, bucket: str, first: int, last: int) -> None:
    upload_id, parts = upload(s3, bucket, "k", FIVE, LAST)
    complete(s3, bucket, "k", upload_id, parts)
    got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={first}-{last}")
    assert got["Body"].read() == (FIVE + LAST)[first : last + 1]
    assert got["ContentLength"] == last - first + 1


def test_reading_one_part(s3: Any, bucket: str) -> None:
    upload_id, parts = upload(s3, bucket, "k", FIVE, LAST)
    complete(s3, bucket, "k", upload_id, parts)
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (got["Body"].read(), got["PartsCount"]) == (LAST, 2)
    assert got["ContentRange"] == f"bytes {5 * MIB}-{5 * MIB + 6}/{5 * MIB + 7}"
    assert s3.head_object(Bucket=bucket, Key="k", PartNumber=1)["ContentLength"] == 5 * MIB
    assert refusal(s3.get_object, Bucket=bucket, Key="k", PartNumber=3) == ("InvalidPartNumber", 416)


def test_what_cannot_be_completed(s3: Any, bucket: str) -> None:
    upload_id, parts = upload(s3, bucket, "k", b"small", LAST)
    here = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}

    def code(chosen: list[dict[str, Any]]) -> str:
        return refusal(s3.complete_multipart_upload, **here, MultipartUpload={"Parts": chosen})[0]

    assert code(parts) == "EntityTooSmall"
    assert code(parts[::-1]) == "InvalidPartOrder"
    assert code([{"PartNumber": 9, "ETag": "x"}]) == "InvalidPart"
    assert code([{"PartNumber": 1, "ETag": '"0123"'}]) == "InvalidPart"
    assert code([]) == "MalformedXML"
    unknown = {"Bucket": bucket, "Key": "k", "UploadId": "nope", "MultipartUpload": {"Parts": parts}}
    assert refusal(s3.complete_multipart_upload, **unknown) == ("NoSuchUpload", 404)
    s3.abort_multipart_upload(**here)


def test_aborting(s3: Any, bucket: str) -> None:
    upload_id, parts = upload(s3, bucket, "k", LAST)
    here = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    answer = s3.abort_multipart_upload(**here)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(s3.upload_part, **here, PartNumber=2, Body=b"x") == ("NoSuchUpload", 404)
    assert refusal(s3.list_parts, **here) == ("NoSuchUpload", 404)
    assert refusal(s3.abort_multipart_upload, **here) == ("NoSuchUpload", 404)
    assert refusal(s3.complete_multipart_upload, **here, MultipartUpload={"Parts": parts}) == ("NoSuchUpload", 404)


def test_a_part_can_be_sent_again(s3: Any, bucket: str) -> None:
    upload_id, _ = upload(s3, bucket, "k", b"first try")
    sent = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1, Body=LAST)
    complete(s3, bucket, "k", upload_id, [{"PartNumber": 1, "ETag": sent["ETag"]}])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == LAST


def test_an_object_of_parts_is_replaced_and_deleted_like_any_other(s3: Any, bucket: str) -> None:
    for _ in range(2):
        upload_id, parts = upload(s3, bucket, "k", FIVE, LAST)
        complete(s3, bucket, "k", upload_id, parts)
    s3.put_object(Bucket=bucket, Key="k", Body=b"short")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"short"


def test_listing_parts(s3: Any, bucket: str) -> None:
    upload_id, _ = upload(s3, bucket, "k", b"1", b"22", b"333")
    here = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    pages = list(s3.get_paginator("list_parts").paginate(**here, PaginationConfig={"PageSize": 2}))
    assert [part["Size"] for page in pages for part in page["Parts"]] == [1, 2, 3]
    assert (pages[0]["IsTruncated"], pages[0]["NextPartNumberMarker"]) == (True, 2)
    s3.abort_multipart_upload(**here)


def test_listing_uploads(s3: Any, bucket: str) -> None:
    started = [(key, upload(s3, bucket, key)[0]) for key in ("a", "a", "f/1", "f/2", "ü")]
    page = s3.list_multipart_uploads(Bucket=bucket)
    assert [(one["Key"], one["UploadId"]) for one in page["Uploads"]] == started
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [one["UploadId"] for page in pages for one in page["Uploads"]] == [upload_id for _, upload_id in started]
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [one["Key"] for one in grouped["Uploads"]] == ["a", "a", "ü"]
    assert grouped["CommonPrefixes"] == [{"Prefix": "f/"}]
    behind = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a", Prefix="f")
    assert [one["Key"] for one in behind["Uploads"]] == ["f/1", "f/2"]
    for key, upload_id in started:
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)


def test_composite_checksums(s3: Any, bucket: str) -> None:
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    here = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    sent = s3.upload_part(**here, PartNumber=1, Body=LAST, ChecksumAlgorithm="SHA256")
    assert refusal(s3.upload_part, **here, PartNumber=2, Body=LAST, ChecksumAlgorithm="CRC32")[0] == "InvalidRequest"
    part = {"PartNumber": 1, "ETag": sent["ETag"], "ChecksumSHA256": sent["ChecksumSHA256"]}
    finished = complete(s3, bucket, "k", upload_id, [part])
    expected = hashlib.sha256(hashlib.sha256(LAST).digest()).digest()
    assert finished["ChecksumSHA256"] == f"{base64.b64encode(expected).decode()}-1"
    assert finished["ChecksumType"] == "COMPOSITE"


def test_full_object_checksums(s3: Any, bucket: str) -> None:
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    here = {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}
    parts = []
    for number, body in enumerate((FIVE, LAST), start=1):
        sent = s3.upload_part(**here, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]})
    whole = base64.b64encode(zlib.crc32(FIVE + LAST).to_bytes(4)).decode()
    wrong = {**here, "MultipartUpload": {"Parts": parts}, "ChecksumCRC32": "AAAAAA==", "ChecksumType": "FULL_OBJECT"}
    assert refusal(s3.complete_multipart_upload, **wrong)[0] == "BadDigest"
    finished = complete(s3, bucket, "k", created["UploadId"], parts, ChecksumCRC32=whole, ChecksumType="FULL_OBJECT")
    assert finished["ChecksumCRC32"] == whole


def test_the_sdks_own_transfer(s3: Any, bucket: str) -> None:
    body = FIVE * 3 + LAST
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(body), bucket, "k", Config=config)
    target = io.BytesIO()
    s3.download_fileobj(bucket, "k", target, Config=config)
    assert target.getvalue() == body
    s3.copy({"Bucket": bucket, "Key": "k"}, bucket, "copy", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body
    wanted = ["ObjectParts", "Checksum"]
    assert s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=wanted)["ObjectParts"]["Parts"]


def test_copying_parts_from_other_objects(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="small", Body=LAST)
    s3.put_object(Bucket=bucket, Key="large", Body=FIVE)
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    here = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    sources = [("large", None), ("large", "bytes=100-6000000"), ("small", "bytes=0-2")]
    refused = {**here, "PartNumber": 2, "CopySource": f"{bucket}/large", "CopySourceRange": "bytes=100-6000000"}
    assert refusal(s3.upload_part_copy, **refused) == ("InvalidArgument", 400)
    parts = []
    for number, (key, span) in enumerate([sources[0], sources[2]], start=1):
        options = {"CopySourceRange": span} if span else {}
        source = {"Bucket": bucket, "Key": key}
        copied = s3.upload_part_copy(**here, PartNumber=number, CopySource=source, **options)["CopyPartResult"]
        parts.append({"PartNumber": number, "ETag": copied["ETag"]})
    complete(s3, bucket, "k", upload_id, parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == FIVE + LAST[:3]
