"""Calls from inside, on a service of the test with the model of CloudWatch Logs and of S3."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from lambent.gateway.api_calls import ApiCalls
from lambent.gateway.endpoints import Endpoints, ServedService
from lambent.services.caller import Caller
from lambent.wire.errors import SerializationError, UnknownOperation, ValidationError
from lambent.wire.http import BytesBody
from lambent.wire.model import load_service
from unit.gateway.requests import offer

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "scheduler.amazonaws.com", "r")


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[Caller, Mapping[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        async def method(caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
            self.calls.append((caller, request))
            return {}

        if name.startswith(("put_", "create_", "invoke")):
            return method
        raise AttributeError(name)


def calls(recorder: Recorder) -> ApiCalls:
    served = [("logs", {"PutLogEvents", "CreateLogGroup"}), ("s3", {"PutObject"}), ("lambda", {"Invoke"})]
    services = [ServedService(load_service(name, frozenset(actions)), recorder) for name, actions in served]
    return ApiCalls(Endpoints([offer(one) for one in services]))


def call(service: str, action: str, request: dict[str, Any]) -> Mapping[str, Any]:
    recorder = Recorder()
    asyncio.run(calls(recorder).call(CALLER, service, action, request))
    [(caller, given)] = recorder.calls
    assert caller == CALLER
    return given


def test_members_may_begin_with_a_capital_at_every_level() -> None:
    events = [{"Timestamp": 1, "Message": "m"}]
    assert call("logs", "putLogEvents", {"LogGroupName": "g", "LogStreamName": "s", "LogEvents": events}) == {
        "logGroupName": "g",
        "logStreamName": "s",
        "logEvents": [{"timestamp": 1, "message": "m"}],
    }


def test_blobs_are_text_and_bodies_are_streamed() -> None:
    assert call("lambda", "invoke", {"FunctionName": "f", "Payload": '{"a": 1}'})["Payload"] == b'{"a": 1}'
    given = call("s3", "putObject", {"Bucket": "b", "Key": "k", "Body": "text", "Metadata": {"A": "b"}})
    body = given["Body"]
    assert isinstance(body, BytesBody)
    assert asyncio.run(body.read(100)) == b"text"
    assert {name: value for name, value in given.items() if name != "Body"} == {
        "Bucket": "b",
        "Key": "k",
        "Metadata": {"A": "b"},
    }
    assert call("s3", "putObject", {"Bucket": "b", "Key": "k"})["Body"].length == 0


@pytest.mark.parametrize(
    ("service", "action", "request_", "expected"),
    [
        ("logs", "createLogGroup", {}, ValidationError),
        ("logs", "createLogGroup", {"LogGroupName": ""}, ValidationError),
        ("logs", "createLogGroup", {"LogGroupName": 1}, SerializationError),
        ("logs", "createLogGroup", {"LogGroupName": "g", "Colour": "red"}, SerializationError),
        ("logs", "CreateLogGroup", {"LogGroupName": "g"}, UnknownOperation),
        ("logs", "deleteLogGroup", {"LogGroupName": "g"}, UnknownOperation),
    ],
)
def test_refusals(service: str, action: str, request_: dict[str, Any], expected: type[Exception]) -> None:
    recorder = Recorder()
    with pytest.raises(expected):
        asyncio.run(calls(recorder).call(CALLER, service, action, request_))
    assert recorder.calls == []


def test_what_is_known() -> None:
    known = calls(Recorder())
    assert known.knows("s3", "putObject")
    assert not known.knows("s3", "PutObject")
    assert not known.knows("s3", "deleteObject")
