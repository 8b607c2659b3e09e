"""What is told when an asynchronous invocation has come to its end: the invocation record, and the dead letter.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html: "Example invocation record", the form
it has on a bus, the key it has in a bucket, and what a dead-letter queue receives. What is sent is sent by the
function's role, so no policy of the destination is asked; what cannot be delivered is tried again some times and then
given up, as a line in what happened lately.
"""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from lambent.delivery.targets import Attribute, Message, Sender
from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen

LATEST = "$LATEST"

MAX_ERROR_BYTES = 1024

_REQUEST_ID = re.compile(rb'"requestId":"([^"]+)"')


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


def message(function_arn: str, destination: str, record: bytes, *, source: str, succeeded: bool) -> Message:
    """The record on its way."""
    return Message(
        target_arn=destination,
        body=record,
        sender=Sender("", function_arn, Arn.parse(function_arn).account_id),
        source=source,
        event_source="lambda",
        detail_type=f"Lambda Function Invocation Result - {'Success' if succeeded else 'Failure'}",
        resources=(_with_version(function_arn), destination),
    )


def dead_letter(
    function_arn: str, queue: str, event: bytes, *, source: str, request_id: str, error_code: int, error: str
) -> Message:
    """The event as it was, with what went wrong as attributes: "the first 1 KB of the error message" is the last."""
    shortened = error.encode()[:MAX_ERROR_BYTES].decode(errors="ignore")
    attributes = {
        "RequestID": Attribute("String", request_id),
        "ErrorCode": Attribute("Number", str(error_code)),
        "ErrorMessage": Attribute("String", shortened or "-"),
    }
    sender = Sender("", function_arn, Arn.parse(function_arn).account_id)
    return Message(queue, event, sender, source, attributes=attributes)


def error_message(response: bytes) -> str:
    """Of the answer of a function that failed: the sentence alone (as at AWS), or all of it if it has none."""
    try:
        said = orjson.loads(response)["errorMessage"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = None
    return said if isinstance(said, str) else response.decode(errors="replace")


def object_key(function: Arn, record: bytes, ended_ms: int) -> str:
    """Of a record in a bucket: `aws/lambda/async/<function-name>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random UUID>`.

    The UUID is the request's: no two invocations have the same, and none is given up twice. It is looked for and not
    parsed for: events are taken that are no JSON to us with a record around them (a level deeper, half a character).
    """
    name = function.resource.split(":")[1]
    moment = datetime.fromtimestamp(ended_ms / 1000, UTC)
    found = _REQUEST_ID.search(record)
    assert found is not None, "every record says it, before anything that others say"
    return f"aws/lambda/async/{name}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{found[1].decode()}"


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
