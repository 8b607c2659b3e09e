import asyncio
import os
from collections.abc import Callable

import pytest

from lambent.sandbox.output import MAX_LINE_BYTES, Output


def lines_of(write: Callable[[int], object]) -> list[bytes]:
    """What is handed on when `write` has written to the pipe and the invocation then ends."""
    lines: list[bytes] = []

    async def main() -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        output = Output(reading, lines.append)
        await asyncio.to_thread(write, writing)
        output.end_line()
        os.close(writing)
        await asyncio.sleep(0.01)
        output.close()
        os.close(reading)

    asyncio.run(main())
    return lines


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (b"", []),
        (b"one\n", [b"one"]),
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"no end", [b"no end"]),
        (b"\n\nafter empty ones\n", [b"", b"", b"after empty ones"]),
        (b"\xff\x00\n", [b"\xff\x00"]),
        (b"of\x1etwo lines\nnext\n", [b"of\ntwo lines", b"next"]),
    ],
)
def test_output_is_cut_at_line_ends(written: bytes, lines: list[bytes]) -> None:
    assert lines_of(lambda fd: os.write(fd, written)) == lines


def test_a_long_line_is_cut_into_what_a_log_event_holds() -> None:
    content = b"x" * (2 * MAX_LINE_BYTES + 10)

    def write(fd: int) -> None:
        view = memoryview(content + b"\nnext\n")
        while view:
            view = view[os.write(fd, view) :]

    assert lines_of(write) == [b"x" * MAX_LINE_BYTES, b"x" * MAX_LINE_BYTES, b"x" * 10, b"next"]
