"""AWS JSON 1.0 and 1.1: POST / with `X-Amz-Target`, a JSON document each way. Logs, DynamoDB, Kinesis, SQS.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lambent.wire import event_stream, json_bodies
from lambent.wire.codec import finish, header_text, query_error
from lambent.wire.errors import ServiceError
from lambent.wire.http import Request, Response
from lambent.wire.model import Operation, ServiceModel


class AwsJson:
    def __init__(self, model: ServiceModel, *, version: str | None = None) -> None:
        """`version` 1.0 or 1.1: as the client spoke, if not as the model says."""
        self._content_type = f"application/x-amz-json-{version or model.json_version}"
        operations = model.operations.values()
        self._decoders = {one.name: json_bodies.compile_decoder(one.input) for one in operations}
        self._encoders = {one.name: json_bodies.compile_encoder(one.output) for one in operations}
        self._events = event_stream.compile_writers(operations, json_bodies.compile_encoder, "application/json")
        self._message_names = message_names(model)
        self._error_namespace = f"com.amazonaws.{model.name}#" if model.is_query_compatible else ""

    def decode(
        self, operation: Operation, request: Request, body: bytes, path_labels: Mapping[str, str]
    ) -> dict[str, Any]:
        return self._decoders[operation.name](body)

    def encode(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> Response:
        headers = {"content-type": self._content_type, "x-amzn-requestid": request_id}
        if operation.event_stream_output is not None:
            initial = {name: value for name, value in result.items() if name != operation.event_stream_output}
            body = self._events[operation.name](
                result[operation.event_stream_output], initial_response=self._encoders[operation.name](initial)
            )
            return finish(Response(200, headers | {"content-type": event_stream.CONTENT_TYPE}, body), result)
        encoded = b"" if operation.output is None else self._encoders[operation.name](result)
        return finish(Response(200, headers, encoded), result)

    def encode_error(self, error: ServiceError, request_id: str, resource: str = "") -> Response:
        name = self._message_names.get(error.code, "Message" if error.code == "SerializationException" else "message")
        document = {"__type": self._error_namespace + error.code, **error.members}
        if error.message:
            document[name] = error.message
        headers = {
            "content-type": self._content_type,
            "x-amzn-requestid": request_id,
            "x-amzn-errortype": error.code,
            **(query_error(error) if self._error_namespace else {}),
            **{key.lower(): header_text(value) for key, value in error.headers.items()},
        }
        return Response(error.status, headers, orjson.dumps(document, default=str))


def message_names(model: ServiceModel) -> dict[str, str]:
    """Error code -> `message` or `Message`, whichever that error's shape has."""
    names = {}
    for operation in model.operations.values():
        for shape in operation.errors:
            spelled = next((name for name in shape.members if name.lower() == "message"), None)
            if spelled is not None:
                names[shape.error_code] = names[shape.name] = spelled
    return names
