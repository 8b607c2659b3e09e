"""Event streams against botocore's reader and writer of nothing but bytes; any cut, any damage."""

import asyncio
import contextlib
import struct
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any
from zlib import crc32

import botocore.session
import pytest
from botocore import parsers
from botocore.awsrequest import HeadersDict
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire import event_stream, protocols
from lambent.wire.errors import ServiceError
from lambent.wire.http import Response
from lambent.wire.model import load_service

HEADER_VALUES = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.uuids()
    | st.integers(0, 10**12).map(lambda number: number / 1000)
)
HEADERS = st.dictionaries(st.text(min_size=1, max_size=20), HEADER_VALUES, max_size=5)
MESSAGES = st.lists(st.tuples(HEADERS, st.binary(max_size=100)), min_size=1, max_size=3)


def decode(body: bytes, cuts: list[int]) -> list[event_stream.Message]:
    decoder = event_stream.Decoder()
    ends = sorted({cut % (len(body) + 1) for cut in cuts} | {len(body)})
    messages, start = [], 0
    for end in ends:
        messages += decoder.feed(body[start:end])
        start = end
    decoder.finish()
    return messages


@given(MESSAGES, st.lists(st.integers(0, 1000), max_size=4))
def test_round_trip_at_any_cut(sent: list[tuple[Mapping[str, Any], bytes]], cuts: list[int]) -> None:
    body = b"".join(event_stream.encode_message(headers, payload) for headers, payload in sent)
    assert [(message.headers, message.payload) for message in decode(body, cuts)] == sent


@given(MESSAGES)
def test_botocore_reads_it(sent: list[tuple[Mapping[str, Any], bytes]]) -> None:
    buffer = EventStreamBuffer()
    for headers, payload in sent:
        buffer.add_data(event_stream.encode_message(headers, payload))
    for (headers, payload), message in zip(sent, buffer, strict=True):
        assert message.payload == payload
        found: dict[str, Any] = message.headers  # type: ignore[assignment] # the stubs call it an int
        assert found.keys() == headers.keys()
        for name, value in headers.items():
            expected = (
                value.bytes if isinstance(value, uuid.UUID) else round(value * 1000) if type(value) is float else value
            )
            assert found[name] == expected


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_damage_is_noticed(at: int, change: int) -> None:
    body = bytearray(event_stream.encode_message({":event-type": "x", "n": 5}, b"payload"))
    body[at % len(body)] ^= change
    with pytest.raises(event_stream.MalformedEventStream):
        decode(bytes(body), [])


@given(st.binary(max_size=64))
def test_arbitrary_header_blocks(block: bytes) -> None:
    prelude = struct.pack(">II", 16 + len(block), len(block))
    message = prelude + struct.pack(">I", crc32(prelude)) + block
    with contextlib.suppress(event_stream.MalformedEventStream):
        decode(message + struct.pack(">I", crc32(message)), [])


class Stream:
    """What botocore wants of a streaming response."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Any:
        yield self._body

    def close(self) -> None:
        pass


def collect(response: Response) -> bytes:
    async def read() -> bytes:
        assert not isinstance(response.body, bytes)
        return b"".join([piece async for piece in response.body])  # type: ignore[union-attr]

    return asyncio.run(read())


def parsed_by_botocore(service: str, operation: str, protocol: str, result: Mapping[str, Any]) -> dict[str, Any]:
    model = load_service(service, [operation])
    response = protocols.build_codec(model, protocol).encode(model.operations[operation], result, "REQUEST-ID")
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    theirs = botocore.session.Session().get_service_model(service).operation_model(operation)
    parser = parsers.create_parser({"rpc-v2-cbor": "smithy-rpc-v2-cbor"}.get(protocol, protocol))
    parsed: dict[str, Any] = parser.parse(
        {
            "status_code": response.status,
            "headers": HeadersDict(response.headers),
            "body": Stream(collect(response)),
            "context": {"operation_name": operation},
        },
        theirs.output_shape,  # type: ignore[arg-type] # may be None, says the parser itself
    )
    return parsed


async def events(*items: Mapping[str, Any] | ServiceError) -> AsyncIterator[Mapping[str, Any]]:
    for item in items:
        if isinstance(item, ServiceError):
            raise item
        yield item


@pytest.mark.parametrize("protocol", ["json", "rpc-v2-cbor"])
def test_live_tail(protocol: str) -> None:
    update = {"sessionMetadata": {"sampled": False}, "sessionResults": [{"message": "hello", "timestamp": 5}]}
    stream = events({"sessionStart": {"requestId": "r", "sessionId": "s"}}, {"sessionUpdate": update})
    parsed = parsed_by_botocore("logs", "StartLiveTail", protocol, {"responseStream": stream})
    assert list(parsed["responseStream"]) == [
        {"sessionStart": {"requestId": "r", "sessionId": "s"}},
        {"sessionUpdate": update},
    ]


def test_a_modelled_fault_ends_the_stream() -> None:
    fault = ServiceError("three hours are over", code="SessionTimeoutException")
    parsed = parsed_by_botocore(
        "logs", "StartLiveTail", "json", {"responseStream": events({"sessionStart": {}}, fault)}
    )
    with pytest.raises(Exception, match=r"\(SessionTimeoutException\).*three hours are over"):
        list(parsed["responseStream"])


def test_any_other_fault_ends_the_stream() -> None:
    fault = ServiceError("gone", code="Gone")
    parsed = parsed_by_botocore("logs", "StartLiveTail", "json", {"responseStream": events(fault)})
    with pytest.raises(Exception, match=r"\(Gone\).*gone"):
        list(parsed["responseStream"])


def test_a_client_that_goes_away_ends_the_source_at_once() -> None:
    closed = []

    async def source() -> AsyncIterator[Mapping[str, Any]]:
        try:
            while True:
                yield {"sessionStart": {}}
        finally:
            closed.append(True)

    async def read_one() -> None:
        model = load_service("logs", ["StartLiveTail"])
        response = protocols.build_codec(model).encode(
            model.operations["StartLiveTail"], {"responseStream": source()}, "R"
        )
        assert isinstance(response.body, AsyncGenerator)
        await anext(response.body)
        await anext(response.body)
        await response.body.aclose()
        assert closed == [True]

    asyncio.run(read_one())


def test_lambda_response_stream() -> None:
    stream = events(
        {"PayloadChunk": {"Payload": b"\x00ab"}}, {"InvokeComplete": {"ErrorCode": "X", "LogResult": "bG9n"}}
    )
    parsed = parsed_by_botocore(
        "lambda",
        "InvokeWithResponseStream",
        "rest-json",
        {
            "EventStream": stream,
            "StatusCode": 200,
            "ExecutedVersion": "$LATEST",
            "ResponseStreamContentType": "text/html",
        },
    )
    assert parsed["ExecutedVersion"] == "$LATEST"
    assert list(parsed["EventStream"]) == [
        {"PayloadChunk": {"Payload": b"\x00ab"}},
        {"InvokeComplete": {"ErrorCode": "X", "LogResult": "bG9n"}},
    ]


def test_s3_select() -> None:
    stream = events({"Records": {"Payload": b"a,b\n"}}, {"Stats": {"Details": {"BytesScanned": 5}}}, {"End": {}})
    parsed = parsed_by_botocore("s3", "SelectObjectContent", "rest-xml", {"Payload": stream})
    assert list(parsed["Payload"]) == [
        {"Records": {"Payload": b"a,b\n"}},
        {"Stats": {"Details": {"BytesScanned": 5}}},
        {"End": {}},
    ]
