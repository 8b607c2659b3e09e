import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lambent.net.limits import Limits
from lambent.net.listener import Listener, PortInUse
from lambent.wire.http import BodyTooLarge, ClientDisconnected, FileSlice, Request, Response
from unit.net.talking import LOOPS, Run, connected, get, talking


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Run:
    return LOOPS[request.param]


async def echo(request: Request) -> Response:
    """The request as a body: method, target, then what was sent."""
    content = await request.body.read(10_000_000)
    return Response(200, {"x-target": f"{request.method} {request.target}"}, content)


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_keep_alive_serves_one_request_after_another(run: Run) -> None:
    async def main() -> None:
        async with talking(echo) as client:
            for number in range(3):
                await client.send(get(f"/a%2Fb?n={number}"))
                answer = await client.receive()
                assert answer.status == 200
                assert answer.headers["x-target"] == f"GET /a%2Fb?n={number}"
                assert answer.headers["content-length"] == "0"
                assert answer.headers["date"].endswith("GMT")
                assert "connection" not in answer.headers

    run(main())


def test_pipelined_requests_are_answered_in_order(run: Run) -> None:
    async def slow_first(request: Request) -> Response:
        await asyncio.sleep(0.05 if request.path == "/0" else 0)
        return await echo(request)

    async def main() -> None:
        async with talking(slow_first, Limits(pipelined_requests=3)) as client:
            body = b"content-length: 5"
            await client.send(b"".join(get(f"/{n}", body.decode(), method="PUT") + b"12345" for n in range(40)))
            for number in range(40):
                answer = await client.receive()
                assert (answer.headers["x-target"], answer.body) == (f"PUT /{number}", b"12345")

    run(main())


def test_a_flood_of_pipelined_requests_is_cut_off_after_what_was_taken(run: Run) -> None:
    async def main() -> None:
        async with talking(echo) as client:
            client.writer.write(get() * 5000)
            answered = 0
            while True:
                try:
                    await client.receive()
                except (asyncio.IncompleteReadError, ConnectionResetError):
                    break
                answered += 1
            assert 1 <= answered <= 5000

    run(main())


def test_body_pieces_arrive_while_the_client_still_sends(run: Run) -> None:
    async def first_piece(request: Request) -> Response:
        pieces = request.body.chunks()
        first = await anext(pieces)
        seen.set_result(first)
        rest = [piece async for piece in pieces]
        return Response(200, {}, first + b"".join(rest))

    seen: asyncio.Future[bytes]

    async def main() -> None:
        nonlocal seen
        seen = asyncio.get_running_loop().create_future()
        async with talking(first_piece) as client:
            await client.send(get("/", "transfer-encoding: chunked", method="PUT") + b"3\r\nabc\r\n")
            assert await seen == b"abc"
            await client.send(b"2\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n")
            assert (await client.receive()).body == b"abcde"
            await client.send(get("/next"))
            assert (await client.receive()).status == 500  # `seen` is set already: the bug of this test's handler

    run(main())


def test_continue_is_said_only_when_the_body_is_wanted(run: Run) -> None:
    async def picky(request: Request) -> Response:
        if request.path == "/no":
            return Response(403)
        return await echo(request)

    async def main() -> None:
        expect = ("expect: 100-continue", "content-length: 3")
        async with talking(picky) as client:
            await client.send(get("/yes", *expect, method="PUT"))
            assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.send(b"abc")
            assert (await client.receive()).body == b"abc"
            await client.send(get("/no", *expect, method="PUT"))
            answer = await client.receive()
            assert (answer.status, answer.headers["connection"], client.continued) == (403, "close", [])
            assert await client.ended()
        async with talking(picky) as client:
            await client.send(get("/yes", *expect, method="PUT") + b"abc")  # did not wait, so need not be told
            assert (await client.receive()).body == b"abc"
            assert client.continued == []

    run(main())


def test_a_refused_body_is_dropped_and_the_connection_goes_on(run: Run) -> None:
    async def refuse(request: Request) -> Response:
        return Response(403, {"x-path": request.path})

    async def main() -> None:
        async with talking(refuse) as client:
            await client.send(get("/1", "content-length: 500000", method="PUT"))
            assert (await client.receive()).status == 403
            await client.send(bytes(500_000) + get("/2"))
            assert (await client.receive()).headers["x-path"] == "/2"

    run(main())


def test_the_answer_to_a_large_refused_body_is_read_before_the_connection_ends(run: Run) -> None:
    async def refuse(request: Request) -> Response:
        return Response(403, {}, b"no")

    async def main() -> None:
        async with talking(refuse, Limits(linger_seconds=5)) as client:
            await client.send(get("/1", "content-length: 50000000", method="PUT"))
            for _ in range(50):
                client.writer.write(bytes(1_000_000))
            answer = await client.receive()
            assert (answer.status, answer.body, answer.headers["connection"]) == (403, b"no", "close")
            assert await client.ended()

    run(main())


def test_a_body_over_the_readers_limit_raises_before_it_is_held(run: Run) -> None:
    async def limited(request: Request) -> Response:
        try:
            await request.body.read(10)
        except BodyTooLarge as error:
            return Response(413, {"x-limit": str(error.limit)})
        return Response(200)

    async def main() -> None:
        async with talking(limited) as client:
            await client.send(get("/", "content-length: 11", method="PUT") + bytes(11))
            assert (await client.receive()).headers["x-limit"] == "10"
            await client.send(get("/", "content-length: 10", method="PUT") + bytes(10))
            assert (await client.receive()).status == 200
            await client.send(get("/", "transfer-encoding: chunked", method="PUT") + b"b\r\n" + bytes(11) + b"\r\n")
            assert (await client.receive()).status == 413

    run(main())


def test_an_aborted_upload_raises_at_the_reader(run: Run) -> None:
    async def upload(request: Request) -> Response:
        try:
            async for piece in request.body.chunks():
                received.append(piece)
        except ClientDisconnected:
            outcome.set_result("discarded")
            raise
        return Response(200)

    received: list[bytes] = []
    outcome: asyncio.Future[str]

    async def main() -> None:
        nonlocal outcome
        outcome = asyncio.get_running_loop().create_future()
        async with talking(upload) as client:
            await client.send(get("/", "content-length: 1000", method="PUT") + b"abc")
            await asyncio.sleep(0.02)
            client.writer.transport.abort()
            assert await outcome == "discarded"
            assert b"".join(received) == b"abc"

    run(main())


def test_a_half_closed_client_still_gets_its_answers(run: Run) -> None:
    async def main() -> None:
        async with talking(echo) as client:
            await client.send(get("/1") + get("/2"))
            client.writer.write_eof()
            assert (await client.receive()).headers["x-target"] == "GET /1"
            assert (await client.receive()).headers["x-target"] == "GET /2"
            assert await client.ended()
        async with talking(echo) as client:
            await client.send(get("/1", "content-length: 10", method="PUT") + b"short")
            client.writer.write_eof()
            assert (await client.receive()).status == 400

    run(main())


def test_head_has_the_length_and_no_body(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(bytes(100_000))

    async def answer(request: Request) -> Response:
        match request.path:
            case "/file":
                return Response(200, {}, FileSlice(os.open(path, os.O_RDONLY), 0, 100_000))
            case "/declared":
                return Response(200, {"Content-Length": "12345"})
            case "/pieces":
                return Response(200, {}, pieces())
        return Response(200, {}, b"abc")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"

    async def main() -> None:
        before = open_descriptors()
        async with talking(answer) as client:
            inside = open_descriptors()
            for target, length in (("/", "3"), ("/file", "100000"), ("/declared", "12345"), ("/pieces", None)):
                await client.send(get(target, method="HEAD"))
                head = await client.receive(head_only=True)
                assert head.headers.get("content-length") == length
            await client.send(get("/"))
            assert (await client.receive()).body == b"abc"
            assert open_descriptors() == inside
        assert open_descriptors() <= before + 1

    run(main())


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 32 * 1024 + 1, 3_000_000])
def test_a_slice_of_a_file_is_sent_and_its_descriptor_closed(run: Run, tmp_path: Path, size: int) -> None:
    path = tmp_path / "content"
    content = os.urandom(size + 20)
    path.write_bytes(content)

    async def file(request: Request) -> Response:
        return Response(200, {}, FileSlice(os.open(path, os.O_RDONLY), 10, size))

    async def main() -> None:
        async with talking(file) as client:
            before = open_descriptors()
            await client.send(get() * 3)
            for _ in range(3):
                assert (await client.receive()).body == content[10:-10]
            assert open_descriptors() == before

    run(main())


def test_a_file_that_got_shorter_breaks_the_connection(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(bytes(100_000))

    async def file(request: Request) -> Response:
        return Response(200, {}, FileSlice(os.open(path, os.O_RDONLY), 0, 200_000))

    async def main() -> None:
        async with talking(file) as client:
            await client.send(get())
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await client.receive()

    run(main())


def test_a_client_that_leaves_in_the_middle_of_a_file_costs_no_descriptor(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"")
    os.truncate(path, 50_000_000)

    async def file(request: Request) -> Response:
        return Response(200, {}, FileSlice(os.open(path, os.O_RDONLY), 0, 50_000_000))

    async def main() -> None:
        async with Listener(file) as listener:
            await listener.bind("127.0.0.1", 0)
            before = open_descriptors()
            async with connected(listener.port) as client:
                await client.send(get())
                await client.reader.readexactly(1000)
                client.writer.transport.abort()
            for _ in range(100):
                if open_descriptors() == before:
                    break
                await asyncio.sleep(0.01)
            assert open_descriptors() == before

    run(main())


def test_iterators_are_sent_in_chunks_as_they_come(run: Run) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b""
        await go_on.wait()
        yield b"defg"

    async def stream(request: Request) -> Response:
        return Response(200, {"content-length": "7"} if request.path == "/known" else {}, pieces())

    go_on: asyncio.Event

    async def main() -> None:
        nonlocal go_on
        go_on = asyncio.Event()
        async with talking(stream) as client:
            await client.send(get())
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert b"transfer-encoding: chunked" in head
            assert await client.reader.readexactly(8) == b"3\r\nabc\r\n"
            go_on.set()
            assert await client.reader.readexactly(14) == b"4\r\ndefg\r\n0\r\n\r\n"
            await client.send(get("/known"))
            answer = await client.receive()
            assert answer.body == b"abcdefg"
            assert "transfer-encoding" not in answer.headers
            await client.send(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            answer = await client.receive()
            assert (answer.body, answer.headers["connection"]) == (b"abcdefg", "close")

    run(main())


def test_an_endless_iterator_ends_when_its_client_leaves(run: Run) -> None:
    async def ticks() -> AsyncIterator[bytes]:
        try:
            yield b"tick"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def stream(request: Request) -> Response:
        return Response(200, {}, ticks())

    ended: asyncio.Event

    async def main() -> None:
        nonlocal ended
        ended = asyncio.Event()
        async with Listener(stream) as listener:
            await listener.bind("127.0.0.1", 0)
            async with connected(listener.port) as client:
                await client.send(get())
                await client.reader.readuntil(b"tick")
            async with asyncio.timeout(5):
                await ended.wait()
            async with connected(listener.port) as client:
                await client.send(get())
                await client.reader.readuntil(b"tick")

    run(main())


def test_a_bug_in_the_handler_is_a_500_with_its_traceback_in_the_log(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def buggy(request: Request) -> Response:
        if request.path == "/bug":
            raise KeyError("the bug")
        return Response(200)

    async def main() -> None:
        async with talking(buggy) as client:
            await client.send(get("/bug") + get("/fine"))
            answer = await client.receive()
            assert (answer.status, b"InternalError" in answer.body, b"the bug" in answer.body) == (500, True, False)
            assert (await client.receive()).status == 200

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "KeyError: 'the bug'" in caplog.text


def test_a_bug_in_an_iterator_breaks_the_connection_off(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        raise KeyError("the bug")

    async def stream(request: Request) -> Response:
        return Response(200, {}, pieces())

    async def main() -> None:
        async with talking(stream) as client:
            await client.send(get())
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await client.receive()

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "KeyError: 'the bug'" in caplog.text


def test_header_values_cannot_start_another_header(run: Run) -> None:
    async def split(request: Request) -> Response:
        return Response(200, {"x-name": "a\r\nset-cookie: b\0c", "x-umlaut": "ä", "x-far": "€"})

    async def main() -> None:
        async with talking(split) as client:
            await client.send(get())
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert b"x-name: a  set-cookie: b c\r\n" in head
            assert "x-umlaut: ä\r\nx-far: €\r\n".encode() in head

    run(main())


def test_http_1_0_closes_unless_asked_to_keep(run: Run) -> None:
    async def main() -> None:
        async with talking(echo) as client:
            await client.send(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            assert (await client.receive()).headers["connection"] == "keep-alive"
            await client.send(b"GET / HTTP/1.0\r\n\r\n")
            assert (await client.receive()).headers["connection"] == "close"
            assert await client.ended()

    run(main())


def test_connection_close_is_honoured_on_both_sides(run: Run) -> None:
    async def closing(request: Request) -> Response:
        return Response(200, close=request.path == "/close")

    async def main() -> None:
        async with talking(closing) as client:
            await client.send(get("/", "connection: close") + get("/never"))
            assert (await client.receive()).headers["connection"] == "close"
            assert await client.ended()
        async with talking(closing) as client:
            await client.send(get("/close") + get("/never"))
            assert (await client.receive()).headers["connection"] == "close"
            assert await client.ended()

    run(main())


def test_drain_finishes_what_was_asked_and_takes_nothing_new(run: Run) -> None:
    async def slow(request: Request) -> Response:
        entered.set()
        await asyncio.sleep(0.1)
        return Response(200, {}, b"done")

    entered: asyncio.Event

    async def main() -> None:
        nonlocal entered
        entered = asyncio.Event()
        async with Listener(slow) as listener:
            await listener.bind("127.0.0.1", 0)
            async with connected(listener.port) as busy, connected(listener.port) as idle:
                await busy.send(get())
                await entered.wait()
                await listener.drain(5)
                answer = await busy.receive()
                assert (answer.body, answer.headers["connection"]) == (b"done", "close")
                assert await idle.ended()
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", listener.port)

    run(main())


def test_execution_environments_are_served_during_and_after_the_drain(run: Run) -> None:
    """A function that somebody waits for may need the platform to finish."""

    async def invoke(request: Request) -> Response:
        if request.environment is None:
            entered.set()
            await finished.wait()
        return Response(200, {}, str(request.environment).encode())

    entered: asyncio.Event
    finished: asyncio.Event

    async def main() -> None:
        nonlocal entered, finished
        entered, finished = asyncio.Event(), asyncio.Event()
        async with Listener(invoke) as listener:
            await listener.bind("127.0.0.1", 0)
            inside = socket.create_server(("127.0.0.1", 0))
            port = inside.getsockname()[1]
            adopted = await listener.adopt(inside, "environment")
            async with connected(listener.port) as outside, connected(port) as kept, asyncio.TaskGroup() as tasks:
                await outside.send(get())
                await entered.wait()
                tasks.create_task(listener.drain(5))
                await asyncio.sleep(0.01)
                await kept.send(get())
                assert (await kept.receive()).body == b"environment"
                async with connected(port) as fresh:
                    await fresh.send(get())
                    assert (await fresh.receive()).body == b"environment"
                finished.set()
                assert (await outside.receive()).body == b"None"
            async with connected(port) as late:
                await late.send(get())
                assert (await late.receive()).body == b"environment"
                adopted.close()
                assert await late.ended()

    run(main())


def test_streams_without_an_end_do_not_hold_up_the_drain(run: Run) -> None:
    async def ticks() -> AsyncIterator[bytes]:
        while True:
            yield b"tick"
            await asyncio.sleep(0.01)

    async def stream(request: Request) -> Response:
        return Response(200, {}, ticks())

    async def main() -> None:
        async with Listener(stream) as listener:
            await listener.bind("127.0.0.1", 0)
            async with connected(listener.port) as client:
                await client.send(get())
                await client.reader.readuntil(b"tick")
                began = asyncio.get_running_loop().time()
                await listener.drain(60)
                assert asyncio.get_running_loop().time() - began < 10

    run(main())


def test_what_does_not_finish_in_time_is_cancelled_at_drain(run: Run) -> None:
    async def stuck(request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(request.path)
            raise
        return Response(200)

    cancelled: list[str] = []

    async def main() -> None:
        async with Listener(stuck) as listener:
            await listener.bind("127.0.0.1", 0)
            async with connected(listener.port) as client:
                await client.send(get("/stuck"))
                await asyncio.sleep(0.05)
                await listener.drain(0.05)
                assert await client.ended()
        assert cancelled == ["/stuck"]

    run(main())


def test_a_port_in_use_says_so(run: Run) -> None:
    async def main() -> None:
        async with Listener(echo) as first:
            await first.bind("127.0.0.1", 0)
            with pytest.raises(PortInUse, match=f"port {first.port} on 127.0.0.1 is in use"):
                async with Listener(echo) as second:
                    await second.bind("127.0.0.1", first.port)

    run(main())


def test_an_adopted_socket_tells_who_is_calling_until_it_is_closed(run: Run) -> None:
    async def who(request: Request) -> Response:
        return Response(200, {"x-who": str(request.environment)})

    async def main() -> None:
        async with Listener(who) as listener:
            await listener.bind("127.0.0.1", 0)
            inside = socket.create_server(("127.0.0.1", 0))
            port = inside.getsockname()[1]
            adopted = await listener.adopt(inside, "environment-1")
            async with connected(port) as client, connected(listener.port) as outsider:
                await client.send(get())
                assert (await client.receive()).headers["x-who"] == "environment-1"
                await outsider.send(get())
                assert (await outsider.receive()).headers["x-who"] == "None"
                adopted.close()
                assert await client.ended()
                await outsider.send(get())
                assert (await outsider.receive()).status == 200
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", port)

    run(main())


def test_one_environment_cannot_take_all_places(run: Run) -> None:
    async def main() -> None:
        async with Listener(echo, limits=Limits(environment_connections=2)) as listener:
            await listener.bind("127.0.0.1", 0)
            inside = socket.create_server(("127.0.0.1", 0))
            port = inside.getsockname()[1]
            adopted = await listener.adopt(inside, "environment-1")
            async with connected(port) as first, connected(port) as second:
                for client in (first, second):
                    await client.send(get())
                    assert (await client.receive()).status == 200
                async with connected(port) as third, connected(listener.port) as outsider:
                    assert await third.ended()
                    await outsider.send(get())
                    assert (await outsider.receive()).status == 200
            await asyncio.sleep(0.05)
            async with connected(port) as later:
                await later.send(get())
                assert (await later.receive()).status == 200
            adopted.close()

    run(main())


def test_small_responses_leave_at_once(run: Run) -> None:
    """Nagle's algorithm would hold the second half of a response back for a delayed acknowledgement (40 ms)."""

    async def halves() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x"
            await asyncio.sleep(0)

    async def stream(request: Request) -> Response:
        return Response(200, {}, halves())

    async def main() -> None:
        async with talking(stream) as client:
            began = asyncio.get_running_loop().time()
            for _ in range(10):
                await client.send(get())
                await client.receive()
            assert asyncio.get_running_loop().time() - began < 0.3

    run(main())


def test_a_tls_client_is_turned_away(run: Run) -> None:
    async def main() -> None:
        async with Listener(echo) as listener:
            await listener.bind("127.0.0.1", 0)
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("127.0.0.1", listener.port, ssl=ssl.create_default_context())

    run(main())


def test_more_connections_than_allowed_are_closed_at_the_door(run: Run) -> None:
    async def main() -> None:
        async with Listener(echo, limits=Limits(connections=1)) as listener:
            await listener.bind("127.0.0.1", 0)
            async with connected(listener.port) as first:
                await first.send(get())
                assert (await first.receive()).status == 200
                async with connected(listener.port) as second:
                    assert await second.ended()
                await first.send(get())
                assert (await first.receive()).status == 200

    run(main())
