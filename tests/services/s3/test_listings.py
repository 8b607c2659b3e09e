"""Listings through boto3, against a sorted list."""

from typing import Any

import pytest

from services.s3.refusals import refusal

KEYS = sorted(
    ["a", "a b", "a+b", "a/1", "a/2", "a/b/1", "b/1", "c", "%41", "ü", "ü/é", "日本", "😀", "z\x01", "\uffff", "Z"],
    key=str.encode,
)


@pytest.fixture
def filled(s3: Any, bucket: str) -> str:
    for key in reversed(KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def keys(page: dict[str, Any]) -> list[str]:
    return [entry["Key"] for entry in page.get("Contents", ())]


def prefixes(page: dict[str, Any]) -> list[str]:
    return [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]


def test_keys_come_in_the_order_of_their_utf8_bytes(s3: Any, filled: str) -> None:
    assert keys(s3.list_objects_v2(Bucket=filled)) == KEYS
    assert keys(s3.list_objects(Bucket=filled)) == KEYS


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pages(s3: Any, filled: str, operation: str, size: int) -> None:
    pages = list(s3.get_paginator(operation).paginate(Bucket=filled, PaginationConfig={"PageSize": size}))
    assert [key for page in pages for key in keys(page)] == KEYS
    assert all(len(keys(page)) == size for page in pages[:-1])


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_pages_with_a_delimiter(s3: Any, filled: str, operation: str, size: int) -> None:
    options = {"Bucket": filled, "Delimiter": "/", "PaginationConfig": {"PageSize": size}}
    pages = list(s3.get_paginator(operation).paginate(**options))
    assert [group for page in pages for group in prefixes(page)] == ["a/", "b/", "ü/"]
    assert [key for page in pages for key in keys(page)] == [key for key in KEYS if "/" not in key]


def test_prefixes(s3: Any, filled: str) -> None:
    page = s3.list_objects_v2(Bucket=filled, Prefix="a/", Delimiter="/")
    assert (keys(page), prefixes(page), page["KeyCount"]) == (["a/1", "a/2"], ["a/b/"], 3)
    assert keys(s3.list_objects_v2(Bucket=filled, Prefix="ü")) == ["ü", "ü/é"]
    assert keys(s3.list_objects_v2(Bucket=filled, Prefix="none")) == []


def test_start_after_and_marker(s3: Any, filled: str) -> None:
    page = s3.list_objects_v2(Bucket=filled, StartAfter="a/2")
    assert keys(page) == [key for key in KEYS if key.encode() > b"a/2"]
    assert page["StartAfter"] == "a/2"
    assert keys(s3.list_objects(Bucket=filled, Marker="a/2")) == keys(page)


def test_what_a_listing_tells(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", StorageClass="ONEZONE_IA")["ETag"]
    entry = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (entry["ETag"], entry["Size"], entry["StorageClass"]) == (etag, 5, "ONEZONE_IA")
    assert entry["LastModified"] == s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert "Owner" not in entry
    assert len(s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]["Owner"]["ID"]) == 64
    assert "Owner" in s3.list_objects(Bucket=bucket)["Contents"][0]


def test_limits(s3: Any, filled: str) -> None:
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (page["KeyCount"], page["IsTruncated"]) == (0, False)
    assert s3.list_objects_v2(Bucket=filled, MaxKeys=5000)["MaxKeys"] == 1000
    assert refusal(s3.list_objects_v2, Bucket=filled, MaxKeys=-1) == ("InvalidArgument", 400)
    assert refusal(s3.list_objects_v2, Bucket=filled, ContinuationToken="nonsense") == ("InvalidArgument", 400)


def test_a_token_is_only_a_place(s3: Any, filled: str) -> None:
    first = s3.list_objects_v2(Bucket=filled, MaxKeys=3)
    s3.delete_object(Bucket=filled, Key=keys(first)[-1])
    rest = s3.list_objects_v2(Bucket=filled, ContinuationToken=first["NextContinuationToken"])
    assert keys(first) + keys(rest) == KEYS
    assert rest["ContinuationToken"] == first["NextContinuationToken"]
