"""Errors as a function's caller and its log see them: AWS's error document and the text of an [ERROR] log event.

https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

from __future__ import annotations

import json
import os
import traceback
from types import TracebackType

_OWN_DIRECTORY = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Fault(Exception):
    """A failure the runtime names itself: `Runtime.ImportModuleError` and its like."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.trace = trace or []


def describe(error: BaseException, request_id: str) -> tuple[bytes, bytes]:
    """(error document, log event)."""
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        kind, message, trace = type(error).__name__, _message_of(error), _trace_of(error.__traceback__)
    document = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    event = "\n".join([f"[ERROR] {kind}: {message}", "Traceback (most recent call last):", *_joined(trace)])
    return json.dumps(document).encode(), event.encode("utf-8", "replace")


def _message_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as unprintable:  # noqa: BLE001 - an exception's own __str__ is the function's code
        return f"<unprintable {type(error).__name__}: {type(unprintable).__name__}>"


def _trace_of(trace: TracebackType | None) -> list[str]:
    """Lines of the function's own frames; ours above them are left out."""
    frames = traceback.extract_tb(trace)
    while frames and frames[0].filename.startswith(_OWN_DIRECTORY):
        del frames[0]
    return traceback.format_list(frames)


def _joined(trace: list[str]) -> list[str]:
    return "".join(trace).rstrip("\n").split("\n") if trace else []
