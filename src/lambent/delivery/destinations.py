"""The invocation record: what a destination receives about an asynchronous invocation that has come to its end.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html, "Example invocation record".
"""

from datetime import UTC, datetime
from typing import Any

import orjson

from lambent.kit.frozen import frozen

LATEST = "$LATEST"


@frozen
class Ending:
    """How it ended. `response` is None where the function was never reached."""

    request_id: str
    function_arn: str
    condition: str
    """`Success` or a DiscardReason's value."""
    invoke_count: int
    event: bytes
    ended_ms: int
    response: bytes | None = None
    function_error: str | None = None


def invocation_record(ending: Ending) -> bytes:
    """JSON. Event and response stand in it as the documents they are."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": _timestamp(ending.ended_ms),
        "requestContext": {
            "requestId": ending.request_id,
            "functionArn": _with_version(ending.function_arn),
            "condition": ending.condition,
            "approximateInvokeCount": ending.invoke_count,
        },
        "requestPayload": orjson.Fragment(ending.event),
    }
    if ending.response is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": LATEST}
        if ending.function_error:
            context["functionError"] = ending.function_error
        record["responseContext"] = context
        record["responsePayload"] = _document(ending.response)
    return orjson.dumps(record)


def _document(response: bytes) -> orjson.Fragment | str | None:
    """A custom runtime may answer with something that is not JSON: that becomes a string."""
    if not response:
        return None
    try:
        orjson.loads(response)
    except orjson.JSONDecodeError:
        return response.decode(errors="replace")
    return orjson.Fragment(response)


def _with_version(function_arn: str) -> str:
    """The record always names the qualifier."""
    return function_arn if function_arn.count(":") > 6 else f"{function_arn}:{LATEST}"


def _timestamp(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"
