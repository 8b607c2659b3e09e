"""Smithy RPC v2 CBOR: POST /service/<target>/operation/<name>, CBOR each way. The SDKs move to it.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html. Blobs are byte strings, timestamps epoch seconds
under tag 1; integers and floats come in any width, halves included. No other tag is read: cbor2 would
build regular expressions, dates and cycles from them.
"""

import math
from collections.abc import Mapping
from typing import Any

import cbor2

from lambent.wire import event_stream, timestamps
from lambent.wire.codec import finish, header_text, query_error
from lambent.wire.documents import Leaves, compile_reader, compile_writer, wrong_type
from lambent.wire.errors import SerializationError, ServiceError
from lambent.wire.http import Request, Response
from lambent.wire.model import Operation, ServiceModel, Shape

_CONTENT_TYPE = "application/cbor"
_PROTOCOL = {"smithy-protocol": "rpc-v2-cbor"}
_MAX_DEPTH = 128
TIME_TAG = 1
_INT_LIMIT, _LONG_LIMIT = 2**31, 2**63


class RpcCbor:
    def __init__(self, model: ServiceModel) -> None:
        operations = model.operations.values()
        self._readers = {one.name: compile_reader(one.input, _READ) for one in operations if one.input is not None}
        self._encoders = {one.name: _compile_encoder(one.output) for one in operations if one.output is not None}
        self._events = event_stream.compile_writers(operations, _compile_encoder, _CONTENT_TYPE)
        self._namespace = model.target_prefix
        self._is_query_compatible = model.is_query_compatible

    def decode(
        self, operation: Operation, request: Request, body: bytes, path_labels: Mapping[str, str]
    ) -> dict[str, Any]:
        read = self._readers.get(operation.name)
        if read is None or not body:
            return {}
        found: dict[str, Any] = read(parse(body))
        return found

    def encode(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> Response:
        headers = {"content-type": _CONTENT_TYPE, "x-amzn-requestid": request_id, **_PROTOCOL}
        if operation.output is None:
            del headers["content-type"]
            return finish(Response(200, headers), result)
        encode = self._encoders[operation.name]
        if operation.event_stream_output is not None:
            initial = {name: value for name, value in result.items() if name != operation.event_stream_output}
            headers["content-type"] = event_stream.CONTENT_TYPE
            events = result[operation.event_stream_output]
            body = self._events[operation.name](events, initial_response=encode(initial))
            return finish(Response(200, headers, body), result)
        return finish(Response(200, headers, encode(result)), result)

    def encode_error(self, error: ServiceError, request_id: str, resource: str = "") -> Response:
        document = {"__type": error.code, "message": error.message, **error.members}
        headers = {
            "content-type": _CONTENT_TYPE,
            "x-amzn-requestid": request_id,
            **_PROTOCOL,
            **(query_error(error) if self._is_query_compatible else {}),
            **{key.lower(): header_text(value) for key, value in error.headers.items()},
        }
        return Response(error.status, headers, cbor2.dumps(document, default=encode_text))


def parse(body: bytes) -> Any:
    """Raises SerializationError, whatever the bytes."""
    try:
        return cbor2.loads(
            body,
            tag_hook=_refuse_tag,
            semantic_decoders=_NO_SEMANTICS,
            max_depth=_MAX_DEPTH,
            strict_hashable_types=True,
        )
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise SerializationError("The request body is not valid CBOR") from error


def _refuse_tag(tag: cbor2.CBORTag, immutable: bool) -> Any:
    raise ValueError(f"tag {tag.tag}")


def _compile_encoder(shape: Shape) -> Any:
    write = compile_writer(shape, _WRITE)
    return lambda value: cbor2.dumps(write(value))


def encode_text(encoder: cbor2.CBOREncoder, value: Any) -> None:
    encoder.encode(str(value))


def _read_string(value: Any) -> str:
    if type(value) is str:
        return value
    raise wrong_type(value, "String")


def _read_boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise wrong_type(value, "Boolean")


def _read_integer(value: Any) -> int:
    return _whole(value, _INT_LIMIT, "Integer")


def _read_long(value: Any) -> int:
    return _whole(value, _LONG_LIMIT, "Long")


def _whole(value: Any, limit: int, wanted: str) -> int:
    if type(value) is int and -limit <= value < limit:
        return value
    raise wrong_type(value, wanted)


def _read_float(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    raise wrong_type(value, "Double")


def _read_blob(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    raise wrong_type(value, "Blob")


def _read_timestamp(value: Any) -> float:
    seconds = seconds_of(value)
    try:
        return timestamps.check_unix(seconds)
    except ValueError as error:
        raise SerializationError(str(error)) from error


def seconds_of(value: Any) -> float:
    """The number under tag 1. Raises SerializationError."""
    if type(value) is _Moment and math.isfinite(value.seconds):
        return value.seconds
    raise wrong_type(value, "Timestamp")


class _Moment:
    """What tag 1 held, until the shape says that a timestamp belongs there."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


def _decode_time(value: Any, immutable: bool) -> _Moment:
    if type(value) not in (int, float):
        raise ValueError("tag 1 needs a number")
    return _Moment(float(value))


def _refuse_semantics(value: Any, immutable: bool) -> Any:
    raise ValueError("unexpected tag")


#: Every tag that cbor2 would otherwise interpret (its documentation lists them), replaced.
_NO_SEMANTICS: Mapping[int, Any] = {
    **dict.fromkeys(
        (0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799),
        _refuse_semantics,
    ),
    TIME_TAG: _decode_time,
}

READ_SCALARS: Mapping[str, Any] = {
    "string": _read_string,
    "boolean": _read_boolean,
    "integer": _read_integer,
    "long": _read_long,
    "float": _read_float,
    "double": _read_float,
    "blob": _read_blob,
}
WRITE_SCALARS: Mapping[str, Any] = {"float": float, "double": float}

_READ = Leaves(
    scalars=READ_SCALARS,
    timestamps=dict.fromkeys(("unixtimestamp", "iso8601", "rfc822"), _read_timestamp),
    default_timestamp="unixtimestamp",
    uses_location_names=False,
)
_WRITE = Leaves(
    scalars=WRITE_SCALARS,
    timestamps=dict.fromkeys(
        ("unixtimestamp", "iso8601", "rfc822"),
        lambda moment: cbor2.CBORTag(TIME_TAG, timestamps.number_of(moment)),
    ),
    default_timestamp="unixtimestamp",
    uses_location_names=False,
)
