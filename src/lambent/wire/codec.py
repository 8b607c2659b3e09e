"""Codec: what dispatch knows of a protocol, and what all protocols share about requests and responses.

A codec is built once per service; it compiles every served operation and then only looks closures up by operation
name. The protocol modules are next: `rest_xml`, `rest_json`, `aws_json`, `query`, `rpc_cbor`; `protocols` picks one.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from lambent.wire.errors import ServiceError
from lambent.wire.http import Request, Response
from lambent.wire.model import Operation

#: Keys of a result that are not members: the HTTP status and further headers.
STATUS_KEY = "__status__"
HEADERS_KEY = "__headers__"

_BODILESS_STATUSES = frozenset((204, 304))


class Codec(Protocol):
    def decode(
        self, operation: Operation, request: Request, body: bytes, path_labels: Mapping[str, str]
    ) -> dict[str, Any]:
        """The input by the model's member names; a streaming member is left out. Raises ServiceError."""
        ...

    def encode(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> Response:
        """`result` by member names; None counts as absent. `__status__` and `__headers__` override."""
        ...

    def encode_error(self, error: ServiceError, request_id: str, resource: str = "") -> Response: ...


def finish(response: Response, result: Mapping[str, Any]) -> Response:
    """Apply what a result says about the response itself, and leave out bodies that HTTP forbids."""
    if STATUS_KEY in result:
        response.status = result[STATUS_KEY]
    if HEADERS_KEY in result:
        for name, value in result[HEADERS_KEY].items():
            response.headers[name.lower()] = header_text(value)
    return without_forbidden_body(response)


def without_forbidden_body(response: Response) -> Response:
    if response.status in _BODILESS_STATUSES:
        response.body = b""
        response.headers.pop("content-type", None)
    return response


def query_error(error: ServiceError) -> dict[str, str]:
    """By what the query protocol called an error, for clients of a service that has changed over.

    https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#awsquerycompatible-trait
    """
    return {"x-amzn-query-error": f"{error.query_code or error.code};{error.fault}"}


def header_text(value: str) -> str:
    """Fit for a header line: UTF-8 as latin-1 characters, and no line breaks to split the response with."""
    if value.isascii() and value.isprintable():
        return value
    clean = "".join([char if char.isprintable() or char == "\t" else " " for char in value])
    return clean.encode("utf-8", "replace").decode("latin-1")


def header_value(raw: str) -> str:
    """A request's header, which `net` decoded as latin-1: UTF-8 if it is, otherwise as it stands."""
    if raw.isascii():
        return raw
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw
