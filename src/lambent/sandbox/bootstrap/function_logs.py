"""Logging and printing as AWS sets them up for Python functions.

The root logger gets one handler with Lambda's format. Everything goes through one pipe, so that it is logged in the
order it was written. It is cut at line ends; a log record is one event even where its message has several lines, so
its inner line ends travel as a character that stands for them (`lambent/sandbox/output.py` turns it back).
"""

from __future__ import annotations

import logging
import os
import sys
import time

_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)dZ\t%(aws_request_id)s\t%(message)s\n"
_INNER_LINE_END = b"\x1e"
_STDERR = 2
_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"


class FunctionLogHandler(logging.Handler):
    """Made before the function is known, so that a cold start need not."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id = ""
        formatter = logging.Formatter(_FORMAT, _DATE_FORMAT)
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = self.request_id
        write_event(self.format(record).rstrip("\n").encode("utf-8", "replace"))

    def take_over(self) -> None:
        """Becomes the root logger's one handler."""
        logging.Formatter.converter = time.gmtime
        logging.root.handlers[:] = [self]


def write_event(event: bytes) -> None:
    flush()
    data = memoryview(event.replace(_INNER_LINE_END, b" ").replace(b"\n", _INNER_LINE_END) + b"\n")
    while data:
        data = data[os.write(_STDERR, data) :]


def open_output() -> None:
    """Makes stdout and stderr anew: those of the zygote were made for other files. Lines leave as they end."""
    for fd, name in ((1, "stdout"), (2, "stderr")):
        stream = open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # the function has closed or replaced it
            continue
