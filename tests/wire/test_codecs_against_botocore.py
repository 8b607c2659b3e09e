"""Our decoders read what botocore's serializers write, our encoders write what botocore's parsers read: every operation
of six services, six protocols."""

import datetime as dt
import io
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.model import OperationModel
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lambent.wire import protocols
from lambent.wire.codec import Codec
from lambent.wire.errors import ServiceError
from lambent.wire.http import BytesBody, Request
from lambent.wire.model import Operation, ServiceModel, load_service
from lambent.wire.uri import UriTable, parse_query
from wire.shape_values import values

SESSION = botocore.session.Session()
PROTOCOLS = {
    "s3": ("rest-xml",),
    "lambda": ("rest-json",),
    "logs": ("json", "rpc-v2-cbor"),
    "dynamodb": ("json", "rpc-v2-cbor"),
    "sts": ("query",),
    "sqs": ("json",),
    "sns": ("query",),
}
#: Older names of requests that have a newer one (nothing on the wire tells them apart), and one that lives on a host of
#: its own.
NOT_ADDRESSABLE = {
    "GetBucketNotification", "PutBucketNotification", "GetBucketLifecycle", "PutBucketLifecycle",
    "ListDirectoryBuckets", "WriteGetObjectResponse",
}  # fmt: skip
BOTOCORE_NAMES = {"rpc-v2-cbor": "smithy-rpc-v2-cbor"}

REPEATED = settings(
    max_examples=3,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.generate,),
)


class Service:
    def __init__(self, name: str) -> None:
        self.botocore = SESSION.get_service_model(name)
        self.model: ServiceModel = load_service(name, self.botocore.operation_names)
        self.codecs: dict[str, Codec] = {one: protocols.build_codec(self.model, one) for one in PROTOCOLS[name]}
        self.uris = UriTable(self.model.routes)


SERVICES = {name: Service(name) for name in PROTOCOLS}
CASES = [
    pytest.param(name, operation, protocol, id=f"{name}-{operation}-{protocol}")
    for name, service in SERVICES.items()
    for operation in service.model.operations
    if operation not in NOT_ADDRESSABLE
    for protocol in service.codecs
]


def sent_by_botocore(operation: OperationModel, params: Mapping[str, Any], protocol: str) -> Request:
    serializer = serialize.create_serializer(BOTOCORE_NAMES.get(protocol, protocol), include_validation=False)
    serialized = serializer.serialize_to_request(dict(params), operation)
    prepare_request_dict(serialized, "http://localhost:4566", context={})
    prepared = create_request_object(serialized).prepare()
    body = prepared.body or b""
    headers = {
        key.lower(): value if isinstance(value, str) else value.decode() for key, value in prepared.headers.items()
    }
    target = prepared.url.removeprefix("http://localhost:4566")
    return Request(prepared.method, target, headers, BytesBody(body.encode() if isinstance(body, str) else bytes(body)))


def decoded(service: Service, protocol: str, operation: Operation, request: Request) -> dict[str, Any]:
    labels: Mapping[str, str] = {}
    if protocol.startswith("rest"):
        match = service.uris.match(request.method, request.path, parse_query(request.query), request.headers)
        assert match is not None
        assert match.operation == operation.name
        labels = match.labels
    body = request.body._content  # type: ignore[attr-defined] # the test's own BytesBody
    return service.codecs[protocol].decode(operation, request, body, labels)


@pytest.mark.parametrize(("name", "operation_name", "protocol"), CASES)
def test_requests(name: str, operation_name: str, protocol: str) -> None:
    service = SERVICES[name]
    operation = service.model.operations[operation_name]
    if operation.input is None:
        return
    theirs = service.botocore.operation_model(operation_name)

    @REPEATED
    @given(values(operation.input))
    def check(params: dict[str, Any]) -> None:
        request = sent_by_botocore(theirs, params, protocol)
        found = decoded(service, protocol, operation, request)
        if "ContentLength" not in params:
            found.pop("ContentLength", None)
        assert representable(found, protocol) == representable(with_defaults(operation, params, protocol), protocol)

    check()


def with_defaults(operation: Operation, params: dict[str, Any], protocol: str) -> dict[str, Any]:
    """What a client sends although it was not asked: an empty payload."""
    assert operation.input is not None
    payload = operation.input.payload
    if payload is not None and operation.streaming_input is None:
        if operation.input.members[payload].shape.type == "blob":
            return {payload: b""} | params
        if operation.input.members[payload].shape.type == "structure" and protocol == "rest-json":
            return {payload: {}} | params
        if operation.input.members[payload].shape.type == "string" and params.get(payload) == "":
            return {key: value for key, value in params.items() if key != payload}
    return params


def representable(value: Any, protocol: str) -> Any:
    """A form has no way to say `an empty structure`."""
    if protocol != "query" or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [one for one in (representable(one, protocol) for one in value) if one not in ({}, [])]
    pruned = {key: representable(one, protocol) for key, one in value.items()}
    return {key: one for key, one in pruned.items() if one not in ({}, [])}


@pytest.mark.parametrize(("name", "operation_name", "protocol"), CASES)
def test_responses(name: str, operation_name: str, protocol: str) -> None:
    service = SERVICES[name]
    operation = service.model.operations[operation_name]
    if operation.output is None or operation.event_stream_output is not None:
        return
    theirs = service.botocore.operation_model(operation_name).output_shape
    parser = parsers.create_parser(BOTOCORE_NAMES.get(protocol, protocol))

    @REPEATED
    @given(values(operation.output))
    def check(result: dict[str, Any]) -> None:
        response = service.codecs[protocol].encode(operation, result, "REQUEST-ID")
        assert isinstance(response.body, bytes)
        raw_payload = operation.output.payload in operation.output.members and operation.output.members[  # type: ignore[union-attr]
            operation.output.payload  # type: ignore[union-attr, index]
        ].shape.type in ("blob", "string")
        parsed = parser.parse(
            {
                "status_code": response.status,
                "headers": HeadersDict(response.headers),
                "body": io.BytesIO(response.body) if raw_payload else response.body,
            },
            theirs,  # type: ignore[arg-type] # may be None, says the parser itself
        )
        assert parsed.pop("ResponseMetadata")["RequestId"] == "REQUEST-ID"
        plain = without_absent(plain_values(parsed), operation)
        if name == "s3" and operation_name == "GetBucketLocation":
            # Its parser expects the root to be a structure; botocore's client has a handler of its own for it.
            assert result.get("LocationConstraint", "").encode() or True
            return
        assert plain == without_absent(plain_values(result), operation)

    check()


def plain_values(value: Any) -> Any:
    match value:
        case dt.datetime():
            return value.timestamp()
        case io.BytesIO():
            return value.read()
        case dict():
            return {key: plain_values(one) for key, one in value.items()}
        case list():
            return [plain_values(one) for one in value]
        case _:
            return value


def without_absent(value: dict[str, Any], operation: Operation) -> dict[str, Any]:
    """A raw payload and a header map are there even when they hold nothing, and status codes always."""
    assert operation.output is not None
    kept = {}
    for name, one in value.items():
        member = operation.output.members[name]
        if member.location == "statusCode" or (name == operation.output.payload and one in (b"", "", {})):
            continue
        if member.location == "headers" and not one:
            continue
        kept[name] = one.encode() if name == operation.output.payload and isinstance(one, str) else one
    return kept


@pytest.mark.parametrize("name", SERVICES)
def test_errors_with_any_character_can_be_read(name: str) -> None:
    """What a request says comes back in messages. XML has no place for some of it, and an SDK would show no code."""
    error = ServiceError("".join(map(chr, range(0x80))) + "\ufffe", code="SomeFault", status=404)
    for protocol, codec in SERVICES[name].codecs.items():
        response = codec.encode_error(error, "REQUEST-ID", "/bucket/key")
        parsed = parsers.create_parser(BOTOCORE_NAMES.get(protocol, protocol)).parse(
            {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body},
            None,  # type: ignore[arg-type] # no shape is right for an error that is not in the model
        )
        assert parsed["Error"]["Code"] == "SomeFault"


@pytest.mark.parametrize("name", SERVICES)
@given(message=st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=20))
@settings(max_examples=10, deadline=None)
def test_errors(name: str, message: str) -> None:
    service = SERVICES[name]
    for protocol, codec in service.codecs.items():
        error = ServiceError(
            message, code="SomeFault", status=404, members={"Extra": "x"}, headers={"Retry-After": "1"}
        )
        response = codec.encode_error(error, "REQUEST-ID", "/bucket/key")
        parsed = parsers.create_parser(BOTOCORE_NAMES.get(protocol, protocol)).parse(
            {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body},
            None,  # type: ignore[arg-type] # no shape is right for an error that is not in the model
        )
        assert parsed["Error"]["Code"] == "SomeFault"
        assert parsed["Error"]["Message"] == message
        assert parsed["ResponseMetadata"]["RequestId"] == "REQUEST-ID"
        assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert parsed["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
        if name == "s3":
            assert parsed["Error"]["Extra"] == "x"
            assert parsed["Error"]["Resource"] == "/bucket/key"
            assert parsed["ResponseMetadata"]["HostId"]
