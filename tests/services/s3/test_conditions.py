"""Conditional requests through boto3."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from services.s3.refusals import refusal


def test_reading(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"hello")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    later, earlier = modified + timedelta(hours=1), modified - timedelta(hours=1)
    here = {"Bucket": bucket, "Key": "k"}
    for read in (s3.get_object, s3.head_object):
        read(**here, IfMatch=etag)
        read(**here, IfNoneMatch='"other"')
        read(**here, IfModifiedSince=earlier)
        read(**here, IfUnmodifiedSince=later)
        read(**here, IfMatch=etag, IfUnmodifiedSince=earlier)
        assert refusal(read, **here, IfNoneMatch=etag) == ("304", 304)
        assert refusal(read, **here, IfModifiedSince=modified) == ("304", 304)
        assert refusal(read, **here, IfMatch='"other"')[1] == 412
        assert refusal(read, **here, IfUnmodifiedSince=earlier)[1] == 412
    assert refusal(s3.get_object, **here, IfMatch='"other"')[0] == "PreconditionFailed"


def test_creating_only_if_it_is_new(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"first", IfNoneMatch="*")
    again = {"Bucket": bucket, "Key": "k", "Body": b"second", "IfNoneMatch": "*"}
    assert refusal(s3.put_object, **again) == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"


def test_one_of_many_creators_wins(s3: Any, bucket: str) -> None:
    def create(number: int) -> bool:
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=b"%d" % number, IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"] != "PreconditionFailed"
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(create, range(16)))
    assert won.count(True) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"%d" % won.index(True)


def test_replacing_only_what_was_seen(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfMatch=etag)
    stale = {"Bucket": bucket, "Key": "k", "Body": b"third", "IfMatch": etag}
    assert refusal(s3.put_object, **stale) == ("PreconditionFailed", 412)
    missing = {"Bucket": bucket, "Key": "nope", "Body": b"x", "IfMatch": etag}
    assert refusal(s3.put_object, **missing) == ("NoSuchKey", 404)


def test_deleting_only_what_was_seen(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["ETag"]
    assert refusal(s3.delete_object, Bucket=bucket, Key="k", IfMatch='"other"') == ("PreconditionFailed", 412)
    identifiers = [{"Key": "k", "ETag": '"other"'}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": identifiers})
    assert answer["Errors"][0]["Code"] == "PreconditionFailed"
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert refusal(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)
    assert refusal(s3.delete_object, Bucket=bucket, Key="k", IfMatch="*") == ("NoSuchKey", 404)
    s3.delete_object(Bucket=bucket, Key="k")


def test_completing_an_upload_only_if_it_is_new(s3: Any, bucket: str) -> None:
    here = {"Bucket": bucket, "Key": "k"}
    upload_id = s3.create_multipart_upload(**here)["UploadId"]
    etag = s3.upload_part(**here, UploadId=upload_id, PartNumber=1, Body=b"part")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.put_object(**here, Body=b"there already")
    completion = {**here, "UploadId": upload_id, "MultipartUpload": parts}
    assert refusal(s3.complete_multipart_upload, **completion, IfNoneMatch="*") == ("PreconditionFailed", 412)
    s3.delete_object(**here)
    s3.complete_multipart_upload(**completion, IfNoneMatch="*")
    assert s3.get_object(**here)["Body"].read() == b"part"


def test_other_conditions_on_writes_are_not_implemented(s3: Any, bucket: str) -> None:
    request = {"Bucket": bucket, "Key": "k", "Body": b"x", "IfNoneMatch": '"etag"'}
    assert refusal(s3.put_object, **request) == ("NotImplemented", 501)
