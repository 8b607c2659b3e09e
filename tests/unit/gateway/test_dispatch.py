"""The request path over real models and real signatures; the services are three lines each."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import cbor2
import pytest
from botocore.credentials import Credentials

from lambent import __version__
from lambent.gateway.dispatch import Gateway, Page
from lambent.gateway.endpoints import MissingMethods, Offer, ServedService
from lambent.services.caller import Caller
from lambent.storage.errors import StorageFailure, StorageFull
from lambent.wire.errors import ServiceError
from lambent.wire.http import BodyTooLarge, BytesBody, ClientDisconnected, Request, Response
from lambent.wire.model import load_service
from unit.gateway.requests import (
    Echo,
    Given,
    Parties,
    ask,
    offer,
    presigned,
    serving,
    signed,
    signs_of,
    unsigned,
)

ACCOUNT = "123456789012"
JSON = "application/x-amz-json-1.1"
LOGS_TARGET = {"x-amz-target": "Logs_20140328.DescribeLogGroups", "content-type": JSON}


async def whoami(caller: Caller, given: Given) -> Given:
    return {"Account": caller.account_id, "Arn": caller.arn, "UserId": caller.region}


async def groups(caller: Caller, given: Given) -> Given:
    return {"nextToken": f"{given.get('logGroupNamePrefix')} {caller.account_id}"}


async def function(caller: Caller, given: Given) -> Given:
    return {"FunctionName": given["FunctionName"], "Role": caller.arn, "Description": caller.region}


async def put(caller: Caller, given: Given) -> Given:
    content = b"".join([piece async for piece in given["Body"].chunks()])
    stored[given["Bucket"], given["Key"]] = content
    trailers.update(given["Body"].trailers)
    return {"ETag": f'"{given["Body"].length}"'}


async def get(caller: Caller, given: Given) -> Given:
    if caller.is_anonymous and given["Bucket"] != "public":
        raise ServiceError("Access Denied", code="AccessDenied", status=403)
    content = stored[given["Bucket"], given["Key"]]
    return {"Body": content, "ContentLength": len(content)}


async def buckets(caller: Caller, given: Given) -> Given:
    return {"Owner": {"ID": caller.account_id}, "Buckets": []}


async def delete_many(caller: Caller, given: Given) -> Given:
    return {"Deleted": [{"Key": one["Key"]} for one in given["Delete"]["Objects"]]}


stored: dict[tuple[str, str], bytes] = {}
trailers: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    stored.clear()
    trailers.clear()


STS = serving("sts", GetCallerIdentity=whoami)
LOGS = serving("logs", DescribeLogGroups=groups)
LAMBDA = serving("lambda", GetFunctionConfiguration=function)
S3 = serving("s3", allows_anonymous=True, PutObject=put, GetObject=get, ListBuckets=buckets, DeleteObjects=delete_many)


@pytest.fixture
def parties() -> Parties:
    return Parties()


@pytest.fixture
def gateway(parties: Parties) -> Gateway:
    return parties.gateway(STS, LOGS, LAMBDA, S3)


def content(response: Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


def document(response: Response) -> Any:
    return json.loads(content(response))


# Each protocol, from the request to the response.


def test_query(gateway: Gateway) -> None:
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    response = ask(gateway, signed("POST", "/", "sts", body=body, headers=form, region="eu-west-1"))
    assert response.status == 200
    assert b"<Arn>arn:aws:iam::000000000000:root</Arn>" in content(response)
    assert b"<UserId>eu-west-1</UserId>" in content(response)


def test_json(gateway: Gateway) -> None:
    body = b'{"logGroupNamePrefix": "/aws"}'
    response = ask(gateway, signed("POST", "/", "logs", body=body, headers=LOGS_TARGET))
    assert (response.status, document(response)) == (200, {"nextToken": "/aws 000000000000"})
    assert len(response.headers["x-amzn-requestid"]) == 36


def test_cbor(gateway: Gateway) -> None:
    headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    target = "/service/Logs_20140328/operation/DescribeLogGroups"
    body = cbor2.dumps({"logGroupNamePrefix": "/aws"})
    response = ask(gateway, signed("POST", target, "logs", body=body, headers=headers))
    assert (response.status, cbor2.loads(content(response))) == (200, {"nextToken": "/aws 000000000000"})


def test_rest_json(gateway: Gateway) -> None:
    response = ask(gateway, signed("GET", "/2015-03-31/functions/resize/configuration", "lambda", region="eu-west-1"))
    assert document(response)["FunctionName"] == "resize"
    assert document(response)["Description"] == "eu-west-1"


def test_rest_xml_streams_the_body_in_and_out(gateway: Gateway) -> None:
    response = ask(gateway, signed("PUT", "/photos/a%2Fb%20c", "s3", body=b"content"))
    assert (response.status, response.headers["etag"]) == (200, '"7"')
    assert stored == {("photos", "a/b c"): b"content"}
    assert len(response.headers["x-amz-request-id"]) == 16
    response = ask(gateway, signed("GET", "/photos/a%2Fb%20c", "s3"))
    assert response.body == b"content"


def test_a_buckets_own_host_is_signed_over_the_path_as_sent(gateway: Gateway) -> None:
    request = signed("PUT", "/key", "s3", body=b"1", headers={"host": "photos.s3.localhost:4566"})
    assert ask(gateway, request).status == 200
    assert stored == {("photos", "key"): b"1"}


# Who asks.


def test_presigned_urls(gateway: Gateway, parties: Parties) -> None:
    stored["photos", "key"] = b"content"
    request = presigned("GET", "/photos/key", seconds=60)
    assert ask(gateway, request).body == b"content"
    parties.clock._now += 120
    response = ask(gateway, request)
    assert (response.status, b"<Code>AccessDenied</Code>" in content(response)) == (403, True)
    assert b"Request has expired" in content(response)


@pytest.mark.parametrize(
    ("credentials", "s3_code", "json_code"),
    [
        (Credentials("test", "wrong"), b"SignatureDoesNotMatch", "InvalidSignatureException"),
        (Credentials("AKIANOBODY", "test"), b"InvalidAccessKeyId", "UnrecognizedClientException"),
    ],
)
def test_who_cannot_sign_is_refused_in_the_services_words(
    gateway: Gateway, credentials: Credentials, s3_code: bytes, json_code: str
) -> None:
    response = ask(gateway, signed("GET", "/", "s3", credentials=credentials))
    assert response.status == 403
    assert b"<Code>" + s3_code + b"</Code>" in content(response)
    response = ask(gateway, signed("POST", "/", "logs", body=b"{}", headers=LOGS_TARGET, credentials=credentials))
    assert (response.status, document(response)["__type"]) == (400, json_code)


def test_a_clock_far_off_is_told_so(gateway: Gateway, parties: Parties) -> None:
    request = signed("GET", "/", "s3")
    parties.clock._now += 16 * 60
    assert b"<Code>RequestTimeTooSkewed</Code>" in content(ask(gateway, request))


def test_another_account_is_another_caller(gateway: Gateway) -> None:
    response = ask(gateway, signed("GET", "/", "s3", credentials=Credentials("AKIAOTHER", "other-secret")))
    assert b"<ID>123456789012</ID>" in content(response)


def test_sessions_of_environments_sign_with_their_token(gateway: Gateway, parties: Parties) -> None:
    issued = parties.credentials.issue(
        "arn:aws:iam::123456789012:role/resize", "env-1", account_id=ACCOUNT, ttl_seconds=3600
    )
    session = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
    target = "/2015-03-31/functions/f/configuration"
    arn = "arn:aws:sts::123456789012:assumed-role/resize/env-1"
    assert document(ask(gateway, signed("GET", target, "lambda", credentials=session)))["Role"] == arn
    for wrong in (
        Credentials(issued.access_key_id, issued.secret_access_key),
        Credentials(issued.access_key_id, issued.secret_access_key, "another token"),
    ):
        assert ask(gateway, signed("GET", target, "lambda", credentials=wrong)).status == 403
        assert b"<Code>InvalidToken</Code>" in content(ask(gateway, signed("GET", "/", "s3", credentials=wrong)))
    parties.clock._now += 600
    still_valid = signed("GET", target, "lambda", credentials=session)
    parties.credentials.revoke(issued.access_key_id)
    assert document(ask(gateway, still_valid))["message"].startswith("The security token included")


def test_an_expired_session_is_told_so(gateway: Gateway, parties: Parties) -> None:
    issued = parties.credentials.issue(
        "arn:aws:iam::123456789012:role/resize", "env-1", account_id=ACCOUNT, ttl_seconds=60
    )
    session = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
    parties.clock._now += 61
    response = ask(gateway, signed("GET", "/2015-03-31/functions/f/configuration", "lambda", credentials=session))
    assert response.headers["x-amzn-errortype"] == "ExpiredTokenException"
    assert b"<Code>ExpiredToken</Code>" in content(ask(gateway, signed("GET", "/", "s3", credentials=session)))


def test_the_anonymous_reach_s3_alone(gateway: Gateway) -> None:
    stored["public", "key"] = b"content"
    assert ask(gateway, unsigned("GET", "/public/key")).body == b"content"
    assert ask(gateway, unsigned("GET", "/private/key")).status == 403
    response = ask(gateway, unsigned("POST", "/", body=b"{}", headers=LOGS_TARGET))
    assert (response.status, document(response)["__type"]) == (400, "MissingAuthenticationTokenException")
    assert ask(gateway, unsigned("GET", "/2015-03-31/functions/f/configuration")).status == 403


def test_a_signature_for_another_service_is_refused(gateway: Gateway) -> None:
    response = ask(gateway, signed("POST", "/", "s3", body=b"{}", headers=LOGS_TARGET))
    assert response.status == 400
    assert "Credential should be scoped to correct service" in document(response)["message"]


def test_open_doors_let_everybody_in(parties: Parties) -> None:
    gateway = parties.gateway(LOGS, S3, LAMBDA, is_open=True)
    for request in (
        unsigned("GET", "/"),
        signed("GET", "/", "s3", credentials=Credentials("AKIANOBODY", "x")),
    ):
        assert b"<ID>000000000000</ID>" in content(ask(gateway, request))
    twelve = signed("GET", "/", "s3", credentials=Credentials("111122223333", "x"))
    assert b"<ID>111122223333</ID>" in content(ask(gateway, twelve))
    assert document(ask(gateway, unsigned("POST", "/", body=b"{}", headers=LOGS_TARGET)))["nextToken"]
    issued = parties.credentials.issue("arn:aws:iam::123456789012:role/resize", "env-1", account_id=ACCOUNT)
    session = Credentials(issued.access_key_id, "whatever")
    target = "/2015-03-31/functions/f/configuration"
    assert "assumed-role/resize" in document(ask(gateway, signed("GET", target, "lambda", credentials=session)))["Role"]


def test_account_ids_are_no_keys_where_signatures_are_checked(gateway: Gateway) -> None:
    response = ask(gateway, signed("GET", "/", "s3", credentials=Credentials("123456789012", "x")))
    assert b"<Code>InvalidAccessKeyId</Code>" in content(response)


# What was signed of the body.


def test_a_body_other_than_signed_is_refused_before_the_commit(gateway: Gateway) -> None:
    request = signed("PUT", "/photos/key", "s3", body=b"content")
    request.body = BytesBody(b"CONTENT")
    response = ask(gateway, request)
    assert (response.status, b"<Code>XAmzContentSHA256Mismatch</Code>" in content(response)) == (400, True)
    assert stored == {}
    request = signed("POST", "/", "logs", body=b'{"logGroupNamePrefix": "a"}', headers=LOGS_TARGET)
    request.body = BytesBody(b'{"logGroupNamePrefix": "b"}')
    assert document(ask(gateway, request))["__type"] == "InvalidSignatureException"


def test_a_document_other_than_signed_is_refused(gateway: Gateway) -> None:
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    assert b"<Key>a</Key>" in content(ask(gateway, signed("POST", "/photos?delete", "s3", body=body)))
    request = signed("POST", "/photos?delete", "s3", body=body)
    request.body = BytesBody(body.replace(b"a", b"b"))
    assert b"<Code>XAmzContentSHA256Mismatch</Code>" in content(ask(gateway, request))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-md5": "aFPqFnlCon58cZ4Qt7zwvQ=="}, b""),
        ({"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}, b"BadDigest"),
        ({"content-md5": "nonsense"}, b"InvalidDigest"),
        ({"x-amz-sdk-checksum-algorithm": "CRC32", "x-amz-checksum-crc32": "v6Ysrw=="}, b""),
        ({"x-amz-sdk-checksum-algorithm": "CRC32", "x-amz-checksum-crc32": "AAAAAA=="}, b"BadDigest"),
        ({"x-amz-sdk-checksum-algorithm": "CRC32", "x-amz-checksum-crc32": "nonsense"}, b"InvalidRequest"),
        ({"x-amz-sdk-checksum-algorithm": "CRC33"}, b"InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, b""),
    ],
)
def test_documents_are_held_to_their_digests(gateway: Gateway, headers: dict[str, str], code: bytes) -> None:
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    response = ask(gateway, signed("POST", "/photos?delete", "s3", body=body, headers=headers))
    assert (response.status == 200) == (code == b"")
    assert (b"<Code>" + code + b"</Code>" in content(response)) == (code != b"")


CHUNKED = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "7",
    "x-amz-trailer": "x-amz-checksum-crc32",
    "content-encoding": "aws-chunked",
}


def test_aws_chunked_bodies_lose_their_framing_and_keep_their_trailers(gateway: Gateway) -> None:
    body = b"7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    response = ask(gateway, signed("PUT", "/photos/key", "s3", body=body, headers=CHUNKED))
    assert (response.status, response.headers["etag"]) == (200, '"7"')
    assert stored == {("photos", "key"): b"content"}
    assert trailers == {"x-amz-checksum-crc32": "AAAAAA=="}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x-amz-decoded-content-length": "8"}, b"IncompleteBody"),
        ({"x-amz-decoded-content-length": "many"}, b"InvalidArgument"),
        ({"x-amz-trailer": "x-amz-checksum-sha1"}, b"MalformedTrailerError"),
    ],
)
def test_aws_chunked_bodies_that_contradict_their_headers(
    gateway: Gateway, change: dict[str, str], code: bytes
) -> None:
    body = b"7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    response = ask(gateway, signed("PUT", "/photos/key", "s3", body=body, headers=CHUNKED | change))
    assert b"<Code>" + code + b"</Code>" in content(response)
    assert stored == {}


class Unread:
    """A body of a length that nobody may begin to read."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.trailers: dict[str, str] = {}

    async def read(self, limit: int) -> bytes:
        assert limit < self.length
        raise BodyTooLarge(limit)

    def chunks(self) -> AsyncIterator[bytes]:
        raise AssertionError("read")


def test_a_body_too_long_is_refused_unread(gateway: Gateway) -> None:
    request = signed("POST", "/photos?delete", "s3", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    request.body = Unread(10**9)
    assert b"<Code>MaxMessageLengthExceeded</Code>" in content(ask(gateway, request))
    request = signed("POST", "/", "logs", headers=LOGS_TARGET)
    request.body = Unread(10**9)
    response = ask(gateway, request)
    assert (response.status, document(response)["__type"]) == (413, "RequestEntityTooLargeException")


def test_the_body_of_a_stranger_is_not_read(gateway: Gateway) -> None:
    nobody = Credentials("AKIANOBODY", "test")
    for request in (
        signed("POST", "/", "logs", headers=LOGS_TARGET, credentials=nobody),
        unsigned("POST", "/", headers=LOGS_TARGET),
    ):
        request.body = Unread(5)
        assert ask(gateway, request).status == 400


# What goes wrong.


def test_unknown_operations_are_named(gateway: Gateway) -> None:
    response = ask(gateway, signed("POST", "/", "logs", headers=LOGS_TARGET | {"x-amz-target": "Logs_20140328.Nope"}))
    assert (response.status, document(response)["__type"]) == (404, "UnknownOperationException")
    assert "'Nope'" in document(response)["message"]
    response = ask(gateway, signed("POST", "/", "sts", body=b"Action=Nope&Version=2011-06-15"))
    assert (response.status, b"<Code>InvalidAction</Code>" in content(response)) == (400, True)
    response = ask(gateway, signed("GET", "/2015-03-31/nope", "lambda"))
    assert response.status == 404


def test_operations_of_aws_that_are_not_served_say_so(gateway: Gateway) -> None:
    target = LOGS_TARGET | {"x-amz-target": "Logs_20140328.StartQuery"}
    response = ask(gateway, signed("POST", "/", "logs", headers=target))
    assert document(response)["message"] == f"The operation StartQuery of logs is not served by Lambent {__version__}."
    response = ask(gateway, signed("GET", "/photos?cors", "s3"))
    assert (response.status, b"<Code>NotImplemented</Code>" in content(response)) == (501, True)
    assert b"GetBucketCors" in content(response)
    response = ask(gateway, signed("POST", "/photos/key", "s3"))
    assert (response.status, b"<Code>MethodNotAllowed</Code>" in content(response)) == (405, True)


@pytest.mark.parametrize("target", ["/", "/instances"])
def test_services_that_are_not_there_are_named(gateway: Gateway, target: str) -> None:
    for method in ("GET", "POST"):
        response = ask(gateway, signed(method, target, "ec2"))
        assert response.status == 501
        assert b"ec2" in content(response)
        assert b"lambda, logs, s3, sts" in content(response)


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (ServiceError("no", code="Nope", status=409), 409, "Nope"),
        (StorageFull("the disk is full"), 507, "InsufficientStorage"),
        (StorageFailure("the disk does not work"), 503, "ServiceUnavailable"),
        (KeyError("secret detail"), 500, "InternalFailure"),
    ],
)
def test_failures_are_answered_in_the_protocol(
    parties: Parties, caplog: pytest.LogCaptureFixture, failure: Exception, status: int, code: str
) -> None:
    async def fail(caller: Caller, given: Given) -> Given:
        raise failure

    gateway = parties.gateway(serving("logs", DescribeLogGroups=fail))
    with caplog.at_level(logging.ERROR):
        response = ask(gateway, signed("POST", "/", "logs", body=b"{}", headers=LOGS_TARGET))
    assert (response.status, document(response)["__type"]) == (status, code)
    assert b"secret detail" not in content(response)
    assert ("KeyError" in caplog.text) == (status == 500)
    assert status != 500 or response.headers["x-amzn-requestid"] in caplog.text


def test_a_client_that_left_is_the_listeners_business(parties: Parties) -> None:
    async def fail(caller: Caller, given: Given) -> Given:
        raise ClientDisconnected

    gateway = parties.gateway(serving("logs", DescribeLogGroups=fail))
    with pytest.raises(ClientDisconnected):
        ask(gateway, signed("POST", "/", "logs", body=b"{}", headers=LOGS_TARGET))


def test_a_service_without_its_methods_is_not_built(parties: Parties) -> None:
    model = load_service("logs", ["DescribeLogGroups", "CreateLogGroup"])
    gateway = parties.gateway(ServedService(model, Echo()))
    with pytest.raises(MissingMethods, match="logs without a method: create_log_group, describe_log_groups"):
        gateway.endpoints.build("logs")


def test_a_service_is_built_when_it_is_first_asked_for(parties: Parties) -> None:
    async def answer(caller: Caller, given: Given) -> Given:
        return {"logGroups": []}

    built = []

    def build() -> ServedService:
        built.append("logs")
        return service

    service = serving("logs", DescribeLogGroups=answer)
    offers = [Offer(signs_of(service.model), build), offer(serving("sts"))]
    gateway = Gateway(offers, authenticator=parties.gateway()._authenticator, ids=parties.ids)
    assert document(ask(gateway, unsigned("GET", "/_lambent/health")))["services"]["logs"] == "running"
    assert built == []
    for _ in range(2):
        assert ask(gateway, signed("POST", "/", "logs", body=b"{}", headers=LOGS_TARGET)).status == 200
    assert built == ["logs"]


def test_preflights_are_refused_until_there_is_a_configuration(gateway: Gateway) -> None:
    asked = {"origin": "http://elsewhere.example", "access-control-request-method": "PUT"}
    response = ask(gateway, unsigned("OPTIONS", "/photos/key", headers=asked))
    assert (response.status, b"<Code>AccessForbidden</Code>" in content(response)) == (403, True)
    assert not any(name.startswith("access-control") for name in response.headers)
    assert ask(gateway, unsigned("OPTIONS", "/photos/key")).status == 400


# Our own pages.


def test_health(gateway: Gateway) -> None:
    response = ask(gateway, unsigned("GET", "/_lambent/health"))
    services = {"sts": "running", "logs": "running", "lambda": "running", "s3": "running"}
    assert document(response) == {"status": "ok", "version": __version__, "services": services}
    assert ask(gateway, unsigned("GET", "/_lambent/nope")).status == 404


def test_pages_are_signed_unless_they_are_public(parties: Parties) -> None:
    async def page(request: Request, caller: Caller) -> Response:
        return Response(200, {}, f"{request.query} {caller.account_id}".encode())

    gateway = Gateway(
        [],
        authenticator=parties.gateway()._authenticator,
        ids=parties.ids,
        pages={"events": Page(page), "package": Page(page, is_public=True)},
    )
    assert ask(gateway, unsigned("GET", "/_lambent/package?a")).body == b"a "
    assert ask(gateway, unsigned("GET", "/_lambent/events?a")).status == 403
    assert ask(gateway, signed("GET", "/_lambent/events?a", "lambent")).body == b"a 000000000000"
    wrong = Credentials("test", "wrong")
    assert ask(gateway, signed("GET", "/_lambent/events?a", "lambent", credentials=wrong)).status == 403


def test_requests_are_answered_side_by_side(gateway: Gateway) -> None:
    async def main() -> list[Response]:
        one = signed("GET", "/", "s3")
        return await asyncio.gather(*[gateway.handle(one) for _ in range(10)])

    ids = {response.headers["x-amz-request-id"] for response in asyncio.run(main())}
    assert len(ids) == 10
