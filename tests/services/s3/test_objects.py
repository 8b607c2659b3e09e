"""Objects through boto3: what is put is what is got, whatever its size and name."""

import hashlib
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from services.s3.refusals import refusal, refused

SIZES = [0, 1, 1024, 32 * 1024, 32 * 1024 + 1, 300_000, 3 * 1024**2]


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", SIZES)
def test_bytes_come_back(s3: Any, bucket: str, size: int) -> None:
    body = content(size)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=body)["ETag"]
    assert etag == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    head = s3.head_object(Bucket=bucket, Key="k")
    for answer in (got, head):
        assert (answer["ContentLength"], answer["ETag"], answer["AcceptRanges"]) == (size, etag, "bytes")
        assert abs((datetime.now(UTC) - answer["LastModified"]).total_seconds()) < 60


@pytest.mark.parametrize(
    "key",
    [
        "a b",
        "a+b",
        "ü/é/日本語.txt",
        "😀",
        "a//b/",
        "/leading",
        "a?b=c&d#e",
        "100%",
        "%41",
        "..",
        "a/../b",
        "\x01\t",
        "~'()*!",
    ],
)
def test_any_key(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_a_key_that_is_too_long(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="x" * 1024, Body=b"")
    assert refusal(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"") == ("KeyTooLongError", 400)


def test_headers_and_metadata_are_kept(s3: Any, bucket: str) -> None:
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    stored = {
        "ContentType": "text/markdown; charset=utf-8",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a.md"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "Metadata": {"colour": "red", "empty": ""},
        "WebsiteRedirectLocation": "/elsewhere",
        "StorageClass": "STANDARD_IA",
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Expires=expires, Tagging="a=1&b=2", **stored)
    for answer in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert {name: answer[name] for name in stored} == stored
        assert answer["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"
        assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-tagging-count"] == "2"


def test_without_a_content_type(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_too_much_metadata(s3: Any, bucket: str) -> None:
    request = {"Bucket": bucket, "Key": "k", "Body": b"x", "Metadata": {"k": "v" * 2048}}
    assert refusal(s3.put_object, **request) == ("MetadataTooLarge", 400)


@pytest.mark.parametrize("size", [100, 100_000])
def test_ranges(s3: Any, bucket: str, size: int) -> None:
    body = content(size)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    for header, expected in (("bytes=10-19", body[10:20]), ("bytes=90-", body[90:]), ("bytes=-7", body[-7:])):
        got = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert got["Body"].read() == expected
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["ContentRange"].endswith(f"/{size}")
        head = s3.head_object(Bucket=bucket, Key="k", Range=header)
        assert (head["ContentLength"], head["ResponseMetadata"]["HTTPStatusCode"]) == (len(expected), 206)
    error = refused(s3.get_object, Bucket=bucket, Key="k", Range=f"bytes={size}-")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 416
    assert (error["Error"]["Code"], error["Error"]["ActualObjectSize"]) == ("InvalidRange", str(size))


def test_an_object_put_at_once_is_its_own_part_1(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    assert (got["Body"].read(), got["ContentRange"]) == (b"hello", "bytes 0-4/5")
    assert refusal(s3.get_object, Bucket=bucket, Key="k", PartNumber=2) == ("InvalidPartNumber", 416)
    assert refusal(s3.get_object, Bucket=bucket, Key="k", PartNumber=1, Range="bytes=0-1") == ("InvalidRequest", 400)


def test_response_overrides(s3: Any, anonymous: Any, open_bucket: str) -> None:
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"x", ContentType="text/html", ACL="public-read")
    overridden = s3.get_object(
        Bucket=open_bucket,
        Key="k",
        ResponseContentType="text/plain",
        ResponseCacheControl="no-store",
        ResponseContentDisposition="inline",
    )
    assert overridden["ContentType"] == "text/plain"
    assert (overridden["CacheControl"], overridden["ContentDisposition"]) == ("no-store", "inline")
    asked = {"Bucket": open_bucket, "Key": "k", "ResponseContentType": "text/plain"}
    assert refusal(anonymous.get_object, **asked) == ("InvalidRequest", 400)


def test_missing_objects(s3: Any, bucket: str) -> None:
    error = refused(s3.get_object, Bucket=bucket, Key="nope")["Error"]
    assert (error["Code"], error["Key"]) == ("NoSuchKey", "nope")
    assert refusal(s3.head_object, Bucket=bucket, Key="nope") == ("404", 404)
    assert refusal(s3.get_object, Bucket="no-such-bucket-at-all", Key="k") == ("NoSuchBucket", 404)
    assert refusal(s3.put_object, Bucket="no-such-bucket-at-all", Key="k", Body=b"") == ("NoSuchBucket", 404)
    assert refusal(s3.get_object, Bucket=bucket, Key="k", VersionId="v1") == ("NoSuchVersion", 404)


def test_deleting(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=content(100_000))
    answer = s3.delete_object(Bucket=bucket, Key="k")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    s3.delete_object(Bucket=bucket, Key="k")


def test_deleting_a_thousand_at_once(s3: Any, bucket: str) -> None:
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"x")
    identifiers = [{"Key": f"k{number}"} for number in range(1000)]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": identifiers})
    assert len(answer["Deleted"]) == 1000
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    too_many = {"Objects": [*identifiers, {"Key": "one more"}]}
    assert refusal(s3.delete_objects, Bucket=bucket, Delete=too_many) == ("MalformedXML", 400)


def test_deleting_quietly_tells_errors_only(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    identifiers = [{"Key": "k"}, {"Key": "x" * 1025}, {"Key": "k2", "VersionId": "v1"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": identifiers, "Quiet": True})
    assert "Deleted" not in answer
    assert [error["Code"] for error in answer["Errors"]] == ["KeyTooLongError", "NoSuchVersion"]


def test_attributes(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256")
    wanted = ["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"]
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=wanted)
    assert (found["ETag"], found["ObjectSize"]) == (hashlib.md5(b"hello").hexdigest(), 5)
    assert found["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert found["Checksum"]["ChecksumSHA256"]
    assert "ObjectParts" not in found


def test_tags(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=x%20y")
    first = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == first
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": "3"}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    eleven = {"TagSet": [{"Key": str(number), "Value": ""} for number in range(11)]}
    assert refusal(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=eleven) == ("BadRequest", 400)


def test_overwriting_in_every_form(s3: Any, bucket: str) -> None:
    for size in (10, 100_000, 20, 200_000, 0):
        s3.put_object(Bucket=bucket, Key="k", Body=content(size))
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content(size)
