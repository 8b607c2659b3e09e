"""Signatures made by botocore's own signers are accepted; whatever is changed afterwards is refused by AWS's name."""

import datetime as dt
from typing import Any
from unittest import mock
from urllib.parse import quote, unquote_to_bytes

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire import canonical_request, sigv4
from lambent.wire.http import BytesBody, Request
from lambent.wire.signature_errors import dialect_of

NOW = 1_750_000_000.0
S3, JSON, REST_JSON, QUERY = (dialect_of(one) for one in ("rest-xml", "json", "rest-json", "query"))
SECRETS = {
    "AKID": sigv4.Secret("secret/+key"),
    "ASIA": sigv4.Secret("temporary", session_token="token=="),
}


NOW_DATETIME = dt.datetime.fromtimestamp(NOW, dt.UTC).replace(tzinfo=None)


def signed(
    signer: type = S3SigV4Auth,
    method: str = "GET",
    target: str = "/bucket/key",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    key: str = "AKID",
    service: str = "s3",
    **extra: Any,
) -> Request:
    credentials = Credentials(key, SECRETS[key].secret_access_key, SECRETS[key].session_token or None)
    request = AWSRequest(method, "http://localhost:4566" + target, headers=headers or {}, data=body)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW_DATETIME):
        signer(credentials, service, "eu-west-1", **extra).add_auth(request)
    prepared = request.prepare()
    sent = {name.lower(): str(value) for name, value in prepared.headers.items()}
    sent.setdefault("host", "localhost:4566")
    return Request(method, prepared.url.removeprefix("http://localhost:4566"), sent, BytesBody(body))


def verify(request: Request, dialect: Any = S3, now: float = NOW, **extra: Any) -> sigv4.Verdict:
    return sigv4.Verifier(SECRETS.get).verify(request, dialect=dialect, now=now, **extra)


def code_of(verdict: sigv4.Verdict) -> str:
    return verdict.error.code if isinstance(verdict, sigv4.Refused) else type(verdict).__name__


TARGETS = [
    "/", "/bucket", "/bucket?list-type=2&prefix=a%20b%2Fc&delimiter=%2F", "/bucket?acl", "/bucket/a//b/../c",
    "/bucket/%C3%A9t%C3%A9%2B%20~.txt", "/bucket/k?versionId=&x=1&x=0", "/bucket/a%2Fb?z=%2F~&a=b%3Dc",
    "/bucket/key%281%29%27%21.html",
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("key", SECRETS)
def test_s3_header_signature(target: str, key: str) -> None:
    request = signed(target=target, key=key, headers={"x-amz-meta-b": "  two   blanks ", "content-type": "text/plain"})
    verdict = verify(request)
    assert isinstance(verdict, sigv4.Signed), code_of(verdict)
    assert (verdict.access_key_id, verdict.region, verdict.service) == (key, "eu-west-1", "s3")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("key", SECRETS)
def test_s3_presigned(target: str, key: str) -> None:
    verdict = verify(signed(S3SigV4QueryAuth, target=target, key=key, expires=60), now=NOW + 59)
    assert isinstance(verdict, sigv4.Signed), code_of(verdict)
    assert verdict.is_presigned
    assert verdict.payload is sigv4.Payload.UNSIGNED


@pytest.mark.parametrize(
    "target", ["/", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aa/invocations?Qualifier=%24LATEST", "/a//b/./c/../d/"]
)
@pytest.mark.parametrize("dialect", [JSON, REST_JSON, QUERY])
def test_other_services(target: str, dialect: Any) -> None:
    request = signed(SigV4Auth, "POST", target, body=b'{"a":1}', service="lambda")
    verdict = verify(request, dialect, body=b'{"a":1}', service="lambda")
    assert isinstance(verdict, sigv4.Signed), code_of(verdict)
    tampered = verify(request, dialect, body=b'{"a":2}')
    assert code_of(tampered) in ("InvalidSignatureException", "SignatureDoesNotMatch")


def test_presigned_by_other_services() -> None:
    request = signed(SigV4QueryAuth, target="/?Action=GetCallerIdentity&Version=2011-06-15", service="sts", expires=60)
    assert isinstance(verify(request, QUERY), sigv4.Signed)


@given(st.text(max_size=30), st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=4))
def test_any_key_and_any_query(key: str, query: dict[str, str]) -> None:
    path = "/bucket/" + quote(key.encode("utf-8", "replace"), safe="/~")
    pairs = [
        f"{quote(k.encode('utf-8', 'replace'), safe='-_.~')}={quote(v.encode('utf-8', 'replace'), safe='-_.~')}"
        for k, v in query.items()
    ]
    target = path + ("?" + "&".join(pairs) if pairs else "")
    assert isinstance(verify(signed(target=target)), sigv4.Signed)


def changed(request: Request, **headers: str) -> Request:
    sent = {**request.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Request(request.method, request.target, sent, request.body)


def header_with(old: str, new: str) -> Request:
    request = signed()
    return changed(request, authorization=request.headers["authorization"].replace(old, new))


@pytest.mark.parametrize(
    ("request_", "s3", "json"),
    [
        (header_with("Signature=", "Signature=0"), "SignatureDoesNotMatch", "InvalidSignatureException"),
        (header_with("AKID", "NOBODY"), "InvalidAccessKeyId", "UnrecognizedClientException"),
        (header_with("/aws4_request", "/other"), "AuthorizationHeaderMalformed", "IncompleteSignatureException"),
        (header_with("Signature=", "S="), "AuthorizationHeaderMalformed", "IncompleteSignatureException"),
        (header_with("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "InvalidRequest", "IncompleteSignatureException"),
        (header_with("/20250615/", "/20250614/"), "AuthorizationHeaderMalformed", "InvalidSignatureException"),
        (header_with("SignedHeaders=host;", "SignedHeaders="), "AccessDenied", "InvalidSignatureException"),
        (header_with("SignedHeaders=host;", "SignedHeaders=:authority;"), "AccessDenied", "InvalidSignatureException"),
        (changed(signed(), x_amz_date="yesterday"), "AccessDenied", "IncompleteSignatureException"),
        (changed(signed(), x_amz_date="20259999T999999Z"), "AccessDenied", "IncompleteSignatureException"),
        (changed(signed(), host="elsewhere"), "SignatureDoesNotMatch", "InvalidSignatureException"),
        (changed(signed(), authorization="AWS AKID:c2lnbmF0dXJl"), "InvalidRequest", "IncompleteSignatureException"),
        (changed(signed(), authorization=""), "InvalidRequest", "IncompleteSignatureException"),
        (changed(signed(key="ASIA"), x_amz_security_token="stolen"), "InvalidToken", "UnrecognizedClientException"),
        (changed(signed(), x_amz_content_sha256="nonsense"), "InvalidArgument", "InvalidArgument"),
        (changed(signed(), x_amz_acl="public-read"), "AccessDenied", "InvalidSignatureException"),
    ],
)  # fmt: skip
def test_refusals(request_: Request, s3: str, json: str) -> None:
    assert code_of(verify(request_, S3)) == s3
    if request_.headers.get("x-amz-acl") is None:
        assert code_of(verify(request_, JSON)) == json


@pytest.mark.parametrize(
    ("later", "s3", "json"),
    [
        (-901, "RequestTimeTooSkewed", "InvalidSignatureException"),
        (-900, "Signed", "Signed"),
        (900, "Signed", "Signed"),
        (901, "RequestTimeTooSkewed", "InvalidSignatureException"),
    ],
)
def test_skew(later: float, s3: str, json: str) -> None:
    assert code_of(verify(signed(), S3, NOW + later)) == s3
    assert code_of(verify(signed(SigV4Auth, service="logs"), JSON, NOW + later)) == json


def test_skew_is_explained() -> None:
    late = verify(signed(SigV4Auth, service="logs"), JSON, NOW + 901)
    assert isinstance(late, sigv4.Refused)
    assert late.error.message == (
        "Signature expired: 20250615T150640Z is now earlier than 20250615T150641Z (20250615T152141Z - 15 min.)"
    )


@pytest.mark.parametrize(
    ("old", "new", "later", "code"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=60", 60, "Signed"),
        ("X-Amz-Expires=60", "X-Amz-Expires=60", 61, "AccessDenied"),
        ("X-Amz-Expires=60", "X-Amz-Expires=60", -901, "AccessDenied"),
        ("X-Amz-Expires=60", "X-Amz-Expires=61", 0, "SignatureDoesNotMatch"),
        ("X-Amz-Expires=60", "X-Amz-Expires=604801", 0, "AuthorizationQueryParametersError"),
        ("X-Amz-Expires=60", "X-Amz-Expires=-1", 0, "AuthorizationQueryParametersError"),
        ("X-Amz-Expires=60", "X-Amz-Expires=soon", 0, "AuthorizationQueryParametersError"),
        ("X-Amz-Expires=60", "X=1", 0, "AuthorizationQueryParametersError"),
        ("X-Amz-Signature=", "X-Amz-Signature=&x=", 0, "AuthorizationQueryParametersError"),
        ("X-Amz-Algorithm=AWS4", "X-Amz-Algorithm=AWS5", 0, "InvalidRequest"),
        ("/bucket/key", "/bucket/other", 0, "SignatureDoesNotMatch"),
        ("AKID", "NOBODY", 0, "InvalidAccessKeyId"),
    ],
)
def test_presigned_refusals(old: str, new: str, later: float, code: str) -> None:
    request = signed(S3SigV4QueryAuth, expires=60)
    changed_target = Request("GET", request.target.replace(old, new), request.headers, BytesBody())
    assert code_of(verify(changed_target, now=NOW + later)) == code


def test_presigned_url_takes_no_further_amz_headers() -> None:
    request = signed(S3SigV4QueryAuth, "PUT", expires=60)
    assert code_of(verify(changed(request, x_amz_acl="public-read"))) == "AccessDenied"


def test_signature_version_2_is_refused_by_name() -> None:
    query = Request("GET", "/b/k?AWSAccessKeyId=AKID&Expires=1&Signature=x", {"host": "h"}, BytesBody())
    verdict = verify(query)
    assert isinstance(verdict, sigv4.Refused)
    assert "Please use AWS4-HMAC-SHA256" in verdict.error.message


def test_anonymous() -> None:
    assert isinstance(verify(Request("GET", "/b/k?prefix=X-Amz-", {"host": "h"}, BytesBody())), sigv4.Anonymous)


def test_wrong_service_in_scope() -> None:
    verdict = verify(signed(SigV4Auth, service="logs"), JSON, service="lambda")
    assert isinstance(verdict, sigv4.Refused)
    assert verdict.error.message == "Credential should be scoped to correct service: 'lambda'. "


def test_mismatch_shows_s3_clients_what_was_signed() -> None:
    verdict = verify(header_with("Signature=", "Signature=0"))
    assert isinstance(verdict, sigv4.Refused)
    members = verdict.error.members
    assert members["StringToSign"].startswith(
        "AWS4-HMAC-SHA256\n20250615T150640Z\n20250615/eu-west-1/s3/aws4_request\n"
    )
    assert members["CanonicalRequest"].startswith("GET\n/bucket/key\n\nhost:localhost:4566\n")


def test_s3_body_must_have_the_signed_digest() -> None:
    request = signed(method="PUT", body=b"hello")
    assert isinstance(verify(request, body=b"hello"), sigv4.Signed)
    assert code_of(verify(request, body=b"hullo")) == "XAmzContentSHA256Mismatch"
    streamed = verify(request)
    assert isinstance(streamed, sigv4.Signed)
    assert streamed.payload is sigv4.Payload.DIGEST
    assert streamed.payload_sha256.startswith("2cf24dba")


@given(
    st.text(alphabet=st.characters(max_codepoint=255), max_size=200),
    st.text(alphabet=st.characters(max_codepoint=255), max_size=100),
)
def test_arbitrary_headers_and_queries_are_refused_not_tripped_over(header: str, query: str) -> None:
    for sent in (
        header,
        "AWS4-HMAC-SHA256 " + header,
        "AWS4-HMAC-SHA256 Credential=A/20250615/r/s3/aws4_request, SignedHeaders=" + header + ", Signature=" + header,
    ):
        request = Request(
            "GET",
            f"/{header}?{query}",
            {"authorization": sent, "x-amz-date": "20250615T150640Z", "x-amz-content-sha256": "UNSIGNED-PAYLOAD"},
            BytesBody(),
        )
        assert isinstance(verify(request), sigv4.Refused)
    presigned = Request(
        "GET",
        f"/b/k?X-Amz-Credential={query}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=x&X-Amz-Date={query}&X-Amz-SignedHeaders=host&X-Amz-Expires=1",
        {},
        BytesBody(),
    )
    assert isinstance(verify(presigned), sigv4.Refused)


def test_scope_of() -> None:
    assert sigv4.scope_of(signed()) == ("eu-west-1", "s3")
    assert sigv4.scope_of(signed(S3SigV4QueryAuth, expires=60)) == ("eu-west-1", "s3")
    assert sigv4.scope_of(Request("GET", "/", {"authorization": "Basic x"}, BytesBody())) is None


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=20))
def test_one_spelling(text: str) -> None:
    spelled = quote(
        unquote_to_bytes(text.replace("&", "").replace("=", "").replace("+", " ").encode("latin-1")), safe="-_.~"
    )
    assert canonical_request.canonical_query(text.replace("&", "").replace("=", "") + "=v") == spelled + "=v"
    assert canonical_request.canonical_query(spelled + "=") == (spelled + "=" if spelled else "=")
