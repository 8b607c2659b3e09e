import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire.errors import InvalidURI, ServiceError
from lambent.wire.model import load_service
from lambent.wire.uri import UriTable, parse_query

S3 = UriTable(load_service("s3", ["PutObject"]).routes)
LAMBDA = UriTable(load_service("lambda", ["Invoke"]).routes)
COPY = {"x-amz-copy-source": "/b/k"}


def found(
    table: UriTable, method: str, target: str, headers: dict[str, str] | None = None
) -> tuple[str, dict[str, str]] | None:
    path, _, query = target.partition("?")
    match = table.match(method, path, parse_query(query), headers or {})
    return (match.operation, match.labels) if match else None


@pytest.mark.parametrize(
    ("method", "target", "headers", "operation", "labels"),
    [
        ("GET", "/", {}, "ListBuckets", {}),
        ("GET", "/b", {}, "ListObjects", {"Bucket": "b"}),
        ("GET", "/b/", {}, "ListObjects", {"Bucket": "b"}),
        ("GET", "/b?list-type=2&prefix=x", {}, "ListObjectsV2", {"Bucket": "b"}),
        ("GET", "/b?list-type=1", {}, "ListObjects", {"Bucket": "b"}),
        ("GET", "/b?location", {}, "GetBucketLocation", {"Bucket": "b"}),
        ("GET", "/b?location=", {}, "GetBucketLocation", {"Bucket": "b"}),
        ("GET", "/b?cors", {}, "GetBucketCors", {"Bucket": "b"}),
        ("GET", "/b?uploads&prefix=p", {}, "ListMultipartUploads", {"Bucket": "b"}),
        ("GET", "/b?analytics&id=1", {}, "GetBucketAnalyticsConfiguration", {"Bucket": "b"}),
        ("GET", "/b?analytics", {}, "ListBucketAnalyticsConfigurations", {"Bucket": "b"}),
        ("GET", "/b/k?x-id=GetObject", {}, "GetObject", {"Bucket": "b", "Key": "k"}),
        ("GET", "/b/k/l%2Fm//n/", {}, "GetObject", {"Bucket": "b", "Key": "k/l/m//n/"}),
        ("GET", "/b//k", {}, "GetObject", {"Bucket": "b", "Key": "/k"}),
        ("GET", "/b//", {}, "GetObject", {"Bucket": "b", "Key": "/"}),
        ("GET", "/b/../k", {}, "GetObject", {"Bucket": "b", "Key": "../k"}),
        ("GET", "/b/%E2%82%AC+%2B", {}, "GetObject", {"Bucket": "b", "Key": "€++"}),
        ("GET", "/b/k?uploadId=u", {}, "ListParts", {"Bucket": "b", "Key": "k"}),
        ("HEAD", "/b", {}, "HeadBucket", {"Bucket": "b"}),
        ("PUT", "/b/k", {}, "PutObject", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k", COPY, "CopyObject", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {}, "UploadPart", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k?partNumber=1&uploadId=u", COPY, "UploadPartCopy", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b?notification", {}, "PutBucketNotificationConfiguration", {"Bucket": "b"}),
        ("PUT", "/b?lifecycle", {}, "PutBucketLifecycleConfiguration", {"Bucket": "b"}),
        ("POST", "/b/k?uploads", {}, "CreateMultipartUpload", {"Bucket": "b", "Key": "k"}),
        ("POST", "/b/k?uploadId=u", {}, "CompleteMultipartUpload", {"Bucket": "b", "Key": "k"}),
        ("POST", "/b?delete", {}, "DeleteObjects", {"Bucket": "b"}),
        ("DELETE", "/b/k?uploadId=u", {}, "AbortMultipartUpload", {"Bucket": "b", "Key": "k"}),
        ("DELETE", "/b/k?versionId=v", {}, "DeleteObject", {"Bucket": "b", "Key": "k"}),
    ],
)
def test_s3(method: str, target: str, headers: dict[str, str], operation: str, labels: dict[str, str]) -> None:
    assert found(S3, method, target, headers) == (operation, labels)


@pytest.mark.parametrize(("method", "target"), [("POST", "/b/k"), ("PATCH", "/b/k"), ("POST", "/")])
def test_s3_has_nothing_there(method: str, target: str) -> None:
    assert found(S3, method, target) is None


@pytest.mark.parametrize(
    ("method", "target", "operation", "labels"),
    [
        ("POST", "/2015-03-31/functions/f/invocations", "Invoke", {"FunctionName": "f"}),
        ("POST", "/2014-11-13/functions/f/invoke-async/", "InvokeAsync", {"FunctionName": "f"}),
        ("GET", "/2015-03-31/functions/", "ListFunctions", {}),
        ("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af", "GetFunction",
         {"FunctionName": "arn:aws:lambda:us-east-1:1:function:f"}),
        ("GET", "/2015-03-31/functions/arn:aws:f/policy", "GetPolicy", {"FunctionName": "arn:aws:f"}),
        ("GET", "/2018-10-31/layers", "ListLayers", {}),
        ("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn", {}),
        ("DELETE", "/2015-03-31/functions/f/policy/s", "RemovePermission", {"FunctionName": "f", "StatementId": "s"}),
    ],
)  # fmt: skip
def test_lambda(method: str, target: str, operation: str, labels: dict[str, str]) -> None:
    assert found(LAMBDA, method, target) == (operation, labels)


@pytest.mark.parametrize(
    "target", ["/2015-03-31/functions/f/nothing", "/2015-03-31", "/", "/x", "/2015-03-31/functions//policy"]
)
def test_lambda_has_nothing_there(target: str) -> None:
    assert found(LAMBDA, "GET", target) is None


@pytest.mark.parametrize("target", ["/b/%ff", "/b/%C3", "/b?prefix=%ff", "/b?" + "a&" * 1024, "/b/" + "/" * 3000])
def test_what_is_no_utf8_or_too_much_is_refused(target: str) -> None:
    with pytest.raises(InvalidURI):
        found(S3, "GET", target)


def test_query_values_are_decoded_once_and_kept_in_order() -> None:
    assert parse_query("a=1&a=2&b&c=%2526+d&=e&&f=g=h") == {
        "a": ["1", "2"],
        "b": [""],
        "c": ["%26 d"],
        "": ["e"],
        "f": ["g=h"],
    }


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_arbitrary_targets(rest: str) -> None:
    for table in (S3, LAMBDA):
        for method in ("GET", "PUT", "POST"):
            with contextlib.suppress(ServiceError):
                found(table, method, "/" + rest)
