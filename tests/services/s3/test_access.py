"""Who gets in, through boto3: signed, and not signed at all."""

import json
import urllib.request
from typing import Any

import pytest
from botocore.config import Config

from platform_process import PlatformProcess
from services.s3.refusals import refusal


def public_policy(bucket: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **more}]})


def test_nothing_is_public_unless_somebody_said_so(s3: Any, anonymous: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    here = {"Bucket": bucket, "Key": "k"}
    assert refusal(anonymous.get_object, **here) == ("AccessDenied", 403)
    assert refusal(anonymous.get_object, Bucket=bucket, Key="nope") == ("AccessDenied", 403)
    assert refusal(anonymous.head_object, **here) == ("403", 403)
    assert refusal(anonymous.put_object, **here, Body=b"y") == ("AccessDenied", 403)
    assert refusal(anonymous.delete_object, **here) == ("AccessDenied", 403)
    assert refusal(anonymous.list_objects_v2, Bucket=bucket) == ("AccessDenied", 403)
    assert refusal(anonymous.list_buckets) == ("AccessDenied", 403)
    assert refusal(anonymous.create_bucket, Bucket="made-by-nobody") == ("AccessDenied", 403)
    assert refusal(anonymous.get_object_tagging, **here) == ("AccessDenied", 403)
    answer = anonymous.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})
    assert answer["Errors"][0]["Code"] == "AccessDenied"
    assert s3.get_object(**here)["Body"].read() == b"x"


def test_an_acl_on_a_new_bucket_is_refused(s3: Any, bucket: str) -> None:
    here = {"Bucket": bucket, "Key": "k", "Body": b"x"}
    assert refusal(s3.put_object, **here, ACL="public-read") == ("AccessControlListNotSupported", 400)
    s3.put_object(**here, ACL="bucket-owner-full-control")


def test_public_read(s3: Any, anonymous: Any, open_bucket: str) -> None:
    here = {"Bucket": open_bucket, "Key": "k"}
    s3.put_object(**here, Body=b"x", ACL="public-read")
    assert anonymous.get_object(**here)["Body"].read() == b"x"
    assert refusal(anonymous.list_objects_v2, Bucket=open_bucket) == ("AccessDenied", 403)
    grants = s3.get_object_acl(**here)["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL", "READ"]
    s3.put_object_acl(**here, ACL="private")
    assert refusal(anonymous.get_object, **here) == ("AccessDenied", 403)
    s3.put_object_acl(**here, AccessControlPolicy={"Owner": s3.get_object_acl(**here)["Owner"], "Grants": grants})
    assert anonymous.get_object(**here)["Body"].read() == b"x"


def test_a_public_bucket(s3: Any, anonymous: Any, open_bucket: str) -> None:
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    anonymous.put_object(Bucket=open_bucket, Key="k", Body=b"from nobody")
    assert [entry["Key"] for entry in anonymous.list_objects_v2(Bucket=open_bucket)["Contents"]] == ["k"]
    assert refusal(anonymous.get_object, Bucket=open_bucket, Key="nope") == ("NoSuchKey", 404)
    anonymous.delete_object(Bucket=open_bucket, Key="k")
    s3.put_bucket_acl(Bucket=open_bucket, ACL="private")
    assert refusal(anonymous.list_objects_v2, Bucket=open_bucket) == ("AccessDenied", 403)


def test_blocking_public_acls(s3: Any, anonymous: Any, open_bucket: str) -> None:
    here = {"Bucket": open_bucket, "Key": "k"}
    s3.put_object(**here, Body=b"x", ACL="public-read")
    s3.put_public_access_block(
        Bucket=open_bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": False}
    )
    assert anonymous.get_object(**here)["Body"].read() == b"x"
    assert refusal(s3.put_object, **here, Body=b"y", ACL="public-read") == ("AccessDenied", 403)
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert refusal(anonymous.get_object, **here) == ("AccessDenied", 403)
    s3.delete_public_access_block(Bucket=open_bucket)
    assert anonymous.get_object(**here)["Body"].read() == b"x"
    gone = refusal(s3.get_public_access_block, Bucket=open_bucket)
    assert gone == ("NoSuchPublicAccessBlockConfiguration", 404)


def test_a_bucket_policy(s3: Any, anonymous: Any, open_bucket: str) -> None:
    assert refusal(s3.get_bucket_policy, Bucket=open_bucket) == ("NoSuchBucketPolicy", 404)
    s3.put_object(Bucket=open_bucket, Key="open/k", Body=b"x")
    s3.put_object(Bucket=open_bucket, Key="closed/k", Body=b"x")
    policy = public_policy(open_bucket, Resource=f"arn:aws:s3:::{open_bucket}/open/*")
    s3.put_bucket_policy(Bucket=open_bucket, Policy=policy)
    assert json.loads(s3.get_bucket_policy(Bucket=open_bucket)["Policy"]) == json.loads(policy)
    assert s3.get_bucket_policy_status(Bucket=open_bucket)["PolicyStatus"]["IsPublic"] is True
    assert anonymous.get_object(Bucket=open_bucket, Key="open/k")["Body"].read() == b"x"
    assert refusal(anonymous.get_object, Bucket=open_bucket, Key="closed/k") == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=open_bucket)
    assert refusal(anonymous.get_object, Bucket=open_bucket, Key="open/k") == ("AccessDenied", 403)


def test_a_public_policy_is_refused_by_a_new_bucket(s3: Any, bucket: str) -> None:
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy=public_policy(bucket)) == ("AccessDenied", 403)
    narrow = public_policy(bucket, Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    s3.put_bucket_policy(Bucket=bucket, Policy=narrow)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False


def test_a_deny_holds_for_the_owner_who_can_still_take_it_back(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    denial = public_policy(
        bucket, Effect="Deny", Action="s3:*", Resource=[f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=denial)
    assert refusal(s3.get_object, Bucket=bucket, Key="k") == ("AccessDenied", 403)
    assert refusal(s3.list_objects_v2, Bucket=bucket) == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=bucket)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_conditions_on_the_prefix(s3: Any, anonymous: Any, open_bucket: str) -> None:
    policy = public_policy(
        open_bucket,
        Action="s3:ListBucket",
        Resource=f"arn:aws:s3:::{open_bucket}",
        Condition={"StringLike": {"s3:prefix": "open/*"}},
    )
    s3.put_bucket_policy(Bucket=open_bucket, Policy=policy)
    anonymous.list_objects_v2(Bucket=open_bucket, Prefix="open/a")
    assert refusal(anonymous.list_objects_v2, Bucket=open_bucket) == ("AccessDenied", 403)


def test_what_is_no_policy(s3: Any, bucket: str) -> None:
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy="{}") == ("MalformedPolicy", 400)
    elsewhere = public_policy(bucket, Resource="arn:aws:s3:::another-bucket/*")
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy=elsewhere) == ("MalformedPolicy", 400)


@pytest.mark.parametrize("ownership", ["BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"])
def test_ownership_controls(s3: Any, bucket: str, ownership: str) -> None:
    controls = {"Rules": [{"ObjectOwnership": ownership}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    gone = refusal(s3.get_bucket_ownership_controls, Bucket=bucket)
    assert gone == ("OwnershipControlsNotFoundError", 404)


def test_presigned_urls(platform: PlatformProcess, bucket: str) -> None:
    s3 = platform.client("s3", config=Config(signature_version="s3v4"))
    s3.put_object(Bucket=bucket, Key="a b", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"})
    with urllib.request.urlopen(url) as response:
        assert response.read() == b"x"
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "new"})
    with urllib.request.urlopen(urllib.request.Request(put, b"by hand", method="PUT")) as response:
        assert response.status == 200
    assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"by hand"
