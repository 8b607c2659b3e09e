"""ServiceError: the only thing that may go wrong in a client's sight.

A service's own codes are subclasses beside its operations, one docstring each saying when AWS returns it. The ones
here belong to no service: they are raised by the gateway and the codecs.
"""

from collections.abc import Mapping
from typing import Any


class ServiceError(Exception):
    """An AWS error: `code` as AWS spells it, HTTP `status`, and a sentence for the person who reads it.

    `members` are the error shape's further fields (e.g. `{"BucketName": "b"}` or `{"Reason": "..."}`), `headers`
    extra response headers (e.g. `{"retry-after": "1"}`).
    """

    code: str = "InternalFailure"
    status: int = 500
    query_code: str = ""
    """What clients of the query protocol know it by, where that differs (`NonExistentQueue` of SQS)."""
    query_message: str = ""
    """The sentence that those get, where that differs."""

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        status: int | None = None,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        self.members: Mapping[str, Any] = members or {}
        self.headers: Mapping[str, str] = headers or {}

    @property
    def fault(self) -> str:
        """Whose it is, in the query protocol's words."""
        return "Sender" if self.is_client_fault else "Receiver"

    @property
    def is_client_fault(self) -> bool:
        return self.status < 500


class ValidationError(ServiceError):
    """The input breaks a constraint of the model; the message is AWS's sentence."""

    code = "ValidationException"
    query_code = "ValidationError"
    """As the query services have always called it, and those that speak other protocols as well still do."""
    status = 400


class SerializationError(ServiceError):
    """The body is not what the protocol says: malformed JSON, CBOR, or a member of the wrong type."""

    code = "SerializationException"
    status = 400


class MalformedXML(ServiceError):
    """S3: the XML is not well-formed or does not match the published schema."""

    code = "MalformedXML"
    status = 400


class UnknownOperation(ServiceError):
    """The request addresses an operation that does not exist or that we do not serve; the message names it."""

    code = "UnknownOperationException"
    status = 404


class NotImplementedYet(ServiceError):
    """S3 (501): a header or operation that AWS has and we do not."""

    code = "NotImplemented"
    status = 501


class RequestEntityTooLarge(ServiceError):
    """The body is longer than the operation allows."""

    code = "RequestEntityTooLargeException"
    status = 413


class InvalidURI(ServiceError):
    """The path or the query is not percent-encoded UTF-8."""

    code = "InvalidURI"
    status = 400


class InvalidArgument(ServiceError):
    """S3: a header or query parameter has a value of the wrong form."""

    code = "InvalidArgument"
    status = 400


class MissingRequestBody(ServiceError):
    """S3: the operation needs a document and none came."""

    code = "MissingRequestBodyError"
    status = 400
