"""Logging and printing as AWS sets them up for Python functions.

The root logger gets one handler with Lambda's format. A log record is one event even where its message has several
lines, so records travel as frames; what is printed travels through the pipe and is cut at line ends.
"""

from __future__ import annotations

import logging
import sys
import time

from .channel import LOG, Channel

_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)dZ\t%(aws_request_id)s\t%(message)s\n"
_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"


class FunctionLogHandler(logging.Handler):
    """Made before the function is known, so that a cold start need not."""

    def __init__(self) -> None:
        super().__init__()
        self.channel: Channel | None = None
        self.request_id = ""
        formatter = logging.Formatter(_FORMAT, _DATE_FORMAT)
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = self.request_id
        assert self.channel is not None
        write_event(self.channel, self.format(record).rstrip("\n").encode("utf-8", "replace"))

    def take_over(self, channel: Channel) -> None:
        """Becomes the root logger's one handler."""
        self.channel = channel
        logging.Formatter.converter = time.gmtime
        logging.root.handlers[:] = [self]


def write_event(channel: Channel, event: bytes) -> None:
    flush()
    if channel.is_ours:
        channel.send(LOG, event)
    else:
        sys.stderr.write(event.decode("utf-8", "replace") + "\n")


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
