"""Events and client contexts as callers send them: what is accepted.

Sizes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (6 MB synchronous; 1 MB asynchronous
since October 2025, https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb).
"""

import base64
import binascii
import json

import orjson

from lambent.services.lambda_.errors import InvalidRequestContent, PayloadTooLarge

MAX_SYNC_BYTES = 6 * 1024 * 1024
MAX_ASYNC_BYTES = 1024 * 1024

#: A little more than a request may have: AWS's own figure in its error message.
MAX_RESPONSE_BYTES = 6_291_556

#: Length of the base64 text, https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
MAX_CLIENT_CONTEXT_BYTES = 3583

RESPONSE_TOO_LARGE = orjson.dumps(
    {
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
)


def check_sync_event(payload: bytes) -> bytes:
    """The event of a synchronous invocation; an empty payload is an empty object.

    Raises PayloadTooLarge, InvalidRequestContent.
    """
    if len(payload) > MAX_SYNC_BYTES:
        raise PayloadTooLarge(f"Request must be smaller than {MAX_SYNC_BYTES} bytes for the InvokeFunction operation")
    return _check_json(payload)


def check_async_event(payload: bytes) -> bytes:
    """The event of an asynchronous invocation. Raises PayloadTooLarge, InvalidRequestContent."""
    if len(payload) > MAX_ASYNC_BYTES:
        raise PayloadTooLarge(
            f"{len(payload)} byte payload is too large for the Event invocation type (limit {MAX_ASYNC_BYTES} bytes)"
        )
    return _check_json(payload)


def decode_client_context(text: str) -> str | None:
    """The JSON inside; None where none was sent. Raises InvalidRequestContent."""
    if not text:
        return None
    if len(text) > MAX_CLIENT_CONTEXT_BYTES:
        raise InvalidRequestContent(
            f"Client context must be smaller than {MAX_CLIENT_CONTEXT_BYTES} bytes when base64 encoded"
        )
    try:
        decoded = base64.b64decode(text, validate=True)
        document = orjson.loads(decoded)
    except (binascii.Error, orjson.JSONDecodeError):
        document = None
    if not isinstance(document, dict):
        raise InvalidRequestContent("Client context must be a valid Base64-encoded JSON object.")
    return decoded.decode()


def _check_json(payload: bytes) -> bytes:
    if not payload:
        return b"{}"
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        if not _is_lenient_json(payload):
            raise InvalidRequestContent(f"Could not parse request body into json: {error}") from error
    return payload


def _is_lenient_json(payload: bytes) -> bool:
    """JSON that orjson is too strict for: lone surrogates in escapes, very deep nesting. NaN stays refused."""
    try:
        json.loads(payload, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
