"""The rules of the Runtime API: which call a runtime may make when, and AWS's answer to one that is not due (pure).

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; names of states and the sentences of refusals as AWS's
own runtime interface emulator gives them. `runtime_api.py` is the shell around this.
"""

import base64
import binascii
from collections.abc import Mapping
from enum import Enum
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.sandbox.conversation import MAX_RESPONSE_BYTES
from lambent.wire.http import Response

_ROOT = "/2018-06-01/runtime/"


class Phase(Enum):
    #: The process runs, nothing heard of it yet.
    STARTED = "Started"
    #: It asked for an event.
    READY = "Ready"
    #: It has an event.
    RUNNING = "Running"
    #: It is handing in a response or an error.
    RESPONDING = "InvocationResponse"
    #: The platform has that in full.
    RESPONDED = "ResponseSent"
    #: It said that it cannot start.
    INIT_FAILED = "InitError"


class Verb(Enum):
    NEXT = "Ready"
    RESPONSE = "InvocationResponse"
    ERROR = "InvocationErrorResponse"
    INIT_ERROR = "InitError"


@frozen
class Call:
    verb: Verb
    request_id: str = ""
    """Of the invocation, where the path names one."""


@frozen
class Refusal:
    status: int
    error_type: str
    message: str

    def response(self) -> Response:
        return _json_response(self.status, {"errorMessage": self.message, "errorType": self.error_type})


TRANSITIONS: Mapping[tuple[Phase, Verb], Phase] = {
    (Phase.STARTED, Verb.NEXT): Phase.READY,
    (Phase.STARTED, Verb.INIT_ERROR): Phase.INIT_FAILED,
    (Phase.READY, Verb.NEXT): Phase.READY,
    (Phase.RUNNING, Verb.RESPONSE): Phase.RESPONDING,
    (Phase.RUNNING, Verb.ERROR): Phase.RESPONDING,
    (Phase.RESPONDED, Verb.NEXT): Phase.READY,
}

UNKNOWN_REQUEST_ID = Refusal(400, "InvalidRequestID", "Invalid request ID")
TRUNCATED = Refusal(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")
UNKNOWN_MODE = Refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode")
TOO_LARGE = Refusal(
    413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
)


def route(method: str, path: str) -> Call | None:
    """None: there is no such call."""
    if not path.startswith(_ROOT):
        return None
    match method, path.removeprefix(_ROOT).split("/"):
        case "GET", ["invocation", "next"]:
            return Call(Verb.NEXT)
        case "POST", ["invocation", request_id, "response"]:
            return Call(Verb.RESPONSE, request_id)
        case "POST", ["invocation", request_id, "error"]:
            return Call(Verb.ERROR, request_id)
        case "POST", ["init", "error"]:
            return Call(Verb.INIT_ERROR)
    return None


def decide(phase: Phase, call: Call, current_request_id: str) -> Phase | Refusal:
    following = TRANSITIONS.get((phase, call.verb))
    if following is None:
        return Refusal(
            403,
            "InvalidStateTransition",
            f"State transition from {phase.value} to {call.verb.value} failed for runtime. "
            "Error: State transition is not allowed",
        )
    if following is Phase.RESPONDING and call.request_id != current_request_id:
        return UNKNOWN_REQUEST_ID
    return following


def event_response(meta: Mapping[str, Any], event: bytes) -> Response:
    """The answer to `next`; `meta` as in `Conversation.invoke`."""
    headers = {
        "content-type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": meta["aws_request_id"],
        "Lambda-Runtime-Deadline-Ms": str(meta["deadline_ms"]),
        "Lambda-Runtime-Invoked-Function-Arn": meta["invoked_function_arn"],
    }
    if meta.get("trace_id"):
        headers["Lambda-Runtime-Trace-Id"] = meta["trace_id"]
    if meta.get("client_context"):
        headers["Lambda-Runtime-Client-Context"] = _one_line(meta["client_context"])
    return Response(headers=headers, body=event)


def accepted() -> Response:
    return _json_response(202, {"status": "OK"})


def is_streaming(headers: Mapping[str, str]) -> bool | Refusal:
    """Whether a response is handed in piece by piece, by its `Lambda-Runtime-Function-Response-Mode`."""
    mode = headers.get("lambda-runtime-function-response-mode", "")
    if mode not in {"", "streaming"}:
        return UNKNOWN_MODE
    return mode == "streaming"


def error_document(body: bytes, headers: Mapping[str, str]) -> bytes:
    """What the caller gets: the runtime's own document, or one made of the error type it names in a header."""
    if body.strip():
        return body
    error_type = headers.get("lambda-runtime-function-error-type", "") or "Runtime.Unknown"
    return orjson.dumps({"errorType": error_type, "errorMessage": ""})


def midstream_error(trailers: Mapping[str, str]) -> bytes | None:
    """The error document of a streamed response that broke off, from its trailers; None if it ended well."""
    if "lambda-runtime-function-error-type" not in trailers:
        return None
    try:
        body = base64.b64decode(trailers.get("lambda-runtime-function-error-body", ""), validate=True)
    except binascii.Error:
        body = b""
    return error_document(body, trailers)


def _json_response(status: int, document: Mapping[str, str]) -> Response:
    return Response(status, {"content-type": "application/json"}, orjson.dumps(document) + b"\n")


def _one_line(text: str) -> str:
    """JSON as a header value: white space between tokens may be anything, in strings it is escaped already."""
    return text.replace("\r", " ").replace("\n", " ").encode("utf-8").decode("latin-1")
