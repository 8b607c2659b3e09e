"""Which names buckets and keys may have, and where a bucket may be created."""

import pytest

from lambent.services.s3 import naming
from lambent.wire.errors import ServiceError


@pytest.mark.parametrize("name", ["abc", "my-bucket", "my.bucket.2", "0a9", "a" * 63, "www.example.com"])
def test_good_bucket_names(name: str) -> None:
    naming.check_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "UPPER",
        "under_score",
        "-abc",
        "abc-",
        ".abc",
        "abc.",
        "a..b",
        "192.168.5.4",
        "xn--abc",
        "sthree-abc",
        "amzn-s3-demo-bucket",
        "abc-s3alias",
        "abc--ol-s3",
        "abc.mrap",
        "abc--x-s3",
        "with space",
        "abc\n",
        "ümlaut",
    ],
)
def test_bad_bucket_names(name: str) -> None:
    with pytest.raises(ServiceError) as refused:
        naming.check_bucket_name(name)
    assert (refused.value.code, refused.value.status) == ("InvalidBucketName", 400)


@pytest.mark.parametrize(
    ("constraint", "signed_for", "expected"),
    [
        (None, "us-east-1", "us-east-1"),
        ("", "us-east-1", "us-east-1"),
        ("eu-central-1", "us-east-1", "eu-central-1"),
        ("eu-central-1", "eu-central-1", "eu-central-1"),
        ("EU", "us-east-1", "eu-west-1"),
        (None, "eu-west-1", "IllegalLocationConstraintException"),
        ("us-west-2", "eu-west-1", "IllegalLocationConstraintException"),
        ("us-east-1", "us-east-1", "InvalidLocationConstraint"),
        ("mars", "us-east-1", "InvalidLocationConstraint"),
    ],
)
def test_bucket_region(constraint: str | None, signed_for: str, expected: str) -> None:
    try:
        region = naming.bucket_region(constraint, signed_for=signed_for)
    except ServiceError as error:
        region = error.code
    assert region == expected


def test_a_key_has_at_most_1024_bytes_of_utf8() -> None:
    assert naming.key_bytes("ü" * 512) == "ü".encode() * 512
    with pytest.raises(ServiceError) as refused:
        naming.key_bytes("ü" * 513)
    assert refused.value.code == "KeyTooLongError"


def test_a_key_is_text() -> None:
    with pytest.raises(ServiceError) as refused:
        naming.key_bytes("\ud800")
    assert refused.value.code == "InvalidArgument"


def test_ids_are_stable_and_apart() -> None:
    assert naming.canonical_user_id("000000000000") == naming.canonical_user_id("000000000000")
    assert naming.canonical_user_id("000000000000") != naming.canonical_user_id("111111111111")
    assert len(naming.canonical_user_id("000000000000")) == 64
    assert naming.customer_id("000000000000").startswith("A")
