"""AWS Query: a form of dotted keys (`Tags.member.1.Key=a`) in, XML out. STS, IAM, SNS, CloudFormation.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html. The form becomes a tree of its key parts first; a node is a
dict whose own value, if any, stands under the empty name.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from lambent.wire import timestamps, xml_bodies
from lambent.wire.codec import finish, header_text
from lambent.wire.errors import ServiceError
from lambent.wire.http import Request, Response
from lambent.wire.model import Member, Operation, ServiceModel, Shape
from lambent.wire.rest import parse_boolean, parse_integer
from lambent.wire.uri import parse_query

_CONTENT_TYPE = "text/xml"

#: Far above any real request; a tree deeper than the models go is nonsense.
_MAX_KEY_PARTS = 32

#: PutMetricData may hold 1,000 metrics with 30 dimensions each, and more of their values.
MAX_FORM_FIELDS = 250_000

Node = dict[str, Any]
Read = Callable[[Node], Any]


class MalformedQueryString(ServiceError):
    """The form is no form, or its keys do not make a structure."""

    code = "MalformedQueryString"
    status = 404


class MalformedInput(ServiceError):
    """A value is not of its member's type."""

    code = "MalformedInput"
    status = 400


class Query:
    def __init__(self, model: ServiceModel) -> None:
        self._namespace = model.xml_namespace
        operations = model.operations.values()
        self._readers = {one.name: _Readers().structure(one.input) for one in operations if one.input is not None}
        self._addresses = {one.name: _addressed_member(one.input) for one in operations}
        self._encoders = {one.name: self._compile_encoder(one) for one in operations}

    def decode(
        self, operation: Operation, request: Request, body: bytes, path_labels: Mapping[str, str]
    ) -> dict[str, Any]:
        read = self._readers.get(operation.name)
        if read is None:
            return {}
        found: dict[str, Any] = read(_tree(parse_form(request, body)))
        addressed = self._addresses[operation.name]
        if addressed and addressed not in found and request.path != "/":
            found[addressed] = request.path
        return found

    def encode(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> Response:
        headers = {"content-type": _CONTENT_TYPE, "x-amzn-requestid": request_id}
        return finish(Response(200, headers, self._encoders[operation.name](result, request_id)), result)

    def encode_error(self, error: ServiceError, request_id: str, resource: str = "") -> Response:
        members = {
            "Type": error.fault,
            "Code": error.query_code or error.code,
            "Message": error.query_message or error.message,
            **error.members,
        }
        inner = "".join(
            [f"<{name}>{xml_bodies.escape_message(str(value))}</{name}>" for name, value in members.items()]
        )
        body = (
            f'<ErrorResponse xmlns="{self._namespace}"><Error>{inner}</Error>'
            f"<RequestId>{xml_bodies.escape(request_id)}</RequestId></ErrorResponse>"
        )
        headers = {
            "content-type": _CONTENT_TYPE,
            "x-amzn-requestid": request_id,
            **{key.lower(): header_text(value) for key, value in error.headers.items()},
        }
        return Response(error.status, headers, body.encode())

    def _compile_encoder(self, operation: Operation) -> Callable[[Mapping[str, Any], str], bytes]:
        opening, closing = f'<{operation.name}Response xmlns="{self._namespace}">', f"</{operation.name}Response>"
        wrapper = operation.result_wrapper or operation.name + "Result"
        write = xml_bodies.compile_writer(operation.output) if operation.output is not None else None

        def encode(result: Mapping[str, Any], request_id: str) -> bytes:
            inner = f"<{wrapper}>{write(result)}</{wrapper}>" if write is not None else ""
            metadata = f"<RequestId>{xml_bodies.escape(request_id)}</RequestId>"
            return f"{opening}{inner}<ResponseMetadata>{metadata}</ResponseMetadata>{closing}".encode()

        return encode


def action_of(request: Request, body: bytes) -> str:
    """The operation's name, "" without one. Nothing else is decoded: nobody knows yet who asks, and forms are long."""
    for form in (request.query, body.decode("latin-1")):
        at = 0 if form.startswith("Action=") else form.find("&Action=") + 1
        if at or form.startswith("Action="):
            return form[at:].partition("=")[2].partition("&")[0]
    return ""


def parse_form(request: Request, body: bytes) -> dict[str, str]:
    """Body and query string together: old clients still send GET. Raises MalformedQueryString."""
    try:
        form = parse_query(body.decode("ascii"), MAX_FORM_FIELDS) | parse_query(request.query)
    except (UnicodeDecodeError, ServiceError) as error:
        raise MalformedQueryString("The query string contains a syntax error") from error
    return {key: values[0] for key, values in form.items()}


def _addressed_member(shape: Shape | None) -> str:
    """The member that a request's path may stand for (SQS: the queue's URL); "" if there is none."""
    members = shape.members.values() if shape is not None else ()
    return next((one.name for one in members if one.location == "uri"), "")


def _tree(form: Mapping[str, str]) -> Node:
    root: Node = {}
    for key, value in form.items():
        parts = key.split(".")
        if len(parts) > _MAX_KEY_PARTS or not all(parts):
            raise MalformedQueryString(f"Unexpected list element termination or malformed key {key[:100]!r}")
        node = root
        for part in parts:
            node = node.setdefault(part, {})
        node[""] = value
    return root


class _Readers:
    def __init__(self) -> None:
        self._compiled: dict[int, Read] = {}

    def structure(self, shape: Shape) -> Read:
        known = self._compiled.get(id(shape))
        if known is not None:
            return known
        fields: dict[str, tuple[str, Read]] = {}

        def read(node: Node) -> dict[str, Any]:
            found = {}
            for key, child in node.items():
                field = fields.get(key)
                if field is not None:
                    found[field[0]] = field[1](child)
            return found

        self._compiled[id(shape)] = read
        fields.update({_form_name(one): (one.name, self.member(one)) for one in shape.members.values()})
        return read

    def member(self, member: Member) -> Read:
        shape = member.shape
        if shape.type == "structure":
            return self.structure(shape)
        if shape.type == "list" and shape.element is not None:
            inner = None if member.flattened else shape.element.location_name or "member"
            return _list_reader(inner, self.member(shape.element))
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            inner = None if member.flattened else "entry"
            key, value = shape.key.location_name or "key", shape.value.location_name or "value"
            return _map_reader(inner, (key, self.member(shape.key)), (value, self.member(shape.value)))
        return _scalar_reader(shape.type)


def _form_name(member: Member) -> str:
    """A flattened list goes by its element's name, if that has one."""
    element = member.shape.element
    if member.flattened and element is not None and element.location_name:
        return element.location_name
    return member.wire_name


def _numbered(node: Node, inner: str | None) -> list[Node]:
    """The children `1`, `2`, ... in the order of their numbers; gaps do not matter."""
    children = {key: child for key, child in (node.get(inner, {}) if inner else node).items() if key}
    if not all(key.isascii() and key.isdigit() and len(key) < 10 for key in children):
        raise MalformedQueryString("Key is not valid: a list needs numbers")
    return [children[key] for key in sorted(children, key=int)]


def _list_reader(inner: str | None, read_element: Read) -> Read:
    return lambda node: [read_element(child) for child in _numbered(node, inner)]


def _map_reader(inner: str | None, key: tuple[str, Read], value: tuple[str, Read]) -> Read:
    (key_name, read_key), (value_name, read_value) = key, value

    def read(node: Node) -> dict[str, Any]:
        entries = _numbered(node, inner)
        if any(key_name not in entry or value_name not in entry for entry in entries):
            raise MalformedQueryString(f"An entry of a map needs {key_name} and {value_name}")
        return {read_key(entry[key_name]): read_value(entry[value_name]) for entry in entries}

    return read


def _scalar_reader(kind: str) -> Read:
    parse = _PARSERS.get(kind)

    def read(node: Node) -> Any:
        text = node.get("")
        if text is None:
            raise MalformedQueryString("A structure stands where a value is expected")
        try:
            return text if parse is None else parse(text)
        except (ValueError, binascii.Error) as error:
            raise MalformedInput(f"{text[:100]!r} is not a valid {kind}") from error

    return read


_PARSERS: dict[str, Callable[[str], Any]] = {
    "boolean": parse_boolean,
    "integer": lambda text: parse_integer(text, 2**31),
    "long": lambda text: parse_integer(text, 2**63),
    "float": float,
    "double": float,
    "timestamp": lambda text: timestamps.parse_any(text, "iso8601"),
    "blob": lambda text: base64.b64decode(text, validate=True),
}
