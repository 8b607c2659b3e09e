"""What is kept beside the bytes: headers, user metadata, tags; and what of it a copy takes over."""

from typing import Any

import pytest

from lambent.services.s3 import attributes, copying, tagging
from lambent.services.s3.copying import CopySource
from lambent.services.s3.records import StoredObject
from lambent.wire.errors import ServiceError
from unit.services.s3.outcomes import code, value_or_code


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, {"ContentType": "binary/octet-stream"}),
        ({"ContentType": ""}, {"ContentType": "binary/octet-stream"}),
        (
            {"ContentType": "text/css", "CacheControl": "max-age=1", "Bucket": "b"},
            {"ContentType": "text/css", "CacheControl": "max-age=1"},
        ),
        (
            {"ContentType": "a/b", "ContentEncoding": "gzip,aws-chunked"},
            {"ContentType": "a/b", "ContentEncoding": "gzip"},
        ),
        ({"ContentType": "a/b", "ContentEncoding": "aws-chunked"}, {"ContentType": "a/b"}),
        ({"ContentType": "a/b", "Metadata": {"x": "1"}}, {"ContentType": "a/b", "Metadata": {"x": "1"}}),
        ({"Metadata": {"x": "y" * 2047}}, {"ContentType": "binary/octet-stream", "Metadata": {"x": "y" * 2047}}),
        ({"Metadata": {"x": "y" * 2048}}, "MetadataTooLarge"),
        ({"WebsiteRedirectLocation": "elsewhere"}, "InvalidRedirectLocation"),
    ],
)
def test_collect(request_: dict[str, Any], expected: dict[str, Any] | str) -> None:
    try:
        collected: dict[str, Any] | str = attributes.load(attributes.collect(request_))
    except ServiceError as error:
        collected = error.code
    assert collected == expected


def test_storage_classes() -> None:
    assert attributes.storage_class({}) == "STANDARD"
    assert attributes.storage_class({"StorageClass": "GLACIER_IR"}) == "GLACIER_IR"
    with pytest.raises(ServiceError) as refused:
        attributes.storage_class({"StorageClass": "CARDBOARD"})
    assert refused.value.code == "InvalidStorageClass"


@pytest.mark.parametrize(
    "request_",
    [
        {"SSECustomerAlgorithm": "AES256"},
        {"ServerSideEncryption": "aws:kms"},
        {"ObjectLockMode": "GOVERNANCE"},
        {"WriteOffsetBytes": 5},
    ],
)
def test_what_we_do_not_do_is_refused_and_not_ignored(request_: dict[str, Any]) -> None:
    with pytest.raises(ServiceError) as refused:
        attributes.check_served(request_)
    assert (refused.value.code, refused.value.status) == ("NotImplemented", 501)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, []),
        ("", []),
        ("a=b", [("a", "b")]),
        ("a=b&c=&d", [("a", "b"), ("c", ""), ("d", "")]),
        ("my+key=50%25%20off", "InvalidTag"),
        ("my+key=a%2Bb", [("my key", "a+b")]),
        ("a=1&a=2", "InvalidTag"),
        ("=x", "InvalidTag"),
        (f"{'k' * 129}=v", "InvalidTag"),
        (f"k={'v' * 257}", "InvalidTag"),
        ("aws:owner=me", "InvalidTag"),
        ("&".join(f"k{number}=v" for number in range(11)), "BadRequest"),
        ("a=%ff", "InvalidArgument"),
    ],
)
def test_tags_in_a_header(header: str | None, expected: list[tuple[str, str]] | str) -> None:
    try:
        found: list[tuple[str, str]] | str = tagging.load(tagging.from_header(header))
    except ServiceError as error:
        found = error.code
    assert found == expected


def test_buckets_have_more_room_for_tags() -> None:
    pairs = [(f"k{number}", "v") for number in range(51)]
    assert tagging.to_tag_set(tagging.for_bucket(pairs[:50]))[0] == {"Key": "k0", "Value": "v"}
    with pytest.raises(ServiceError) as refused:
        tagging.for_bucket(pairs)
    assert refused.value.code == "BadRequest"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("b/k", CopySource("b", "k")),
        ("/b/k", CopySource("b", "k")),
        ("b/folder/k%20%2B%3F+", CopySource("b", "folder/k +?+")),
        ("b/k?versionId=null", CopySource("b", "k", "null")),
        ("b/k%3FversionId=1", CopySource("b", "k?versionId=1")),
        ("b/%C3%BC", CopySource("b", "ü")),
        ("b//k", CopySource("b", "/k")),
        ("b", None),
        ("b/", None),
        ("", None),
        ("/", None),
    ],
)
def test_copy_sources(header: str, expected: CopySource | None) -> None:
    assert value_or_code(lambda: copying.parse_source(header)) == (expected or "InvalidArgument")


@pytest.mark.parametrize(
    ("members", "is_refused"),
    [
        ({}, True),
        ({"MetadataDirective": "COPY"}, True),
        ({"MetadataDirective": "REPLACE"}, False),
        ({"StorageClass": "STANDARD_IA"}, False),
        ({"WebsiteRedirectLocation": "/x"}, False),
        ({"Key": "other"}, False),
        ({"Bucket": "other"}, False),
    ],
)
def test_copying_an_object_onto_itself(members: dict[str, str], is_refused: bool) -> None:
    request = {"Bucket": "b", "Key": "k", **members}
    found = code(lambda: copying.check_not_onto_itself(CopySource("b", "k"), request))
    assert found == ("InvalidRequest" if is_refused else None)


def source(**kept: Any) -> StoredObject:
    return StoredObject(
        key=b"k",
        version_id="null",
        size=0,
        etag="",
        modified_ms=0,
        storage_class="GLACIER",
        owner="",
        checksum_algorithm="",
        checksum_type="",
        checksum="",
        acl="",
        tags='[["a","1"]]',
        attributes=attributes.collect(kept),
        parts=0,
        small_blob_id=None,
        blob_id=None,
        upload_id=None,
    )


def test_a_copy_keeps_metadata_but_no_redirect() -> None:
    original = source(ContentType="a/b", Metadata={"x": "1"}, WebsiteRedirectLocation="/elsewhere")
    kept = attributes.load(copying.attributes_of_copy(original, {"ContentType": "ignored/here"}))
    assert kept == {"ContentType": "a/b", "Metadata": {"x": "1"}}
    redirected = copying.attributes_of_copy(original, {"WebsiteRedirectLocation": "/new"})
    assert attributes.load(redirected)["WebsiteRedirectLocation"] == "/new"


def test_a_copy_replaces_what_it_is_told_to() -> None:
    original = source(ContentType="a/b", Metadata={"x": "1"})
    request = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE", "Tagging": "n=2", "ContentType": "c/d"}
    assert attributes.load(copying.attributes_of_copy(original, request)) == {"ContentType": "c/d"}
    assert tagging.load(copying.tags_of_copy(original, request)) == [("n", "2")]
    assert tagging.load(copying.tags_of_copy(original, {"Tagging": "n=2"})) == [("a", "1")]


def test_unknown_directives() -> None:
    with pytest.raises(ServiceError) as refused:
        copying.replaces_metadata({"MetadataDirective": "MERGE"})
    assert refused.value.message == "Unknown metadata directive."
