"""JSON, CBOR and form bodies: what is wrong with them is said in AWS's words; arbitrary bytes never trip us."""

import struct
from collections.abc import Callable
from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire import protocols, query
from lambent.wire.documents import Finished
from lambent.wire.errors import ServiceError
from lambent.wire.http import BytesBody, Request
from lambent.wire.model import load_service

LOGS = load_service("logs", ["PutLogEvents", "CreateLogGroup", "DescribeLogGroups"])
LAMBDA = load_service(
    "lambda", ["CreateFunction", "Invoke", "InvokeAsync", "ListFunctions", "GetFunction", "TagResource"]
)
DYNAMODB = load_service("dynamodb", ["PutItem", "UpdateTimeToLive"], opaque=["AttributeValue"])
STS = load_service("sts", ["AssumeRole", "GetCallerIdentity"])
SNS = load_service("sns", ["CreateTopic", "Publish"])
S3 = load_service("s3", ["PutBucketTagging", "DeleteObjects", "PutBucketLifecycleConfiguration", "PutBucketAcl"])


def decode(model: Any, operation: str, body: bytes, protocol: str | None = None) -> dict[str, Any]:
    request = Request("POST", "/", {}, BytesBody(body))
    return protocols.build_codec(model, protocol).decode(model.operations[operation], request, body, {})


def json(value: Any) -> bytes:
    return orjson.dumps(value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Could not parse request body into json"),
        (b"[]", "Start of list found where not expected"),
        (b'"x"', "STRING_VALUE cannot be converted to a structure"),
        (b'{"logGroupName": 5}', "NUMBER_VALUE cannot be converted to String"),
        (b'{"logGroupName": {}}', "Start of structure or map found where not expected"),
        (b'{"logGroupName": true}', "TRUE_VALUE cannot be converted to String"),
        (b'{"logEvents": {}}', "Start of structure or map found where not expected"),
        (b'{"logEvents": [null]}', "NULL_VALUE found in a list"),
        (b'{"logEvents": [{"timestamp": "1"}]}', "STRING_VALUE cannot be converted to Long"),
        (b'{"logEvents": [{"timestamp": 1.5}]}', "NUMBER_VALUE cannot be converted to Long"),
        (b'{"logEvents": [{"timestamp": 1e30}]}', "NUMBER_VALUE cannot be converted to Long"),
        (b'{"logEvents": [{"timestamp": 9223372036854775808}]}', "NUMBER_VALUE cannot be converted to Long"),
        (b'\xff{"a": 1}', "Could not parse request body into json"),
        (b'{"logGroupName": "\\ud800"}', "Could not parse request body into json"),
        (b"[" * 100_000, "Could not parse request body into json"),
    ],
)
def test_json_of_the_wrong_form(body: bytes, message: str) -> None:
    with pytest.raises(ServiceError) as caught:
        decode(LOGS, "PutLogEvents", body)
    assert caught.value.code == "SerializationException"
    assert caught.value.message.startswith(message)


def test_json_null_and_unknown_members_count_as_absent() -> None:
    body = json({"logGroupName": None, "unheardOf": [1], "logEvents": [{"timestamp": 5.0, "message": "m", "x": 1}]})
    assert decode(LOGS, "PutLogEvents", body) == {"logEvents": [{"timestamp": 5, "message": "m"}]}
    assert decode(LOGS, "PutLogEvents", b"") == {}
    assert decode(LOGS, "CreateLogGroup", json({"tags": {"a": None, "b": "c"}})) == {"tags": {"b": "c"}}


@pytest.mark.parametrize("code", ["!!!!", "YQ", "YQ==\n", "Y Q==", "YWJj=", "YWI=YWI=", "é"])
def test_json_blob_that_is_no_base64(code: str) -> None:
    with pytest.raises(ServiceError, match="base64"):
        decode(LAMBDA, "CreateFunction", json({"Code": {"ZipFile": code}}))


@pytest.mark.parametrize("protocol", ["json", "rpc-v2-cbor", "amz-cbor"])
@pytest.mark.parametrize("seconds", [1_700_000_000, 1_700_000_000.0, 1_700_000_000.123])
def test_finished_structures_go_out_as_others_do(protocol: str, seconds: float) -> None:
    kinesis = load_service("kinesis", ["GetRecords"])
    codec, operation = protocols.build_codec(kinesis, protocol), kinesis.operations["GetRecords"]
    record = {"SequenceNumber": "49", "ApproximateArrivalTimestamp": seconds, "Data": b"\x00\xff", "PartitionKey": "é"}
    encrypted = {"SequenceNumber": "50", "Data": b"", "EncryptionType": "KMS"}
    plain = codec.encode(operation, {"Records": [record, encrypted], "MillisBehindLatest": 0}, "id")
    finished = Finished([dict(record), dict(encrypted)])
    encoded = codec.encode(operation, {"Records": finished, "MillisBehindLatest": 0}, "id")
    assert (encoded.status, encoded.headers, encoded.body) == (plain.status, plain.headers, plain.body)


def test_opaque_shapes_pass_as_they_are() -> None:
    item = {"k": {"S": "a"}, "l": {"L": [{"N": "1"}, {"M": {"x": {"B": "YQ=="}}}]}}
    assert decode(DYNAMODB, "PutItem", json({"TableName": "t", "Item": item})) == {"TableName": "t", "Item": item}
    raw = {"k": {"B": b"\x00"}}
    assert decode(DYNAMODB, "PutItem", cbor2.dumps({"Item": raw}), "rpc-v2-cbor") == {"Item": raw}


def test_lambda_payload_is_raw_bytes() -> None:
    assert decode(LAMBDA, "Invoke", b"\xff\x00") == {"Payload": b"\xff\x00"}
    codec = protocols.build_codec(LAMBDA)
    response = codec.encode(
        LAMBDA.operations["Invoke"],
        {"Payload": b"\xff", "StatusCode": 200, "FunctionError": "Unhandled", "LogResult": None},
        "R",
    )
    assert (response.status, response.body, response.headers["x-amz-function-error"]) == (200, b"\xff", "Unhandled")


def test_lambda_error() -> None:
    error = ServiceError("Function not found: f", code="ResourceNotFoundException", status=404)
    response = protocols.build_codec(LAMBDA).encode_error(error, "R")
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {"Type": "User", "Message": "Function not found: f"}
    assert response.headers["x-amzn-errortype"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xa1\x69timestamp\xf9\x3c\x00", None),
        (cbor2.dumps({"logEvents": [{"timestamp": 7}]}), {"logEvents": [{"timestamp": 7}]}),
        (b"\xbf\x6clogGroupName\x7f\x61a\x61b\xff\xff", {"logGroupName": "ab"}),
        (
            b"\xbf\x69logEvents\x9f\xbf\x69timestamp\x1b\x00\x00\x00\x00\x00\x00\x00\x05\xff\xff\xff",
            {"logEvents": [{"timestamp": 5}]},
        ),
        (b"\xa1\x6clogGroupName\xf6", {}),
    ],
)
def test_cbor_in_its_many_spellings(body: bytes, value: dict[str, Any] | None) -> None:
    assert decode(LOGS, "PutLogEvents", body, "rpc-v2-cbor") == (value or {})


@pytest.mark.parametrize("width", [">e", ">f", ">d"])
def test_cbor_floats_of_any_width(width: str) -> None:
    kinesis = load_service("application-autoscaling", ["PutScalingPolicy"])
    marker = {">e": b"\xf9", ">f": b"\xfa", ">d": b"\xfb"}[width]
    inner = b"\xa1\x6bTargetValue" + marker + struct.pack(width, 1.5)
    body = b"\xa1\x78\x28TargetTrackingScalingPolicyConfiguration" + inner
    found = decode(kinesis, "PutScalingPolicy", body, "rpc-v2-cbor")
    assert found == {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1.5}}


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\x1c",
        b"\x80",
        b"\xa1\x01\x02",
        b"\xa1\x6clogGroupName\x05",
        b"\xa1\x6clogGroupName\x41a",
        b"\xd8\x23\x64(a+)",
        b"\xd8\x1c\x81\xd8\x1d\x00",
        b"\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\x9f" * 100_000,
        b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x69logEvents\x81\xa1\x69timestamp\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x69logEvents\xf7",
        b"\xa1\x69logEvents\x81\xa1\x69timestamp\xc1\x05",
    ],
)
def test_cbor_of_the_wrong_form(body: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        decode(LOGS, "PutLogEvents", body, "rpc-v2-cbor")
    assert caught.value.code == "SerializationException"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"Action=AssumeRole&RoleArn=a%20b+c&DurationSeconds=900", {"RoleArn": "a b c", "DurationSeconds": 900}),
        (
            b"Tags.member.2.Key=b&Tags.member.10.Key=c&Tags.member.1.Key=a",
            {"Tags": [{"Key": "a"}, {"Key": "b"}, {"Key": "c"}]},
        ),
        (b"Tags=", {"Tags": []}),
        (b"Unknown.a.b=1", {}),
    ],
)
def test_forms(body: bytes, value: dict[str, Any]) -> None:
    assert decode(STS, "AssumeRole", body) == value


@pytest.mark.parametrize(
    ("target", "body", "action"),
    [
        ("/", b"Action=ListTopics&Version=1", "ListTopics"),
        ("/", b"Version=1&Message=%26Action%3DNo&Action=Publish", "Publish"),
        ("/?Version=1&Action=Unsubscribe", b"", "Unsubscribe"),
        ("/", b"MyAction=No", ""),
        ("/", b"\xff", ""),
    ],
)
def test_the_action_of_a_form(target: str, body: bytes, action: str) -> None:
    assert query.action_of(Request("POST", target, {}, BytesBody(body)), body) == action


def test_form_maps() -> None:
    body = b"Attributes.entry.1.key=a&Attributes.entry.1.value=b&Attributes.entry.2.key=c&Attributes.entry.2.value="
    assert decode(SNS, "CreateTopic", body) == {"Attributes": {"a": "b", "c": ""}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"DurationSeconds=soon", "MalformedInput"),
        (b"DurationSeconds.x=1", "MalformedQueryString"),
        (b"Tags.member.x.Key=1", "MalformedQueryString"),
        (b"Tags..x=1", "MalformedQueryString"),
        (b".=1", "MalformedQueryString"),
        (b"a.b" * 40 + b"=1", "MalformedQueryString"),
        (b"RoleArn=%ff", "MalformedQueryString"),
        (b"\xff", "MalformedQueryString"),
        (b"&".join([b"a%d=b" % number for number in range(query.MAX_FORM_FIELDS + 1)]), "MalformedQueryString"),
    ],
)
def test_malformed_forms(body: bytes, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        decode(STS, "AssumeRole", body)
    assert caught.value.code == code


def test_query_envelope() -> None:
    response = protocols.build_codec(STS).encode(STS.operations["GetCallerIdentity"], {"Account": "1"}, "R")
    assert response.body == (
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        b"<Account>1</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>R</RequestId></ResponseMetadata>"
        b"</GetCallerIdentityResponse>"
    )


ARBITRARY: list[tuple[Any, str, str, Callable[[Any], bytes] | None]] = [
    (LOGS, "PutLogEvents", "json", json),
    (LAMBDA, "CreateFunction", "rest-json", json),
    (LOGS, "PutLogEvents", "rpc-v2-cbor", cbor2.dumps),
    (STS, "AssumeRole", "query", None),
    (S3, "DeleteObjects", "rest-xml", None),
]
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["logEvents", "timestamp", "Code", "ZipFile", "Environment", "Variables", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(("model", "operation", "protocol", "dump"), ARBITRARY)
@given(body=st.binary(max_size=100), tree=TREES)
def test_arbitrary_bodies(model: Any, operation: str, protocol: str, dump: Any, body: bytes, tree: Any) -> None:
    for one in (body, dump(tree) if dump else b"<Delete><Object>" + body + b"</Object></Delete>"):
        try:
            assert isinstance(decode(model, operation, one, protocol), dict)
        except ServiceError as error:
            status = error.status
        else:
            status = 400
        assert 400 <= status < 500
