"""REST-JSON: method and path name the operation, JSON or raw bytes are the body. Lambda.

https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from lambent.wire import event_stream, json_bodies, rest
from lambent.wire.aws_json import message_names
from lambent.wire.codec import finish, header_text, without_forbidden_body
from lambent.wire.documents import body_members
from lambent.wire.errors import SerializationError, ServiceError
from lambent.wire.http import Request, Response
from lambent.wire.model import Member, Operation, ServiceModel, Shape

_CONTENT_TYPE = "application/json"

EncodeBody = Callable[[Mapping[str, Any]], Any]


class RestJson:
    def __init__(self, model: ServiceModel) -> None:
        operations = model.operations.values()
        self._readers = {one.name: rest.compile_request_reader(one.input, _refuse) for one in operations}
        self._decoders = {one.name: _compile_body_decoder(one) for one in operations}
        self._writers = {one.name: rest.compile_response_writer(one.output) for one in operations}
        self._encoders = {one.name: _compile_body_encoder(one.output) for one in operations}
        self._events = event_stream.compile_writers(operations, json_bodies.compile_encoder, _CONTENT_TYPE)
        self._message_names = message_names(model)
        self._typed_errors = _errors_with_type(model)

    def decode(
        self, operation: Operation, request: Request, body: bytes, path_labels: Mapping[str, str]
    ) -> dict[str, Any]:
        found = self._readers[operation.name].read(request, path_labels)
        found.update(self._decoders[operation.name](body))
        return found

    def encode(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> Response:
        headers = {"x-amzn-requestid": request_id}
        writer = self._writers[operation.name]
        writer.write(result, headers)
        response = Response(operation.response_status, headers)
        if writer.status is not None and result.get(writer.status) is not None:
            response.status = result[writer.status]
        if operation.event_stream_output is not None:
            headers["content-type"] = event_stream.CONTENT_TYPE
            response.body = self._events[operation.name](result[operation.event_stream_output])
        else:
            encode = self._encoders[operation.name]
            if encode is not None:
                headers.setdefault("content-type", _CONTENT_TYPE)
                response.body = encode(result)
        return finish(response, result)

    def encode_error(self, error: ServiceError, request_id: str, resource: str = "") -> Response:
        document = {**error.members}
        if error.code in self._typed_errors:
            document.setdefault("Type", "User" if error.is_client_fault else "Service")
        if error.message:
            document[self._message_names.get(error.code, "message")] = error.message
        headers = {
            "content-type": _CONTENT_TYPE,
            "x-amzn-requestid": request_id,
            "x-amzn-errortype": error.code,
            **{key.lower(): header_text(value) for key, value in error.headers.items()},
        }
        return without_forbidden_body(Response(error.status, headers, orjson.dumps(document, default=str)))


def _refuse(member: Member, text: str) -> ServiceError:
    return SerializationError(f"STRING_VALUE cannot be converted to {member.shape.type.capitalize()}")


def _compile_body_decoder(operation: Operation) -> rest.DecodeBody:
    shape = operation.input
    if shape is None or operation.streaming_input is not None:
        return lambda body: {}
    if shape.payload is None:
        return json_bodies.compile_decoder(shape) if body_members(shape) else lambda body: {}
    payload = shape.members[shape.payload]
    if payload.shape.type == "blob":
        return lambda body: {payload.name: body}
    if payload.shape.type == "string":
        return lambda body: {payload.name: _decode_text(body)} if body else {}
    decode = json_bodies.compile_decoder(payload.shape)
    return lambda body: {payload.name: decode(body)} if body else {}


def _decode_text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise SerializationError("The body is not UTF-8") from error


def _compile_body_encoder(shape: Shape | None) -> EncodeBody | None:
    if shape is None:
        return None
    if shape.payload is None:
        return json_bodies.compile_encoder(shape) if body_members(shape) else None
    payload = shape.members[shape.payload]
    if payload.shape.type == "blob":
        return lambda result: result.get(payload.name) or b""
    if payload.shape.type == "string":
        return lambda result: (result.get(payload.name) or "").encode()
    encode = json_bodies.compile_encoder(payload.shape)
    return lambda result: encode(result.get(payload.name) or {})


def _errors_with_type(model: ServiceModel) -> frozenset[str]:
    """Lambda's errors carry a member `Type`: `User` or `Service`."""
    return frozenset(
        shape.error_code for one in model.operations.values() for shape in one.errors if "Type" in shape.members
    )
