"""CopyObject through boto3."""

import random
from typing import Any

import pytest

from services.s3.refusals import refusal

BODIES = {"empty": b"", "small": b"hello", "large": random.Random(1).randbytes(200_000)}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("algorithm", [None, "SHA256"])
def test_a_copy_is_the_same(s3: Any, bucket: str, kind: str, algorithm: str | None) -> None:
    put = s3.put_object(Bucket=bucket, Key="a b+ü", Body=BODIES[kind], ContentType="a/b", Metadata={"m": "1"})
    options = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b+ü"}, **options)
    result = copied["CopyObjectResult"]
    assert result["ETag"] == put["ETag"]
    assert f"Checksum{algorithm or 'CRC32'}" in result
    s3.delete_object(Bucket=bucket, Key="a b+ü")
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (BODIES[kind], "a/b", {"m": "1"})


def test_directives(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="kept", CopySource=source, Metadata={"ignored": "1"}, Tagging="ignored=1")
    assert s3.head_object(Bucket=bucket, Key="kept")["Metadata"] == {"m": "1"}
    assert s3.get_object_tagging(Bucket=bucket, Key="kept")["TagSet"] == [{"Key": "t", "Value": "1"}]
    s3.copy_object(
        Bucket=bucket,
        Key="new",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"n": "2"},
        ContentType="c/d",
        TaggingDirective="REPLACE",
        Tagging="u=2",
    )
    head = s3.head_object(Bucket=bucket, Key="new")
    assert (head["Metadata"], head["ContentType"]) == ({"n": "2"}, "c/d")
    assert s3.get_object_tagging(Bucket=bucket, Key="new")["TagSet"] == [{"Key": "u", "Value": "2"}]


@pytest.mark.parametrize("kind", BODIES)
def test_onto_itself(s3: Any, bucket: str, kind: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=BODIES[kind])
    here = {"Bucket": bucket, "Key": "k", "CopySource": {"Bucket": bucket, "Key": "k"}}
    assert refusal(s3.copy_object, **here) == ("InvalidRequest", 400)
    s3.copy_object(**here, MetadataDirective="REPLACE", Metadata={"n": "2"})
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["Metadata"]) == (BODIES[kind], {"n": "2"})


def test_conditions_on_the_source(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    here = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/k"}
    s3.copy_object(**here, CopySourceIfMatch=etag)
    assert refusal(s3.copy_object, **here, CopySourceIfNoneMatch=etag) == ("PreconditionFailed", 412)
    assert refusal(s3.copy_object, **here, CopySourceIfMatch='"other"') == ("PreconditionFailed", 412)


def test_sources_that_are_not_there(s3: Any, bucket: str) -> None:
    here = {"Bucket": bucket, "Key": "copy"}
    assert refusal(s3.copy_object, **here, CopySource=f"{bucket}/nope") == ("NoSuchKey", 404)
    assert refusal(s3.copy_object, **here, CopySource="no-such-bucket-at-all/k") == ("NoSuchBucket", 404)
    assert refusal(s3.copy_object, **here, CopySource="nonsense") == ("InvalidArgument", 400)


def test_the_acl_is_not_copied(s3: Any, anonymous: Any, open_bucket: str) -> None:
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"x", ACL="public-read")
    anonymous.get_object(Bucket=open_bucket, Key="k")
    s3.copy_object(Bucket=open_bucket, Key="copy", CopySource=f"{open_bucket}/k")
    assert refusal(anonymous.get_object, Bucket=open_bucket, Key="copy") == ("AccessDenied", 403)
