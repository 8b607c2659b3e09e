"""Presigned URLs of version 2, made by botocore: accepted as they are, refused when anything is changed."""

from typing import Any

import boto3
import pytest

from lambent.wire import sigv2
from lambent.wire.errors import ServiceError
from lambent.wire.http import BytesBody, Request
from lambent.wire.signature_errors import dialect_of
from lambent.wire.sigv4 import Secret

S3 = dialect_of("rest-xml")
SECRETS = {"test": Secret("secret"), "temporary": Secret("hidden", "token+/=")}
LATER = 2_000_000_000.0


def presigned(operation: str, method: str = "GET", *, session: bool = False, **parameters: Any) -> Request:
    keys = ("temporary", "hidden", "token+/=") if session else ("test", "secret", None)
    client = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:4566",
        region_name="us-east-1",
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        aws_session_token=keys[2],
    )
    url = client.generate_presigned_url(operation, Params=parameters, ExpiresIn=10**9)
    return Request(method, url.removeprefix("http://127.0.0.1:4566"), {"host": "127.0.0.1:4566"}, BytesBody())


def verify(request: Request, resource: str | None = None, now: float = LATER) -> str:
    assert sigv2.is_presigned(request)
    return sigv2.verify(request, resource=resource or request.path, dialect=S3, lookup=SECRETS.get, now=now)


def refusal(request: Request, **changes: Any) -> tuple[str, int]:
    with pytest.raises(ServiceError) as refused:
        verify(request, **changes)
    return refused.value.code, refused.value.status


@pytest.mark.parametrize(
    ("operation", "method", "parameters"),
    [
        ("get_object", "GET", {"Key": "k"}),
        ("get_object", "GET", {"Key": "a b/ü+%20&?.txt"}),
        ("get_object", "GET", {"Key": "k", "VersionId": "v/1+=", "ResponseContentType": "text/plain; charset=utf-8"}),
        ("head_object", "HEAD", {"Key": "k"}),
        ("put_object", "PUT", {"Key": "k"}),
        ("put_object", "PUT", {"Key": "k", "ContentType": "text/plain", "Metadata": {"mine": "ü?".encode().hex()}}),
        ("delete_object", "DELETE", {"Key": "k"}),
        ("upload_part", "PUT", {"Key": "k", "PartNumber": 2, "UploadId": "u~1"}),
        ("list_objects_v2", "GET", {"Prefix": "a/", "Delimiter": "/"}),
        ("get_bucket_acl", "GET", {}),
    ],
)
@pytest.mark.parametrize("session", [False, True])
def test_what_botocore_signs_is_accepted(
    operation: str, method: str, parameters: dict[str, Any], *, session: bool
) -> None:
    request = presigned(operation, method, session=session, Bucket="b", **parameters)
    assert verify(request) == ("temporary" if session else "test")


def test_the_bucket_counts_wherever_it_is_named() -> None:
    request = presigned("get_object", Bucket="b", Key="k")
    elsewhere = Request("GET", request.target.replace("/b/k", "/k"), request.headers, BytesBody())
    assert verify(elsewhere, "/b/k") == "test"
    assert refusal(elsewhere, resource="/other/k") == ("SignatureDoesNotMatch", 403)


def test_a_bucket_is_not_its_strangest_key() -> None:
    request = presigned("list_objects_v2", Bucket="b")
    assert verify(request, "/b") == verify(request, "/b/") == "test"
    assert refusal(request, resource="/b//") == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize(
    "change",
    [
        lambda request: Request("PUT", request.target, request.headers, BytesBody()),
        lambda request: Request("GET", request.target.replace("/b/k", "/b/other"), request.headers, BytesBody()),
        lambda request: Request("GET", request.target + "&acl", request.headers, BytesBody()),
        lambda request: Request("GET", request.target + "&versionId=1", request.headers, BytesBody()),
        lambda request: Request("GET", request.target + "&retention", request.headers, BytesBody()),
        lambda request: Request("GET", request.target + "&x-amz-acl=public-read", request.headers, BytesBody()),
        lambda request: Request("GET", request.target, {**request.headers, "x-amz-acl": "public-read"}, BytesBody()),
        lambda request: Request("GET", request.target, {**request.headers, "content-type": "x/y"}, BytesBody()),
        lambda request: Request("GET", request.target.replace("Expires=", "Expires=1"), request.headers, BytesBody()),
    ],
)
def test_whoever_finds_a_url_can_change_nothing(change: Any) -> None:
    assert refusal(change(presigned("get_object", Bucket="b", Key="k"))) in {
        ("SignatureDoesNotMatch", 403),
        ("AccessDenied", 403),
    }


def test_urls_expire() -> None:
    request = presigned("get_object", Bucket="b", Key="k")
    assert refusal(request, now=LATER + 10**9) == ("AccessDenied", 403)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("AWSAccessKeyId=test&Expires=9999999999", "AccessDenied"),
        ("AWSAccessKeyId=test&Expires=soon&Signature=x", "AccessDenied"),
        ("AWSAccessKeyId=test&Expires=%F0%9F%98%80&Signature=x", "AccessDenied"),
        ("AWSAccessKeyId=stranger&Expires=9999999999&Signature=x", "InvalidAccessKeyId"),
        ("AWSAccessKeyId=test&Expires=9999999999&Signature=%FF%00", "SignatureDoesNotMatch"),
        ("AWSAccessKeyId=temporary&Expires=9999999999&Signature=x", "InvalidToken"),
    ],
)
def test_what_is_not_a_signature_is_refused(query: str, code: str) -> None:
    assert refusal(Request("GET", f"/b/k?{query}", {}, BytesBody()))[0] == code
