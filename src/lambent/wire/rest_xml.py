"""REST-XML: method, path and query name the operation, XML or raw bytes are the body. S3.

https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html, and what S3 does besides:
- an error is a bare `<Error>`, with RequestId and HostId in the body as well as in the headers;
- an error may come with status 200 after a slow CopyObject or CompleteMultipartUpload: a ServiceError of status 200;
- the root elements of results are not in the model (`ListBucketResult`, ...): they are in the API reference;
- GetBucketLocation's root element is its only member.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from lambent.wire import event_stream, rest, xml_bodies
from lambent.wire.codec import finish, header_text, without_forbidden_body
from lambent.wire.documents import body_members
from lambent.wire.errors import MissingRequestBody, ServiceError
from lambent.wire.http import Request, Response
from lambent.wire.model import Operation, ServiceModel, Shape

_CONTENT_TYPE = "application/xml"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

#: Each operation's response syntax in https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html
_RESULT_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketEncryption": "ServerSideEncryptionConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}

EncodeBody = Callable[[Mapping[str, Any]], Any]


class RestXml:
    def __init__(self, model: ServiceModel) -> None:
        operations = model.operations.values()
        self._readers = {one.name: rest.compile_request_reader(one.input, rest.invalid_argument) for one in operations}
        self._decoders = {one.name: _compile_body_decoder(one) for one in operations}
        self._writers = {one.name: rest.compile_response_writer(one.output) for one in operations}
        self._encoders = {one.name: _compile_body_encoder(one) for one in operations}
        self._events = event_stream.compile_writers(operations, _compile_event_encoder, "text/xml")

    def decode(
        self, operation: Operation, request: Request, body: bytes, path_labels: Mapping[str, str]
    ) -> dict[str, Any]:
        found = self._readers[operation.name].read(request, path_labels)
        decode = self._decoders[operation.name]
        if decode is not None:
            found.update(decode(body))
        return found

    def encode(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> Response:
        headers = {"x-amz-request-id": request_id, "x-amz-id-2": host_id(request_id)}
        self._writers[operation.name].write(result, headers)
        response = Response(operation.response_status, headers)
        if operation.event_stream_output is not None:
            headers["content-type"] = event_stream.CONTENT_TYPE
            response.body = self._events[operation.name](result[operation.event_stream_output])
        else:
            encode = self._encoders[operation.name]
            if encode is not None:
                response.body = encode(result)
                if "content-type" not in headers and operation.streaming_output is None and response.body:
                    headers["content-type"] = _CONTENT_TYPE
        return finish(response, result)

    def encode_error(self, error: ServiceError, request_id: str, resource: str = "") -> Response:
        host = host_id(request_id)
        members = {"Code": error.code, "Message": error.message, **error.members}
        if resource:
            members["Resource"] = resource
        members |= {"RequestId": request_id, "HostId": host}
        inner = "".join(
            [f"<{name}>{xml_bodies.escape_message(str(value))}</{name}>" for name, value in members.items()]
        )
        headers = {
            "x-amz-request-id": request_id,
            "x-amz-id-2": host,
            "content-type": _CONTENT_TYPE,
            **{key.lower(): header_text(value) for key, value in error.headers.items()},
        }
        body = f"{_DECLARATION}<Error>{inner}</Error>".encode()
        return without_forbidden_body(Response(error.status, headers, body))


def host_id(request_id: str) -> str:
    """x-amz-id-2: opaque to everybody; ours says the request id once more."""
    return base64.b64encode(b"lambent/" + request_id.encode()).decode("ascii")


def _compile_body_decoder(operation: Operation) -> rest.DecodeBody | None:
    shape = operation.input
    if shape is None or operation.streaming_input is not None:
        return None
    if shape.payload is None:
        if not body_members(shape):
            return None
        read = xml_bodies.compile_reader(shape)
        return lambda body: read(_parse(body, operation.input_root))
    return _compile_payload_decoder(shape, shape.payload)


def _compile_payload_decoder(shape: Shape, payload: str) -> rest.DecodeBody:
    member = shape.members[payload]
    if member.shape.type == "blob":
        return lambda body: {payload: body}
    if member.shape.type == "string":
        return lambda body: {payload: _decode_text(body)} if body else {}
    is_required = payload in shape.required
    read = xml_bodies.compile_reader(member.shape)

    def decode(body: bytes) -> dict[str, Any]:
        if not body:
            if is_required:
                raise MissingRequestBody("Request Body is empty")
            return {}
        return {payload: read(_parse(body, member.location_name))}

    return decode


def _parse(body: bytes, root: str | None) -> Any:
    element = xml_bodies.parse(body)
    if root is not None and xml_bodies.local_name(element) != root:
        raise xml_bodies.malformed()
    return element


def _decode_text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise xml_bodies.malformed() from error


def _compile_body_encoder(operation: Operation) -> EncodeBody | None:
    shape = operation.output
    if shape is None:
        return None
    if operation.name == "GetBucketLocation":
        return _encode_location
    if shape.payload is None:
        if not body_members(shape):
            return None
        return _compile_document(_RESULT_ROOTS.get(operation.name, operation.name + "Result"), shape)
    member = shape.members[shape.payload]
    name = member.name
    if member.shape.type == "blob":
        return lambda result: result[name] if result.get(name) is not None else b""
    if member.shape.type == "string":
        return lambda result: (result.get(name) or "").encode()
    encode = _compile_document(_RESULT_ROOTS.get(operation.name, member.location_name or member.name), member.shape)
    return lambda result: encode(result.get(name) or {})


def _compile_document(root: str, shape: Shape) -> Callable[[Mapping[str, Any]], bytes]:
    write = xml_bodies.compile_writer(shape)
    opening, closing = f'{_DECLARATION}<{root} xmlns="{_NAMESPACE}">', f"</{root}>"

    return lambda value: f"{opening}{write(value)}{closing}".encode()


def _compile_event_encoder(shape: Shape) -> Callable[[Mapping[str, Any]], bytes]:
    """Events without members (`Cont`, `End`) have no payload."""
    if not shape.members:
        return lambda value: b""
    return _compile_document(shape.name, shape)


def _encode_location(result: Mapping[str, Any]) -> bytes:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html: empty for us-east-1."""
    region = xml_bodies.escape(result.get("LocationConstraint") or "")
    return f'{_DECLARATION}<LocationConstraint xmlns="{_NAMESPACE}">{region}</LocationConstraint>'.encode()
