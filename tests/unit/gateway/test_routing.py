import pytest

from lambent.gateway.routing import (
    Address,
    InternalAddress,
    NoAddress,
    Router,
    ServiceAddress,
    WebsiteAddress,
    protocols_of,
)
from lambent.services.sqs import query_names
from lambent.wire.http import BytesBody, Request
from lambent.wire.model import load_service
from unit.gateway.requests import signs_of

SERVICES = [
    *(signs_of(load_service(name, ())) for name in ("s3", "lambda", "logs", "sts", "dynamodb")),
    signs_of(load_service("sqs", (), amendments=query_names.AMENDMENTS)),
]
ROUTER = Router(SERVICES)


def scope(service: str) -> dict[str, str]:
    credential = f"test/20260102/eu-west-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"}


def route(method: str, target: str, headers: dict[str, str] | None = None, host: str = "localhost:4566") -> Address:
    return ROUTER.route(Request(method, target, {"host": host, **(headers or {})}, BytesBody()))


def s3(path: str, website: str = "") -> ServiceAddress:
    return ServiceAddress("s3", "rest-xml", None, path, website)


PRESIGNED = "X-Amz-Credential=test%2F20260102%2Feu-west-1%2F{}%2Faws4_request&X-Amz-Signature=0"
CBOR = {"smithy-protocol": "rpc-v2-cbor"}
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
QUEUE = "/000000000000/orders"
LOGS_TARGET = {"x-amz-target": "Logs_20140328.CreateLogGroup"}

CASES: dict[str, tuple[Address, Address]] = {
    "anonymous": (route("GET", "/bucket/key?x=1"), s3("/bucket/key")),
    "root": (route("GET", "/"), s3("/")),
    "signed for s3": (route("GET", "/bucket/key", scope("s3")), s3("/bucket/key")),
    "presigned for s3": (route("GET", "/b/k?" + PRESIGNED.format("s3")), s3("/b/k")),
    "raw path": (route("GET", "/b/a%2F..%00/../c", scope("s3")), s3("/b/a%2F..%00/../c")),
    "bucket's host": (route("GET", "/k", scope("s3"), "b.s3.localhost:4566"), s3("/b/k")),
    "bucket's host, root": (route("GET", "/?list-type=2", {}, "b.localhost"), s3("/b/")),
    "bucket's host, key with slash": (route("GET", "//k", {}, "b.s3.eu-west-1.localhost"), s3("/b//k")),
    "bucket's host, our prefix is a key": (
        route("GET", "/_lambent/health", {}, "b.localhost"),
        s3("/b/_lambent/health"),
    ),
    "bucket's host, lambda-like key": (route("GET", "/2015-03-31/x", {}, "b.localhost"), s3("/b/2015-03-31/x")),
    "other host": (route("GET", "/k", {}, "www.example.com"), s3("/k", "www.example.com")),
    "signed for lambda": (
        route("POST", "/2015-03-31/functions/f/invocations", scope("lambda")),
        ServiceAddress("lambda", "rest-json", None, "/2015-03-31/functions/f/invocations"),
    ),
    "unsigned lambda": (
        route("GET", "/2015-03-31/functions/"),
        ServiceAddress("lambda", "rest-json", None, "/2015-03-31/functions/"),
    ),
    "old unsigned lambda": (
        route("POST", "/2014-11-13/functions/f/invoke-async/"),
        ServiceAddress("lambda", "rest-json", None, "/2014-11-13/functions/f/invoke-async/"),
    ),
    "target": (
        route("POST", "/", LOGS_TARGET | scope("logs")),
        ServiceAddress("logs", "json", "CreateLogGroup", "/"),
    ),
    "target without signature": (
        route("POST", "/", LOGS_TARGET),
        ServiceAddress("logs", "json", "CreateLogGroup", "/"),
    ),
    "unknown target": (route("POST", "/", {"x-amz-target": "Nope.Do"}), NoAddress("Nope.Do", "json")),
    "target on a GET is only a header": (route("GET", "/b", LOGS_TARGET), s3("/b")),
    "cbor": (
        route("POST", "/service/Logs_20140328/operation/CreateLogGroup", CBOR),
        ServiceAddress("logs", "rpc-v2-cbor", "CreateLogGroup", "/service/Logs_20140328/operation/CreateLogGroup"),
    ),
    "cbor of nobody": (
        route("POST", "/service/Nope/operation/Do", CBOR),
        NoAddress("/service/Nope/operation/Do", "rpc-v2-cbor"),
    ),
    "cbor of a service that speaks JSON only": (
        route("POST", "/service/DynamoDB_20120810/operation/GetItem", CBOR),
        NoAddress("/service/DynamoDB_20120810/operation/GetItem", "rpc-v2-cbor"),
    ),
    "cbor of no form": (
        route("POST", "/service/Logs_20140328", CBOR),
        NoAddress("/service/Logs_20140328", "rpc-v2-cbor"),
    ),
    "a bucket called service": (route("GET", "/service/a/operation/b"), s3("/service/a/operation/b")),
    "query in the body": (route("POST", "/", scope("sts")), ServiceAddress("sts", "query", None, "/")),
    "query in the target": (
        route("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", scope("sts")),
        ServiceAddress("sts", "query", "GetCallerIdentity", "/"),
    ),
    "unsigned query": (
        route("GET", "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
        ServiceAddress("sts", "query", "AssumeRoleWithWebIdentity", "/"),
    ),
    "a queue, in JSON": (
        route("POST", "/", {"x-amz-target": "AmazonSQS.SendMessage"} | scope("sqs")),
        ServiceAddress("sqs", "json", "SendMessage", "/"),
    ),
    "a queue's URL, as older SDKs post to it": (
        route("POST", QUEUE, scope("sqs") | FORM),
        ServiceAddress("sqs", "query", None, QUEUE),
    ),
    "a queue's URL, unsigned form": (route("POST", QUEUE, FORM), ServiceAddress("sqs", "query", None, QUEUE)),
    "a queue's URL, unsigned GET": (
        route("GET", f"{QUEUE}?Action=ReceiveMessage"),
        ServiceAddress("sqs", "query", "ReceiveMessage", QUEUE),
    ),
    "a bucket that looks like an account": (route("GET", QUEUE), s3(QUEUE)),
    "a service that is not here": (route("POST", "/", scope("ec2") | FORM), NoAddress("ec2", "query")),
    "its action in the URL": (route("GET", "/?Action=DescribeRegions", scope("ec2")), NoAddress("ec2", "query")),
    "REST that is not here": (route("GET", "/restapis", scope("apigateway")), NoAddress("apigateway", "rest-json")),
    "REST of XML": (route("GET", "/2013-04-01/hostedzone", scope("route53")), NoAddress("route53", "rest-xml")),
    "website by host": (
        route("GET", "/a/?b", {}, "www.photos.s3-website.localhost:4566"),
        WebsiteAddress("www.photos", "/a/", ""),
    ),
    "website by path": (
        route("GET", "/_lambent/website/photos/a%20b/"),
        WebsiteAddress("photos", "/a%20b/", "/_lambent/website/photos"),
    ),
    "website by path, root": (
        route("GET", "/_lambent/website/photos/"),
        WebsiteAddress("photos", "/", "/_lambent/website/photos"),
    ),
    "website by path, root without its slash": (
        route("GET", "/_lambent/website/photos"),
        WebsiteAddress("photos", "", "/_lambent/website/photos"),
    ),
    "health": (route("GET", "/_lambent/health"), InternalAddress("health")),
    "health on another host": (route("GET", "/_lambent/health", {}, "platform"), InternalAddress("health")),
}


@pytest.mark.parametrize("name", CASES)
def test_requests_are_routed(name: str) -> None:
    found, expected = CASES[name]
    assert found == expected


def test_every_rpc_service_but_dynamodb_also_speaks_cbor() -> None:
    assert {one.name: protocols_of(one) for one in SERVICES} == {
        "s3": ("rest-xml",),
        "lambda": ("rest-json",),
        "logs": ("json", "rpc-v2-cbor"),
        "dynamodb": ("json",),
        "sqs": ("json", "query", "rpc-v2-cbor"),
        "sts": ("query",),
    }
