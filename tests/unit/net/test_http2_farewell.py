"""The end of a connection over HTTP/2: what was asked is answered, whoever says farewell first."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from h2.errors import ErrorCodes
from hyperframe.frame import GoAwayFrame

from lambent.net.listener import Listener
from lambent.wire.http import Request, Response
from unit.net import http2_talking as http2
from unit.net.http2_talking import talking
from unit.net.talking import LOOPS, Run


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Run:
    return LOOPS[request.param]


async def echo(request: Request) -> Response:
    return Response(200, {}, await request.body.read(1000))


def test_drain_finishes_what_was_asked_and_takes_nothing_new(run: Run) -> None:
    async def slow(request: Request) -> Response:
        begun.set()
        await go_on.wait()
        return await echo(request)

    begun: asyncio.Event
    go_on: asyncio.Event

    async def main() -> None:
        nonlocal begun, go_on
        begun, go_on = asyncio.Event(), asyncio.Event()
        async with Listener(slow) as listener:
            await listener.bind("127.0.0.1", 0)
            async with http2.connected(listener.port) as client:
                client.request(1)
                await client.flush()
                await begun.wait()
                draining = asyncio.create_task(listener.drain(5))
                await asyncio.sleep(0.01)
                late = http2_headers(client, 3)
                await client.send(late)
                go_on.set()
                answer = client.answers[1]
                while not answer.is_complete:
                    assert await read_past_farewell(client)
                assert client.farewells == [ErrorCodes.NO_ERROR]
                await draining

    run(main())


def http2_headers(client: http2.Http2Client, stream_id: int) -> bytes:
    client.request(stream_id)
    return client.h2.data_to_send()


async def read_past_farewell(client: http2.Http2Client) -> bool:
    """h2 is deaf after a GOAWAY; a client that goes on listening is played by hiding it."""
    data = await client.reader.read(65_536)
    at = data.find(b"\x00\x00\x08\x07")
    if at >= 0:
        client.farewells.append(ErrorCodes(int.from_bytes(data[at + 13 : at + 17])))
        data = data[:at] + data[at + 17 :]
    for event in client.h2.receive_data(data):
        client._take(event)
    return bool(data) or at >= 0


def test_streams_without_an_end_do_not_hold_up_the_drain(run: Run) -> None:
    async def endless(_: Request) -> Response:
        return Response(200, {}, forever())

    async def forever() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async def main() -> None:
        async with Listener(endless) as listener:
            await listener.bind("127.0.0.1", 0)
            async with http2.connected(listener.port) as client:
                client.request(1)
                while not client.answers[1].body:
                    assert await client.receive()
                async with asyncio.timeout(3):
                    await listener.drain(30)
                assert await client.end() == [ErrorCodes.NO_ERROR]

    run(main())


def test_a_client_that_says_farewell_still_gets_its_answers(run: Run) -> None:
    async def large(_: Request) -> Response:
        return Response(200, {}, bytes(200_000))

    async def main() -> None:
        async with talking(large) as client:
            client.request(1)
            await client.send(GoAwayFrame(0, last_stream_id=0, error_code=0))
            answer = client.answers[1]
            while not answer.is_complete:
                assert await read_past_farewell(client)
                await client.flush()
            assert len(answer.body) == 200_000
            assert await client.end() == [ErrorCodes.NO_ERROR]

    run(main())
