"""What an environment writes to stdout and stderr: read as it appears, cut into lines, handed on.

The pipe is read when it has something and once more whenever an invocation ends, so that all a function wrote
before its answer is logged before the END line. A record separator inside a line stands for a line end that does not
end the log event: so runtimes send records of several lines.
"""

import asyncio
import os
from collections.abc import Callable

#: CloudWatch Logs takes events of at most 256 KB (with 26 bytes of its own): longer lines are cut there.
MAX_LINE_BYTES = 256 * 1024 - 26
_INNER_LINE_END = b"\x1e"
_READ_BYTES = 64 * 1024
#: Per turn of the loop, so that a function that writes without end does not hold up everyone else.
_READS_PER_TURN = 16


class Output:
    def __init__(self, fd: int, on_line: Callable[[bytes], None]) -> None:
        self._fd = fd
        self._on_line = on_line
        self._partial = b""
        self._open = True
        asyncio.get_running_loop().add_reader(fd, self.drain)

    def drain(self) -> None:
        for _ in range(_READS_PER_TURN):
            try:
                data = os.read(self._fd, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            self._cut(data)

    def end_line(self) -> None:
        """Reads what is there and hands on a last line without an end."""
        if self._open:
            self.drain()
        if self._partial:
            partial, self._partial = self._partial, b""
            self._hand_on(partial)

    def close(self) -> None:
        """Stops reading; the descriptor belongs to the child."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._fd)

    def _cut(self, data: bytes) -> None:
        lines = (self._partial + data).split(b"\n")
        self._partial = lines.pop()
        for line in lines:
            self._hand_on(line)
        while len(self._partial) >= MAX_LINE_BYTES:
            self._hand_on(self._partial[:MAX_LINE_BYTES])
            self._partial = self._partial[MAX_LINE_BYTES:]

    def _hand_on(self, line: bytes) -> None:
        if _INNER_LINE_END in line:
            line = line.replace(_INNER_LINE_END, b"\n")
        for start in range(0, len(line) or 1, MAX_LINE_BYTES):
            self._on_line(line[start : start + MAX_LINE_BYTES])
