"""The head of a response as bytes: on the path of every request, so tables and one join."""

import http
import time
from collections.abc import Mapping

from lambent.wire import timestamps

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in http.HTTPStatus}
_MANAGED = frozenset({"content-length", "transfer-encoding", "connection", "date"})


class DateLine:
    """The `date` header, formatted once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = ""
        self._value = b""

    def current(self) -> str:
        self._look()
        return self._line

    def value(self) -> bytes:
        """Without its name, for HTTP/2."""
        self._look()
        return self._value

    def _look(self) -> None:
        second = int(time.time())
        if second != self._second:
            self._second = second
            text = timestamps.format_rfc822(second)
            self._line, self._value = f"date: {text}\r\n", text.encode()


def encode(status: int, headers: Mapping[str, str], *, framing: str, date_line: str) -> bytes:
    """`framing`: the lines that the listener owns (length or transfer coding, connection), each ending in CR LF.

    A line break inside a value would start a header of its own (response splitting); it becomes a space.
    """
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() not in _MANAGED]
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        text = lines[0] + "".join([f"{_one_line(line[:-2])}\r\n" for line in lines[1:]])
    text = f"{text}{date_line}{framing}\r\n"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ").replace("\0", " ")
