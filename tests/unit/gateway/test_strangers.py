"""Clients of services that are not here read the refusal: botocore's own parsers say so."""

from collections.abc import Iterator

import pytest
from botocore.model import StructureShape
from botocore.parsers import create_parser

from lambent import __version__
from lambent.gateway.dispatch import Gateway
from lambent.wire.http import Request
from unit.gateway.requests import Parties, ask, signed

NOTHING = StructureShape("Nothing", {"type": "structure", "members": {}})
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
TARGET = {"x-amz-target": "Kinesis_20131202.ListStreams", "content-type": "application/x-amz-json-1.1"}
CBOR = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}


def strangers() -> Iterator[tuple[str, Request]]:
    yield "query", signed("POST", "/", "sns", headers=FORM, body=b"Action=ListTopics")
    yield "ec2", signed("POST", "/", "ec2", headers=FORM, body=b"Action=DescribeRegions")
    yield "json", signed("POST", "/", "kinesis", headers=TARGET, body=b"{}")
    yield "rest-json", signed("GET", "/restapis", "apigateway")
    yield "rest-xml", signed("GET", "/2013-04-01/hostedzone", "route53")
    yield "rpc-v2-cbor", signed("POST", "/service/Arc/operation/ListPlans", "arc", headers=CBOR)


REQUESTS = dict(strangers())


@pytest.mark.parametrize("protocol", REQUESTS)
def test_the_refusal_is_in_the_protocol_of_the_client(protocol: str) -> None:
    gateway: Gateway = Parties().gateway()
    response = ask(gateway, REQUESTS[protocol])
    given = {"status_code": response.status, "headers": response.headers, "body": response.body}
    error = create_parser(protocol.replace("rpc-v2", "smithy-rpc-v2")).parse(given, NOTHING)["Error"]
    assert response.status == 501
    assert error["Code"] == ("NotImplemented" if protocol == "rest-xml" else "UnknownOperationException")
    assert f"is not served by Lambent {__version__}" in error["Message"]
