"""The HTTP Runtime API over real sockets: what a custom runtime sees, and what the environment hears of it.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from lambent.sandbox import frames
from lambent.sandbox.conversation import MAX_RESPONSE_BYTES
from lambent.sandbox.runtime_api import RuntimeApi, RuntimeApiServer

META = {
    "aws_request_id": "r-1",
    "deadline_ms": 1_750_000_000_000,
    "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
    "client_context": '{"custom":\n{"é":1}}',
    "trace_id": "Root=1-5-6;Sampled=1",
}
NEXT = "/2018-06-01/runtime/invocation/next"
RESPONSE = "/2018-06-01/runtime/invocation/r-1/response"
ERROR = "/2018-06-01/runtime/invocation/r-1/error"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Runtime:
    """A custom runtime's end: one kept-alive connection, as most of them have."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, path: str) -> Reply:
        return await self.request("GET", path)

    async def post(self, path: str, body: bytes = b"", **headers: str) -> Reply:
        return await self.request("POST", path, body, **headers)

    async def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        await self.write(method, path, {"Content-Length": str(len(body)), **headers})
        self._writer.write(body)
        return await self.read()

    async def write(self, method: str, path: str, headers: dict[str, str]) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:9001"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()

    async def stream(self, path: str, pieces: list[bytes], trailers: dict[str, str], **headers: str) -> Reply:
        await self.write("POST", path, {"Transfer-Encoding": "chunked", **headers})
        for piece in pieces:
            self._writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await self._writer.drain()
        end = "".join(f"{name}: {value}\r\n" for name, value in trailers.items())
        self._writer.write(f"0\r\n{end}\r\n".encode())
        return await self.read()

    async def read(self) -> Reply:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await self._reader.readexactly(int(headers["content-length"]))
        return Reply(int(head[0].split()[1]), headers, body)

    def close(self) -> None:
        self._writer.close()


@dataclass
class Stage:
    api: RuntimeApi
    runtime: Runtime
    connect: Callable[[], Awaitable[Runtime]]
    heard: list[tuple[int, bytes]]

    def invoke(self, event: bytes = b"{}", **meta: object) -> None:
        self.api.invoke(json.dumps({**META, **meta}).encode(), event)

    async def running(self, event: bytes = b"{}") -> None:
        """A runtime that has been handed an event."""
        self.invoke(event)
        assert (await self.runtime.get(NEXT)).status == 200
        self.heard.clear()


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    heard: list[tuple[int, bytes]] = []
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    connections: list[Runtime] = []

    async def connect() -> Runtime:
        connections.append(Runtime(*await asyncio.open_connection(*address)))
        return connections[-1]

    async with RuntimeApiServer() as server:
        api = await server.open(listening, lambda kind, payload: heard.append((kind, payload)))
        try:
            yield Stage(api, await connect(), connect, heard)
        finally:
            for connection in connections:
                connection.close()
            api.close()


def played(scene: Callable[[Stage], Awaitable[None]]) -> None:
    async def play() -> None:
        async with asyncio.timeout(30), stage() as built:
            await scene(built)

    asyncio.run(play())


def test_an_event_is_fetched_and_answered_again_and_again() -> None:
    async def scene(stage: Stage) -> None:
        for number in range(3):
            asking = asyncio.create_task(stage.runtime.get(NEXT))
            await asyncio.sleep(0.02)
            assert not asking.done()
            stage.invoke(b'{"n": 1}', aws_request_id=f"r-{number}")
            event = await asking
            assert (event.status, event.body) == (200, b'{"n": 1}')
            assert event.headers["lambda-runtime-aws-request-id"] == f"r-{number}"
            reply = await stage.runtime.post(f"/2018-06-01/runtime/invocation/r-{number}/response", b"[1]")
            assert (reply.status, reply.document) == (202, {"status": "OK"})
        assert stage.heard == [(frames.READY, b""), *[(frames.RESULT, b"[1]")] * 3]

    played(scene)


def test_the_event_comes_with_its_circumstances() -> None:
    async def scene(stage: Stage) -> None:
        stage.invoke()
        headers = (await stage.runtime.get(NEXT)).headers
        assert headers["lambda-runtime-deadline-ms"] == "1750000000000"
        assert headers["lambda-runtime-invoked-function-arn"] == META["invoked_function_arn"]
        assert headers["lambda-runtime-trace-id"] == META["trace_id"]
        assert json.loads(headers["lambda-runtime-client-context"].encode("latin-1")) == {"custom": {"é": 1}}
        assert headers["content-type"] == "application/json"

    played(scene)


def test_an_event_that_waits_goes_to_the_runtime_when_it_asks() -> None:
    async def scene(stage: Stage) -> None:
        stage.invoke(b"1")
        assert (await stage.runtime.get(NEXT)).body == b"1"
        await stage.runtime.post(RESPONSE, b"2")
        stage.invoke(b"3")
        assert (await stage.runtime.get(NEXT)).body == b"3"

    played(scene)


def test_a_runtime_that_asks_again_over_a_new_connection_gets_the_event() -> None:
    async def scene(stage: Stage) -> None:
        await stage.runtime.write("GET", NEXT, {})
        await asyncio.sleep(0.02)
        stage.runtime.close()
        second = asyncio.create_task((await stage.connect()).get(NEXT))
        await asyncio.sleep(0.02)
        stage.invoke(b"1")
        assert (await second).body == b"1"

    played(scene)


def test_errors_are_passed_on_as_the_runtime_words_them() -> None:
    document = b'{"errorType": "Mine", "errorMessage": "no", "stackTrace": []}'

    async def scene(stage: Stage) -> None:
        await stage.running()
        assert (await stage.runtime.post(ERROR, document)).status == 202
        assert stage.heard == [(frames.HANDLED_ERROR, document)]
        await stage.running()
        await stage.runtime.post(ERROR, Lambda_Runtime_Function_Error_Type="Runtime.Odd")
        kind, made = stage.heard[0]
        assert (kind, json.loads(made)["errorType"]) == (frames.HANDLED_ERROR, "Runtime.Odd")

    played(scene)


def test_a_runtime_may_say_that_it_cannot_start() -> None:
    async def scene(stage: Stage) -> None:
        path = "/2018-06-01/runtime/init/error"
        assert (await stage.runtime.post(path, b'{"errorType": "Runtime.NoSuchHandler"}')).status == 202
        assert stage.heard == [(frames.FATAL_ERROR, b'{"errorType": "Runtime.NoSuchHandler"}')]
        assert (await stage.runtime.get(NEXT)).status == 403

    played(scene)


@pytest.mark.parametrize(
    ("state", "method", "path", "status", "error_type"),
    [
        ("started", "POST", RESPONSE, 403, "InvalidStateTransition"),
        ("started", "POST", ERROR, 403, "InvalidStateTransition"),
        ("running", "GET", NEXT, 403, "InvalidStateTransition"),
        ("running", "POST", "/2018-06-01/runtime/init/error", 403, "InvalidStateTransition"),
        ("running", "POST", "/2018-06-01/runtime/invocation/other/response", 400, "InvalidRequestID"),
        ("running", "POST", "/2018-06-01/runtime/invocation/other/error", 400, "InvalidRequestID"),
        ("responded", "POST", RESPONSE, 403, "InvalidStateTransition"),
    ],
)
def test_what_is_not_due_is_refused_and_changes_nothing(
    state: str, method: str, path: str, status: int, error_type: str
) -> None:
    async def scene(stage: Stage) -> None:
        if state != "started":
            await stage.running()
        if state == "responded":
            await stage.runtime.post(RESPONSE, b"1")
        before = list(stage.heard)
        reply = await stage.runtime.request(method, path)
        assert (reply.status, reply.document["errorType"]) == (status, error_type)
        assert stage.heard == before
        if state == "running":
            assert (await stage.runtime.post(RESPONSE, b"1")).status == 202

    played(scene)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", NEXT), ("GET", RESPONSE), ("GET", "/2018-06-01/runtime/invocation"), ("GET", "/%00")],
)
def test_other_paths_do_not_exist(method: str, path: str) -> None:
    async def scene(stage: Stage) -> None:
        assert (await stage.runtime.request(method, path)).status == 404
        stage.invoke(b"1")
        assert (await stage.runtime.get(NEXT)).body == b"1"

    played(scene)


def test_responses_have_a_largest_size() -> None:
    async def scene(stage: Stage) -> None:
        await stage.running()
        largest = b"x" * MAX_RESPONSE_BYTES
        assert (await stage.runtime.post(RESPONSE, largest)).status == 202
        await stage.running()
        reply = await stage.runtime.post(RESPONSE, largest + b"x")
        assert (reply.status, reply.document["errorType"]) == (413, "RequestEntityTooLarge")
        assert stage.heard == [(frames.OVERSIZED, b"")]
        await (await stage.connect()).write("GET", NEXT, {})

    played(scene)


def test_a_response_may_be_streamed() -> None:
    async def scene(stage: Stage) -> None:
        await stage.running()
        reply = await stage.runtime.stream(
            RESPONSE,
            [b"one ", b"two"],
            {},
            Lambda_Runtime_Function_Response_Mode="streaming",
            Content_Type="text/plain",
        )
        assert reply.status == 202
        assert stage.heard[0] == (frames.PRELUDE, b'{"content_type":"text/plain"}')
        assert b"".join(payload for kind, payload in stage.heard if kind == frames.CHUNK) == b"one two"
        assert stage.heard[-1] == (frames.RESULT, b"")

    played(scene)


def test_a_streamed_response_may_end_in_an_error() -> None:
    async def scene(stage: Stage) -> None:
        await stage.running()
        document = b'{"errorType":"Mine","errorMessage":"broke off"}'
        trailers = {
            "Lambda-Runtime-Function-Error-Type": "Mine",
            "Lambda-Runtime-Function-Error-Body": base64.b64encode(document).decode(),
        }
        await stage.runtime.stream(RESPONSE, [b"half"], trailers, Lambda_Runtime_Function_Response_Mode="streaming")
        assert stage.heard == [(frames.CHUNK, b"half"), (frames.HANDLED_ERROR, document)]

    played(scene)


def test_a_mode_that_does_not_exist_is_refused() -> None:
    async def scene(stage: Stage) -> None:
        await stage.running()
        reply = await stage.runtime.post(RESPONSE, b"1", Lambda_Runtime_Function_Response_Mode="sideways")
        assert (reply.status, reply.document["errorType"]) == (400, "InvalidFunctionResponseMode")
        assert (await stage.runtime.post(RESPONSE, b"1")).status == 202

    played(scene)


def test_a_response_that_breaks_off_may_be_sent_again() -> None:
    async def scene(stage: Stage) -> None:
        await stage.running()
        await stage.runtime.write("POST", RESPONSE, {"Content-Length": "10"})
        await asyncio.sleep(0.02)
        stage.runtime.close()
        await asyncio.sleep(0.02)
        assert (await (await stage.connect()).post(RESPONSE, b"whole")).status == 202
        assert stage.heard == [(frames.RESULT, b"whole")]

    played(scene)
