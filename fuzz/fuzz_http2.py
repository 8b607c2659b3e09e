"""Throw frames at a listener that speaks HTTP/2: `python fuzz/fuzz_http2.py [--seconds N] [--seed N]`.

Each connection sends its preface and then some frames: good ones, out of order, on streams that are not there, with
bytes changed, dropped or doubled, cut into pieces anywhere. The listener must answer or end the connection within
seconds, log no error of its own, and serve a proper request on another connection afterwards. What fails is printed
with the seed that reproduces it, and ends the run with status 1.
"""

import argparse
import asyncio
import contextlib
import logging
import random
import struct
import sys
import time
from collections.abc import Callable

import uvloop
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded
from hpack import Encoder
from hyperframe.frame import (
    AltSvcFrame,
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from lambent.net.limits import Limits
from lambent.net.listener import Listener
from lambent.wire.http import Request, Response

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE_SECONDS = 5.0
AT_ONCE = 64
MOST_FRAMES = 30
LIMITS = Limits(
    head_seconds=0.4,
    idle_seconds=0.4,
    body_window_seconds=0.4,
    write_stall_seconds=0.4,
    linger_seconds=0.1,
)

HEAD = [(":method", "PUT"), (":scheme", "http"), (":authority", "localhost"), (":path", "/a")]
ODD_FIELDS = [
    ("content-length", "3"),
    ("content-length", "-1"),
    ("content-length", "9" * 5000),
    ("expect", "100-continue"),
    ("te", "trailers"),
    ("cookie", "a=b"),
    ("connection", "close"),
    ("x-a", "b\r\nc"),
    (":path", "*"),
    ("", ""),
    ("host", "\x00"),
]


class Complaints(logging.Handler):
    """Whatever the listener, or the loop for it, has to complain of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


async def echo(request: Request) -> Response:
    return Response(200, {"x-path": request.path}, await request.body.read(1_000_000))


def head_block(rng: random.Random) -> bytes:
    fields = rng.sample(HEAD, rng.choice([4, 4, 4, 3])) if rng.random() < 0.2 else list(HEAD)
    fields += rng.sample(ODD_FIELDS, rng.choice([0, 0, 1, 2]))
    return Encoder().encode(fields, huffman=rng.random() < 0.5)


def makers(rng: random.Random) -> list[Callable[[int], Frame]]:
    """Of stream id."""

    def flags(*names: str) -> list[str]:
        return [name for name in names if rng.random() < 0.7]

    def headers(stream_id: int) -> Frame:
        return HeadersFrame(stream_id, data=head_block(rng), flags=flags("END_HEADERS", "END_STREAM"))

    def settings(_: int) -> Frame:
        found = {rng.choice([1, 2, 3, 4, 5, 6, 8, 99]): rng.choice([0, 1, 16_384, 2**31 - 1, 2**32 - 1])}
        return SettingsFrame(0, settings=found)

    return [
        headers,
        headers,
        lambda stream_id: DataFrame(stream_id, data=rng.randbytes(rng.choice([0, 3, 5000])), flags=flags("END_STREAM")),
        settings,
        lambda _: PingFrame(0, opaque_data=rng.randbytes(8)),
        lambda stream_id: WindowUpdateFrame(stream_id * rng.randrange(2), window_increment=rng.choice([1, 2**31 - 1])),
        lambda stream_id: RstStreamFrame(stream_id, error_code=rng.randrange(20)),
        lambda stream_id: PriorityFrame(stream_id, depends_on=rng.randrange(9), stream_weight=3),
        lambda _: GoAwayFrame(0, last_stream_id=rng.randrange(9), error_code=rng.randrange(20)),
        lambda stream_id: ContinuationFrame(stream_id, data=head_block(rng), flags=flags("END_HEADERS")),
        lambda stream_id: PushPromiseFrame(
            stream_id, promised_stream_id=2, data=head_block(rng), flags=["END_HEADERS"]
        ),
        lambda _: AltSvcFrame(0, origin=b"o", field=b"f"),
    ]


def conversation(rng: random.Random) -> bytes:
    made = makers(rng)
    parts = [PREFACE, SettingsFrame(0).serialize()]
    for _ in range(rng.randrange(1, MOST_FRAMES)):
        data = rng.choice(made)(rng.choice([1, 1, 1, 3, 5, 2, 7, 2**31 - 1])).serialize()
        parts.append(mutated(rng, data) if rng.random() < 0.1 else data)
    if rng.random() < 0.05:
        parts.append(rng.randbytes(rng.randrange(200)))
    return b"".join(parts)


def mutated(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    at = rng.randrange(len(changed))
    match rng.randrange(4):
        case 0:
            changed[at] = rng.randrange(256)
        case 1:
            del changed[at : at + rng.randrange(1, 9)]
        case 2:
            changed[at:at] = changed[at : at + 9]
        case _:
            changed[0:3] = struct.pack(">I", rng.randrange(2**24))[1:]
    return bytes(changed)


async def attack(port: int, rng: random.Random) -> None:
    """Send, half of the time read; at the end wait for the listener to end it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = conversation(rng)
    try:
        at = 0
        while at < len(data) and not writer.is_closing():
            size = rng.choice([1, 9, 100, 100_000])
            writer.write(data[at : at + size])
            at += size
            if size < 100:
                await asyncio.sleep(0)
        if rng.random() < 0.3:
            return
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await reader.read(100_000):
                pass
    except (ConnectionResetError, BrokenPipeError):
        pass
    finally:
        writer.close()
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            await writer.wait_closed()


async def ask(port: int) -> None:
    """A proper request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    client.send_headers(1, HEAD)
    client.send_data(1, b"body", end_stream=True)
    writer.write(client.data_to_send())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(isinstance(event, StreamEnded) for event in client.receive_data(await reader.read(65_536))):
            pass
    writer.close()
    await writer.wait_closed()


async def fuzz(seconds: float, seed: int, complaints: Complaints) -> int:
    """How many connections; -1 if something was wrong."""
    rng = random.Random(seed)
    count, end = 0, time.monotonic() + seconds
    async with Listener(echo, limits=LIMITS) as listener:
        await listener.bind("127.0.0.1", 0)
        while time.monotonic() < end:
            try:
                seeds = [rng.randrange(2**32) for _ in range(AT_ONCE)]
                await asyncio.gather(*(attack(listener.port, random.Random(one)) for one in seeds))
                await ask(listener.port)
            except TimeoutError:
                print(f"no end, or no answer, after the connections of {seeds}", file=sys.stderr)
                return -1
            count += AT_ONCE
            if complaints.records:
                formatter = logging.Formatter()
                print("\n".join(formatter.format(record) for record in complaints.records), file=sys.stderr)
                print(f"at one of the connections of {seeds}", file=sys.stderr)
                return -1
    return count


def main() -> int:
    options = argparse.ArgumentParser(description="Frames at the listener.")
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    chosen = options.parse_args()
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    count = uvloop.run(fuzz(chosen.seconds, chosen.seed, complaints))
    if count < 0:
        print(f"seed {chosen.seed}", file=sys.stderr)
        return 1
    print(f"{count} connections in {chosen.seconds:g} s, seed {chosen.seed}: every one answered or ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
