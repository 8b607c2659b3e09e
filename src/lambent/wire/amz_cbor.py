"""AWS JSON 1.1 written as CBOR: POST / with `X-Amz-Target` and `application/x-amz-cbor-1.1`, CBOR each way.

How the AWS SDKs for Java have spoken to Kinesis since 2016, without a specification: members and errors are those of
AWS JSON, blobs byte strings, and timestamps tag 1 with epoch *milliseconds* (`SdkCborGenerator` and its unmarshallers).
"""

from collections.abc import Mapping
from typing import Any

import cbor2

from lambent.wire import event_stream, rpc_cbor, timestamps
from lambent.wire.aws_json import message_names
from lambent.wire.codec import finish, header_text
from lambent.wire.documents import Leaves, compile_reader, compile_writer
from lambent.wire.errors import SerializationError, ServiceError
from lambent.wire.http import Request, Response
from lambent.wire.model import Operation, ServiceModel, Shape

CONTENT_TYPE = "application/x-amz-cbor-1.1"


class AmzCbor:
    def __init__(self, model: ServiceModel) -> None:
        operations = model.operations.values()
        self._readers = {one.name: compile_reader(one.input, _READ) for one in operations if one.input is not None}
        self._encoders = {one.name: _compile_encoder(one.output) for one in operations if one.output is not None}
        self._events = event_stream.compile_writers(operations, _compile_encoder, CONTENT_TYPE)
        self._message_names = message_names(model)

    def decode(
        self, operation: Operation, request: Request, body: bytes, path_labels: Mapping[str, str]
    ) -> dict[str, Any]:
        read = self._readers.get(operation.name)
        if read is None or not body:
            return {}
        found: dict[str, Any] = read(rpc_cbor.parse(body))
        return found

    def encode(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> Response:
        headers = {"content-type": CONTENT_TYPE, "x-amzn-requestid": request_id}
        if operation.output is None:
            return finish(Response(200, headers), result)
        encode = self._encoders[operation.name]
        if operation.event_stream_output is not None:
            initial = {name: value for name, value in result.items() if name != operation.event_stream_output}
            events = result[operation.event_stream_output]
            body = self._events[operation.name](events, initial_response=encode(initial))
            return finish(Response(200, headers | {"content-type": event_stream.CONTENT_TYPE}, body), result)
        return finish(Response(200, headers, encode(result)), result)

    def encode_error(self, error: ServiceError, request_id: str, resource: str = "") -> Response:
        document = {"__type": error.code, **error.members}
        if error.message:
            document[self._message_names.get(error.code, "message")] = error.message
        headers = {
            "content-type": CONTENT_TYPE,
            "x-amzn-requestid": request_id,
            "x-amzn-errortype": error.code,
            **{key.lower(): header_text(value) for key, value in error.headers.items()},
        }
        return Response(error.status, headers, cbor2.dumps(document, default=rpc_cbor.encode_text))


def _compile_encoder(shape: Shape) -> Any:
    write = compile_writer(shape, _WRITE)
    return lambda value: cbor2.dumps(write(value))


def _read_timestamp(value: Any) -> float:
    """Milliseconds, tagged or bare."""
    milliseconds = value if type(value) in (int, float) else rpc_cbor.seconds_of(value)
    try:
        return timestamps.check_unix(milliseconds / 1000)
    except ValueError as error:
        raise SerializationError(str(error)) from error


def _write_timestamp(moment: float) -> cbor2.CBORTag:
    return cbor2.CBORTag(rpc_cbor.TIME_TAG, round(moment * 1000))


_FORMATS = ("unixtimestamp", "iso8601", "rfc822")
_READ = Leaves(
    scalars=rpc_cbor.READ_SCALARS,
    timestamps=dict.fromkeys(_FORMATS, _read_timestamp),
    default_timestamp="unixtimestamp",
    uses_location_names=True,
)
_WRITE = Leaves(
    scalars=rpc_cbor.WRITE_SCALARS,
    timestamps=dict.fromkeys(_FORMATS, _write_timestamp),
    default_timestamp="unixtimestamp",
    uses_location_names=True,
)
