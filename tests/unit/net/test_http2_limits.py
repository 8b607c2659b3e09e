"""What a client must not do over HTTP/2: each time the connection says why and ends, or one request is refused."""

import asyncio
import struct
from collections.abc import Callable

import pytest
import uvloop
from h2.errors import ErrorCodes
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from lambent.net.limits import KIB, Limits
from lambent.net.listener import Listener
from lambent.wire.http import ClientDisconnected, Request, Response
from unit.net import http2_talking as http2
from unit.net.http2_talking import Http2Client, head, talking

PATIENT = Limits(linger_seconds=50)  # time to read why, on however busy a machine; a client that has, leaves


async def echo(request: Request) -> Response:
    return Response(200, {}, await request.body.read(10_000_000))


def headers_frame(stream_id: int, *flags: str, fields: list[tuple[str, str]] | None = None) -> HeadersFrame:
    """With a table of its own, so good as the first of a connection only (or with fields that need none)."""
    return HeadersFrame(stream_id, data=Encoder().encode(fields or head()), flags=list(flags))


def flood(make: Callable[[int], Frame | bytes], count: int = 3000) -> list[Frame | bytes]:
    return [make(number) for number in range(count)]


FLOODS: dict[str, list[Frame | bytes]] = {
    "pings": flood(lambda n: PingFrame(0, opaque_data=struct.pack(">Q", n))),
    "settings": flood(lambda n: SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 65_535 + n})),
    "priorities": flood(lambda n: PriorityFrame(2 * n + 1001, depends_on=0, stream_weight=1)),
    "window updates": flood(lambda _: WindowUpdateFrame(0, window_increment=1)),
    "frames of no known kind": flood(lambda _: b"\x00\x00\x01\xf0\x00\x00\x00\x00\x00x"),
    "empty data": [headers_frame(1, "END_HEADERS"), *flood(lambda _: DataFrame(1))],
    "padding only": [
        headers_frame(1, "END_HEADERS"),
        *flood(lambda _: DataFrame(1, pad_length=1, flags=["PADDED"]), 1100),
    ],
    "continuations": [headers_frame(1), *flood(lambda _: ContinuationFrame(1, data=b"\x00"), 200)],
    "large continuations": [headers_frame(1), *flood(lambda _: ContinuationFrame(1, data=bytes(16_384)), 80)],
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_end_the_connection(name: str) -> None:
    async def main() -> None:
        async with talking(echo, PATIENT) as client:
            frames = FLOODS[name]
            for at in range(0, len(frames), 100):
                await client.send(*frames[at : at + 100])
            assert set(await client.end()) <= {ErrorCodes.ENHANCE_YOUR_CALM, ErrorCodes.PROTOCOL_ERROR}

    uvloop.run(main())


def test_what_a_client_does_now_and_then_is_no_flood() -> None:
    async def main() -> None:
        async with talking(echo) as client:
            for number in range(400):
                client.h2.ping(struct.pack(">Q", number))
                client.request(2 * number + 1)
                client.h2.reset_stream(2 * number + 1, ErrorCodes.CANCEL)
                if number % 50 == 0:
                    await client.receive()
            assert (await client.answer(client.request(1001))).status == 200

    uvloop.run(main())


def test_requests_taken_back_at_once_over_and_over_end_the_connection() -> None:
    """CVE-2023-44487, "rapid reset": and never do more handlers run than a patient client could have."""
    running = most = 0

    async def work(_: Request) -> Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return Response()

    async def main() -> None:
        async with talking(work, Limits(linger_seconds=50, http_2_streams=20)) as client:
            for number in range(3000):
                client.request(2 * number + 1)
                client.h2.reset_stream(2 * number + 1, ErrorCodes.CANCEL)
                if number % 10 == 0:
                    await client.send()
                    await asyncio.sleep(0)
            assert await client.end() == [ErrorCodes.ENHANCE_YOUR_CALM]

    uvloop.run(main())
    assert most <= 20


def test_more_requests_at_once_than_allowed_are_refused_for_now() -> None:
    async def wait(_: Request) -> Response:
        await go_on.wait()
        return Response()

    go_on: asyncio.Event

    async def main() -> None:
        nonlocal go_on
        go_on = asyncio.Event()
        async with Listener(wait, limits=Limits(connections=3)) as listener:
            await listener.bind("127.0.0.1", 0)
            async with http2.connected(listener.port) as client:
                for stream_id in (1, 3, 5):
                    client.request(stream_id)
                assert (await client.answer(client.request(7))).reset == ErrorCodes.REFUSED_STREAM
                go_on.set()
                assert [(await client.answer(stream_id)).status for stream_id in (1, 3, 5)] == [200, 200, 200]
                assert (await client.answer(client.request(9))).status == 200

    uvloop.run(main())


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (head("/", ("connection", "close")), 400),
        (head("/", ("transfer-encoding", "chunked")), 400),
        (head("/", ("te", "gzip")), 400),
        (head("/", ("X-Upper", "case")), 400),
        (head("/", ("x-a", "b\r\nx-evil: 1")), 400),
        (head("/", ("x a", "b")), 400),
        (head("/", ("", "b")), 400),
        (head("/", ("host", "elsewhere")), 400),
        (head("/", ("content-length", "0")), 200),
        (head("/", ("content-length", "4")), 400),
        (head("/", (":path", "/twice")), 400),
        (head("/", ("x-a", "b"), (":scheme", "late")), 400),
        (head("/", (":status", "200")), 400),
        (head("*", method="OPTIONS"), 400),
        (head("http://elsewhere/"), 400),
        (head("/a b"), 400),
        (head("/a#b"), 400),
        (head("/", method="g e t"), 400),
        ([(":method", "CONNECT"), (":authority", "elsewhere:443")], 400),
        ([(":method", "GET"), (":scheme", "http"), (":path", "/")], 400),
        ([(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "localhost")], 200),
        (head("/", *((f"x-{n}", "v") for n in range(300))), 431),
        (head("/", ("x-long", "v" * 66 * KIB)), 431),
        (head("/", ("te", "trailers"), ("x-é".encode().decode("latin-1"), "v")), 400),
    ],
)
def test_what_is_no_request(fields: list[tuple[str, str]], status: int) -> None:
    async def main() -> None:
        async with talking(echo) as client:
            client.h2.send_headers(1, fields, end_stream=True)
            answer = await client.answer(1)
            assert answer.status == status
            if status != 200:
                assert answer.headers["content-type"] == "application/xml"
            assert (await client.answer(client.request(3))).status == 200

    uvloop.run(main())


@pytest.mark.parametrize(
    ("announced", "sent", "trailers"),
    [("3", b"abcd", []), ("5", b"abcd", []), ("5", b"abcd", [("x-a", "b")]), ("4", b"abcd", [(":path", "/")])],
)
def test_a_body_of_another_length_than_announced(announced: str, sent: bytes, trailers: list[tuple[str, str]]) -> None:
    outcomes: list[str] = []

    async def read(request: Request) -> Response:
        begun.set()
        try:
            return await echo(request)
        except ClientDisconnected:
            outcomes.append("dropped")
            raise

    begun: asyncio.Event

    async def main() -> None:
        nonlocal begun
        begun = asyncio.Event()
        async with talking(read, PATIENT) as client:
            client.request(1, "/", ("content-length", announced), method="PUT", end=False)
            await client.flush()
            await begun.wait()
            await client.send(DataFrame(1, data=sent, flags=[] if trailers else ["END_STREAM"]))
            if trailers:
                client.h2.send_headers(1, trailers, end_stream=True)
            while client.answers[1].status == 0 and await client.receive():
                pass
            assert client.answers[1].status in (0, 400)

    uvloop.run(main())
    assert outcomes == ["dropped"]


@pytest.mark.parametrize(
    "frames",
    [
        [b"GET / HTTP/1.1\r\n\r\n"],
        [DataFrame(1, data=b"nobody asked")],
        [headers_frame(2, "END_HEADERS", "END_STREAM")],
        [headers_frame(3, "END_HEADERS", "END_STREAM"), headers_frame(1, "END_HEADERS", "END_STREAM")],
        [WindowUpdateFrame(0, window_increment=2**31 - 1), WindowUpdateFrame(0, window_increment=2**31 - 1)],
        [HeadersFrame(1, data=b"\xff\xff\xff\xff\xff", flags=["END_HEADERS"])],
        [b"\x00\x40\x01\x00\x00\x00\x00\x00\x01" + bytes(0x4001)],
        [b"\x00\x00\x07\x06\x00\x00\x00\x00\x00" + bytes(7)],
        [headers_frame(1, "END_HEADERS", fields=head("/", ("x-huge", "v" * 140 * KIB)))],
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_with_the_reason(frames: list[Frame | bytes]) -> None:
    async def main() -> None:
        async with talking(echo, PATIENT) as client:
            await client.send(*(split(frame) for frame in frames))
            farewells = await client.end()
            assert len(farewells) == 1
            assert farewells[0] != ErrorCodes.NO_ERROR

    def split(frame: Frame | bytes) -> Frame | bytes:
        """A header block over the size of a frame, as CONTINUATION frames."""
        if isinstance(frame, bytes) or not isinstance(frame, HeadersFrame) or len(frame.data) <= 16_384:
            return frame
        pieces = [frame.data[at : at + 16_384] for at in range(0, len(frame.data), 16_384)]
        rest = [ContinuationFrame(1, data=piece) for piece in pieces[1:]]
        rest[-1].flags.add("END_HEADERS")
        return b"".join(one.serialize() for one in (HeadersFrame(1, data=pieces[0]), *rest))

    uvloop.run(main())


def test_what_a_client_offers_to_take_is_not_all_used() -> None:
    """Frames of 16 MiB, and a table of 2 GiB for header fields: both would be memory of ours."""

    async def large(request: Request) -> Response:
        return Response(200, {"x-path": request.path}, bytes(100_000))

    async def main() -> None:
        async with talking(large) as client:
            client.h2.update_settings(
                {
                    SettingsFrame.MAX_FRAME_SIZE: 2**24 - 1,
                    SettingsFrame.INITIAL_WINDOW_SIZE: 1_000_000,
                    SettingsFrame.HEADER_TABLE_SIZE: 2**31 - 1,
                }
            )
            client.h2.increment_flow_control_window(2**31 - 1 - 65_535)
            for number in range(30):
                answer = await client.answer(client.request(2 * number + 1, f"/{number}" + 200 * "x"))
                assert len(answer.body) == 100_000
            assert client.largest_piece == 65_536
            assert sum(len(name) + len(value) for name, value in client.h2.decoder.header_table.dynamic_entries) < 4096

    uvloop.run(main())


def test_nobody_listens_to_whoever_does_not() -> None:
    """CVE-2019-9517 and others: asks, and never reads what it asked for."""

    async def large(_: Request) -> Response:
        return Response(200, {}, bytes(50_000_000))

    async def main() -> None:
        async with talking(large, Limits(write_stall_seconds=0.3)) as client:
            client.h2.update_settings({SettingsFrame.INITIAL_WINDOW_SIZE: 2**31 - 1})
            client.h2.increment_flow_control_window(2**31 - 1 - 65_535)
            client.request(1)
            await client.flush()
            await asyncio.sleep(1)
            assert await is_cut_off(client)

    uvloop.run(main())


async def is_cut_off(client: Http2Client) -> bool:
    try:
        while await client.reader.read(1_000_000):
            pass
    except ConnectionResetError:
        pass
    return True


def test_a_window_that_stays_shut_costs_that_response() -> None:
    async def large(_: Request) -> Response:
        return Response(200, {}, bytes(100_000))

    async def main() -> None:
        async with talking(large, Limits(write_stall_seconds=0.2)) as client:
            client.takes_data = False
            client.h2.increment_flow_control_window(1_000_000)
            answer = await client.answer(client.request(1))
            assert (len(answer.body), answer.reset) == (65_535, ErrorCodes.CANCEL)

    uvloop.run(main())


def test_a_body_that_does_not_come_on() -> None:
    async def main() -> None:
        async with talking(echo, Limits(body_window_seconds=0.1)) as client:
            client.request(1, method="PUT", end=False)
            client.h2.send_data(1, b"abc")
            answer = await client.answer(1)
            assert (answer.status, b"RequestTimeout" in answer.body) == (400, True)
            assert (await client.answer(client.request(3))).status == 200

    uvloop.run(main())


@pytest.mark.parametrize("first", [b"", b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_a_connection_without_requests_is_ended(first: bytes) -> None:
    async def main() -> None:
        async with Listener(echo, limits=Limits(idle_seconds=0.2, head_seconds=0.2)) as listener:
            await listener.bind("127.0.0.1", 0)
            async with http2.connected(listener.port) as client:
                client.writer.write(first)
                while await client.reader.read(1000):
                    pass

    uvloop.run(main())


def test_a_head_that_does_not_end() -> None:
    async def main() -> None:
        async with talking(echo, Limits(head_seconds=0.2)) as client:
            await client.send(headers_frame(1))
            assert await is_cut_off(client)

    uvloop.run(main())


def test_small_pieces_that_nobody_reads_are_put_together() -> None:
    async def wait(request: Request) -> Response:
        await go_on.wait()
        return await echo(request)

    go_on: asyncio.Event

    async def main() -> None:
        nonlocal go_on
        go_on = asyncio.Event()
        async with talking(wait) as client:
            client.request(1, method="PUT", end=False)
            for _ in range(5000):
                client.h2.send_data(1, b"ab")
            await client.flush()
            await asyncio.sleep(0.05)
            client.h2.end_stream(1)
            go_on.set()
            assert (await client.answer(1)).body == b"ab" * 5000

    uvloop.run(main())
