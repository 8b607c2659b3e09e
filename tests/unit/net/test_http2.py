"""Requests over HTTP/2 by prior knowledge: the same Request and Response as over HTTP/1.1, many at once."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from h2.errors import ErrorCodes

from lambent.net.limits import Limits
from lambent.net.listener import Listener
from lambent.wire.http import BodyTooLarge, ClientDisconnected, FileSlice, Request, Response
from unit.net import http2_talking as http2
from unit.net import talking as http1
from unit.net.http2_talking import talking
from unit.net.talking import LOOPS, Run


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Run:
    return LOOPS[request.param]


async def echo(request: Request) -> Response:
    """The request as a body: method, target, then what was sent."""
    content = await request.body.read(10_000_000)
    return Response(200, {"X-Target": f"{request.method} {request.target}"}, content)


def test_one_request_after_another(run: Run) -> None:
    async def main() -> None:
        async with talking(echo) as client:
            for number in range(3):
                answer = await client.answer(client.request(2 * number + 1, f"/a%2Fb?n={number}"))
                assert answer.status == 200
                assert answer.headers["x-target"] == f"GET /a%2Fb?n={number}"
                assert answer.headers["content-length"] == "0"
                assert answer.headers["date"].endswith("GMT")

    run(main())


def test_both_protocols_on_one_port_however_the_first_bytes_come(run: Run) -> None:
    async def main() -> None:
        async with Listener(echo) as listener:
            await listener.bind("127.0.0.1", 0)
            async with http2.connected(listener.port) as client:
                client.request(1)
                for byte in client.h2.data_to_send():
                    await client.send(bytes([byte]))
                assert (await client.answer(1)).status == 200
            async with http1.connected(listener.port) as old:
                for byte in http1.get(method="PUT"):
                    await old.send(bytes([byte]))
                assert (await old.receive()).headers["x-target"] == "PUT /"

    run(main())


def test_what_the_handler_sees(run: Run) -> None:
    seen: list[Request] = []

    async def note(request: Request) -> Response:
        seen.append(request)
        return Response(200, {}, await request.body.read(100))

    async def main() -> None:
        async with talking(note) as client:
            fields = [("x-list", "a"), ("cookie", "a=1"), ("x-list", "b"), ("cookie", "b=2"), ("content-length", "3")]
            client.request(1, "/p?q", *fields, method="PUT", end=False)
            client.h2.send_data(1, b"abc", pad_length=20)
            client.h2.send_headers(1, [("x-trailer", "t")], end_stream=True)
            assert (await client.answer(1)).body == b"abc"

    run(main())
    [request] = seen
    assert (request.method, request.path, request.query) == ("PUT", "/p", "q")
    assert request.headers == {
        "x-list": "a,b",
        "cookie": "a=1; b=2",
        "content-length": "3",
        "host": "localhost",
        ":authority": "localhost",
    }
    assert request.body.length == 3
    assert dict(request.body.trailers) == {"x-trailer": "t"}
    assert (request.peer, request.environment) == ("127.0.0.1", None)


def test_many_at_once_each_in_its_own_time(run: Run) -> None:
    async def last_first(request: Request) -> Response:
        number = int(request.path[1:])
        await turns[number].wait()
        turns[number - 1].set()
        return await echo(request)

    turns: list[asyncio.Event] = []

    async def main() -> None:
        turns.extend(asyncio.Event() for _ in range(100))
        turns[-1].set()
        async with talking(last_first) as client:
            for number in range(100):
                client.request(2 * number + 1, f"/{number}")
            for number in range(100):
                assert (await client.answer(2 * number + 1)).headers["x-target"] == f"GET /{number}"

    run(main())


def test_large_bodies_both_ways_within_the_windows(run: Run) -> None:
    content = os.urandom(3_000_000)

    async def main() -> None:
        async with talking(echo) as client:
            client.request(1, method="PUT", end=False)
            at = 0
            while at < len(content):
                room = min(client.h2.local_flow_control_window(1), client.h2.max_outbound_frame_size)
                if not room:
                    assert await client.receive()
                    continue
                client.h2.send_data(1, content[at : at + room], end_stream=at + room >= len(content))
                at += room
            assert (await client.answer(1)).body == content

    run(main())


def test_a_slow_reader_holds_its_client_back_and_nobody_else(run: Run) -> None:
    async def slow(request: Request) -> Response:
        if request.path == "/slow":
            await go_on.wait()
        return await echo(request)

    go_on: asyncio.Event

    async def main() -> None:
        nonlocal go_on
        go_on = asyncio.Event()
        async with talking(slow, Limits(body_buffer_bytes=100_000)) as client:
            assert await client.receive()  # our settings: the window
            client.request(1, "/slow", method="PUT", end=False)
            sent = 0
            while room := min(client.h2.local_flow_control_window(1), client.h2.max_outbound_frame_size):
                client.h2.send_data(1, bytes(room))
                sent += room
            assert sent == 100_000
            assert (await client.answer(client.request(3, "/quick"))).status == 200
            assert client.h2.local_flow_control_window(1) == 0
            go_on.set()
            while not client.h2.local_flow_control_window(1):
                assert await client.receive()
            client.h2.end_stream(1)
            assert len((await client.answer(1)).body) == sent

    run(main())


def test_a_slow_client_holds_its_response_back_and_no_other(run: Run) -> None:
    async def main() -> None:
        async with talking(large) as client:
            client.h2.increment_flow_control_window(1_000_000)
            client.takes_data = False
            client.request(1)
            while len(client.answers[1].body) < 65_535:
                assert await client.receive()
            client.takes_data = True
            assert len((await client.answer(client.request(3))).body) == 300_000
            assert len(client.answers[1].body) == 65_535
            client.h2.acknowledge_received_data(65_535, 1)
            assert len((await client.answer(1)).body) == 300_000

    async def large(_: Request) -> Response:
        return Response(200, {}, bytes(300_000))

    run(main())


@pytest.mark.parametrize("size", [0, 10, 500_000])
def test_slices_of_files_and_heads_of_them(run: Run, tmp_path: Path, size: int) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"before" + os.urandom(size) + b"after")
    content = path.read_bytes()[6:-5]
    opened: list[int] = []

    async def serve(_: Request) -> Response:
        opened.append(os.open(path, os.O_RDONLY))
        return Response(200, {}, FileSlice(opened[-1], 6, size))

    async def main() -> None:
        async with talking(serve) as client:
            assert (await client.answer(client.request(1))).body == content
            bare = await client.answer(client.request(3, method="HEAD"))
            assert (bare.status, bare.headers["content-length"], bare.body) == (200, str(size), b"")
        for descriptor in opened:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(descriptor)

    run(main())


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(run: Run, status: int) -> None:
    async def bare(_: Request) -> Response:
        return Response(status, {"etag": '"x"'})

    async def main() -> None:
        async with talking(bare) as client:
            answer = await client.answer(client.request(1))
            assert (answer.status, answer.headers["etag"], answer.body) == (status, '"x"', b"")
            assert "content-length" not in answer.headers

    run(main())


def test_an_event_leaves_when_it_happens(run: Run) -> None:
    async def ticking(_: Request) -> Response:
        return Response(200, {"content-type": "application/vnd.amazon.eventstream"}, ticks())

    async def ticks() -> AsyncIterator[bytes]:
        for number in range(3):
            await proceed.get()
            yield b"tick %d;" % number

    proceed: asyncio.Queue[None]

    async def main() -> None:
        nonlocal proceed
        proceed = asyncio.Queue()
        async with talking(ticking) as client:
            client.request(1)
            for number in range(3):
                proceed.put_nowait(None)
                while not client.answers[1].body.endswith(b"tick %d;" % number):
                    assert await client.receive()
            assert "content-length" not in (await client.answer(1)).headers

    run(main())


def test_a_response_that_its_client_takes_back_ends(run: Run) -> None:
    async def endless(_: Request) -> Response:
        return Response(200, {}, forever())

    async def forever() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1000)
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    ended: asyncio.Event

    async def main() -> None:
        nonlocal ended
        ended = asyncio.Event()
        async with talking(endless) as client:
            client.request(1)
            while not client.answers[1].body:
                assert await client.receive()
            client.h2.reset_stream(1, ErrorCodes.CANCEL)
            await client.flush()
            await ended.wait()
            ended.clear()
            client.request(3)
            while not client.answers[3].body:
                assert await client.receive()
            client.writer.close()
            await ended.wait()

    run(main())


def test_a_handler_runs_on_when_its_request_is_taken_back(run: Run) -> None:
    async def work(request: Request) -> Response:
        begun.set()
        try:
            await request.body.read(100)
        except ClientDisconnected:
            await asyncio.sleep(0.01)
            done.set()
            raise
        raise AssertionError

    begun: asyncio.Event
    done: asyncio.Event

    async def main() -> None:
        nonlocal begun, done
        begun, done = asyncio.Event(), asyncio.Event()
        async with talking(work) as client:
            client.request(1, method="PUT", end=False)
            await client.flush()
            await begun.wait()
            client.h2.reset_stream(1, ErrorCodes.CANCEL)
            await client.flush()
            await done.wait()

    run(main())


def test_continue_is_said_only_when_the_body_is_wanted(run: Run) -> None:
    async def picky(request: Request) -> Response:
        return Response(403) if request.path == "/no" else await echo(request)

    async def main() -> None:
        expect = [("expect", "100-continue"), ("content-length", "3")]
        async with talking(picky) as client:
            client.request(1, "/yes", *expect, method="PUT", end=False)
            while not client.answers[1].continued:
                assert await client.receive()
            client.h2.send_data(1, b"abc", end_stream=True)
            assert (await client.answer(1)).body == b"abc"
            refused = await client.answer(client.request(3, "/no", *expect, method="PUT", end=False))
            assert (refused.status, refused.continued) == (403, 0)
            while refused.reset is None:
                assert await client.receive()
            assert refused.reset == ErrorCodes.NO_ERROR
            assert (await client.answer(client.request(5))).status == 200

    run(main())


def test_a_long_body_that_nobody_wants_need_not_be_sent(run: Run) -> None:
    async def refuse(request: Request) -> Response:
        try:
            await request.body.read(10)
        except BodyTooLarge:
            return Response(413)
        raise AssertionError

    async def main() -> None:
        async with talking(refuse) as client:
            client.request(1, "/", ("content-length", "100000000"), method="PUT", end=False)
            client.h2.send_data(1, bytes(16_000))
            answer = await client.answer(1)
            while answer.reset is None:
                assert await client.receive()
            assert (answer.status, answer.reset) == (413, ErrorCodes.NO_ERROR)
            client.request(3, "/", ("content-length", "60000"), method="PUT", end=False)
            for _ in range(4):
                client.h2.send_data(3, bytes(15_000))
            client.h2.end_stream(3)
            answer = await client.answer(3)
            assert (answer.status, answer.reset) == (413, None)

    run(main())


def test_bugs_cost_their_own_response_only(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(request: Request) -> Response:
        if request.path == "/handler":
            raise RuntimeError("a bug")
        if request.path == "/length":
            return Response(200, {"content-length": "5"}, one_piece())
        return Response(200, {}, breaking())

    async def one_piece() -> AsyncIterator[bytes]:
        yield b"x"

    async def breaking() -> AsyncIterator[bytes]:
        yield b"x"
        raise RuntimeError("another")

    async def main() -> None:
        async with talking(broken) as client:
            assert (await client.answer(client.request(1, "/handler"))).status == 500
            for stream_id, path in ((3, "/length"), (5, "/iterator")):
                answer = await client.answer(client.request(stream_id, path))
                assert (answer.status, answer.body, answer.reset) == (200, b"x", ErrorCodes.INTERNAL_ERROR)
            assert (await client.answer(client.request(7, "/handler"))).status == 500

    with caplog.at_level(logging.ERROR):
        run(main())
    assert len([record for record in caplog.records if record.exc_info]) == 4


def test_header_values_cannot_start_another_header(run: Run) -> None:
    async def inject(_: Request) -> Response:
        return Response(200, {"x-a": "b\r\nx-evil: 1\0", "Connection": "close", "transfer-encoding": "chunked"})

    async def main() -> None:
        async with talking(inject) as client:
            headers = (await client.answer(client.request(1))).headers
            assert headers["x-a"] == "b  x-evil: 1"
            assert {"x-evil", "connection", "transfer-encoding"}.isdisjoint(headers)

    run(main())


def test_an_environment_is_known_by_its_socket_and_cannot_take_all_places(run: Run) -> None:
    async def wait(request: Request) -> Response:
        await go_on.wait()
        return Response(200, {"x-environment": str(request.environment)})

    go_on: asyncio.Event

    async def main() -> None:
        nonlocal go_on
        go_on = asyncio.Event()
        async with Listener(wait, limits=Limits(environment_connections=2)) as listener:
            await listener.bind("127.0.0.1", 0)
            inside = socket.create_server(("127.0.0.1", 0))
            port = inside.getsockname()[1]
            adopted = await listener.adopt(inside, "environment")
            async with http2.connected(port) as client, http2.connected(listener.port) as outside:
                for stream_id in (1, 3):
                    client.request(stream_id)
                assert (await client.answer(client.request(5))).reset == ErrorCodes.REFUSED_STREAM
                go_on.set()
                assert (await client.answer(1)).headers["x-environment"] == "environment"
                assert (await client.answer(3)).status == 200
                assert (await client.answer(client.request(7))).status == 200
                assert (await outside.answer(outside.request(1))).headers["x-environment"] == "None"
                adopted.close()
                assert await client.end() == []

    run(main())
