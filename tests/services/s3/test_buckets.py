"""Buckets through boto3."""

import http.client
from collections.abc import Callable
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.s3.refusals import refusal, refused


def test_life_of_a_bucket(s3: Any) -> None:
    created = s3.create_bucket(Bucket="life-of-a-bucket")
    assert created["Location"] == "/life-of-a-bucket"
    assert s3.head_bucket(Bucket="life-of-a-bucket")["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="life-of-a-bucket")["LocationConstraint"] is None
    s3.put_object(Bucket="life-of-a-bucket", Key="k", Body=b"")
    assert refusal(s3.delete_bucket, Bucket="life-of-a-bucket") == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket="life-of-a-bucket", Key="k")
    s3.delete_bucket(Bucket="life-of-a-bucket")
    assert refusal(s3.head_bucket, Bucket="life-of-a-bucket") == ("404", 404)
    missing = refused(s3.list_objects_v2, Bucket="life-of-a-bucket")["Error"]
    assert (missing["Code"], missing["BucketName"]) == ("NoSuchBucket", "life-of-a-bucket")


def test_a_bucket_in_another_region(platform: PlatformProcess) -> None:
    s3 = platform.client("s3", region_name="eu-central-1")
    assert refusal(s3.create_bucket, Bucket="in-frankfurt") == ("IllegalLocationConstraintException", 400)
    configuration = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket="in-frankfurt", CreateBucketConfiguration=configuration)
    assert s3.get_bucket_location(Bucket="in-frankfurt")["LocationConstraint"] == "eu-central-1"
    again = refusal(s3.create_bucket, Bucket="in-frankfurt", CreateBucketConfiguration=configuration)
    assert again == ("BucketAlreadyOwnedByYou", 409)
    s3.delete_bucket(Bucket="in-frankfurt")


def test_creating_a_bucket_twice_in_us_east_1_succeeds(s3: Any, bucket: str) -> None:
    assert s3.create_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_names_are_checked(s3: Any) -> None:
    error = refused(s3.create_bucket, Bucket="Not_A_Name")["Error"]
    assert (error["Code"], error["BucketName"]) == ("InvalidBucketName", "Not_A_Name")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ACL": "public-read"}, ("InvalidBucketAclWithObjectOwnership", 400)),
        ({"ACL": "public-read", "ObjectOwnership": "ObjectWriter"}, ("AccessDenied", 403)),
        ({"ObjectLockEnabledForBucket": True}, ("NotImplemented", 501)),
    ],
)
def test_what_a_new_bucket_cannot_be(s3: Any, options: dict[str, Any], expected: tuple[str, int]) -> None:
    assert refusal(s3.create_bucket, Bucket="never-made", **options) == expected


def test_new_buckets_are_closed_as_aws_makes_them_since_2023(s3: Any, bucket: str) -> None:
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_versioning(Bucket=bucket).get("Status") is None


def test_listing_buckets(s3: Any, make_bucket: Callable[..., str]) -> None:
    names = sorted(make_bucket() for _ in range(5))
    listed = s3.list_buckets()
    assert set(names) <= {entry["Name"] for entry in listed["Buckets"]}
    assert len(listed["Owner"]["ID"]) == 64
    pages = s3.get_paginator("list_buckets").paginate(Prefix="test-", PaginationConfig={"PageSize": 2})
    found = [entry for page in pages for entry in page["Buckets"]]
    assert [entry["Name"] for entry in found if entry["Name"] in names] == names
    assert found[0]["BucketRegion"] == "us-east-1"
    assert s3.list_buckets(Prefix="no-such-prefix")["Buckets"] == []


def test_deleting_a_bucket_ends_its_uploads(s3: Any) -> None:
    s3.create_bucket(Bucket="with-an-upload")
    upload_id = s3.create_multipart_upload(Bucket="with-an-upload", Key="k")["UploadId"]
    s3.upload_part(Bucket="with-an-upload", Key="k", UploadId=upload_id, PartNumber=1, Body=b"x")
    s3.delete_bucket(Bucket="with-an-upload")
    s3.create_bucket(Bucket="with-an-upload")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="with-an-upload")
    s3.delete_bucket(Bucket="with-an-upload")


def test_tags(s3: Any, bucket: str) -> None:
    assert refusal(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    tags = [{"Key": "team", "Value": "ü"}, {"Key": "empty", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    assert refusal(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)


def test_the_owner_can_be_expected(s3: Any, bucket: str) -> None:
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="000000000000")
    assert refusal(s3.list_objects_v2, Bucket=bucket, ExpectedBucketOwner="111111111111") == ("AccessDenied", 403)


def test_virtual_hosted_style(platform: PlatformProcess, bucket: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", platform.port)
    connection.request("GET", "/", headers={"Host": f"{bucket}.s3.localhost:{platform.port}"})
    response = connection.getresponse()
    assert (response.status, b"AccessDenied" in response.read()) == (403, True)
    connection.close()
