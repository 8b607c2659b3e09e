import time

import pytest

from lambent.wire import model
from lambent.wire.model import load_service


def test_operations_are_trimmed_to_those_served() -> None:
    s3 = load_service("s3", ["PutObject", "GetObject"])
    assert sorted(s3.operations) == ["GetObject", "PutObject"]
    assert "CopyObject" in s3.operation_names
    assert {route.operation: route.is_served for route in s3.routes}["CopyObject"] is False
    assert s3.operations["PutObject"].python_name == "put_object"
    assert (s3.operations["PutObject"].streaming_input, s3.operations["GetObject"].streaming_output) == ("Body", "Body")


def test_metadata() -> None:
    logs = load_service("logs", [])
    assert (logs.protocol, logs.json_version, logs.target_prefix) == ("json", "1.1", "Logs_20140328")
    assert (logs.endpoint_prefix, logs.signing_name, logs.api_version) == ("logs", "logs", "2014-03-28")


def test_the_newest_of_several_versions_is_taken() -> None:
    assert load_service("lambda", []).api_version == "2015-03-31"


def test_references_override_their_shapes() -> None:
    given = load_service("s3", ["PutObject"]).operations["PutObject"].input
    assert given is not None
    assert given.members["Metadata"].location == "headers"
    assert given.members["Metadata"].wire_name == "x-amz-meta-"
    assert given.members["Expires"].shape.type == "timestamp"


def test_shapes_may_contain_themselves() -> None:
    item = load_service("dynamodb", ["PutItem"]).operations["PutItem"].input
    assert item is not None
    value = item.members["Item"].shape.value
    assert value is not None
    inner = value.shape.members["M"].shape.value
    assert inner is not None
    assert inner.shape is value.shape


def test_lambda_payloads_are_bytes_not_streams() -> None:
    operations = load_service("lambda", ["Invoke", "InvokeAsync"]).operations
    assert [one.streaming_input for one in operations.values()] == [None, None]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(model.UnknownService):
        load_service("no-such-service", [])
    with pytest.raises(model.UnknownServedOperation, match="lambda has no operation Dance, Sing"):
        load_service("lambda", ["Sing", "Invoke", "Dance"])


def test_the_main_path_loads_quickly_without_a_cache() -> None:
    start = time.process_time()
    for name in ("s3", "lambda", "logs"):
        load_service(name, [])
    assert time.process_time() - start < 0.25, "measured: 0.02 s; a cache would be due"
