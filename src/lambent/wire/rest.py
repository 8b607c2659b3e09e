"""The half of rest-xml and rest-json that is the same: labels, query parameters, headers and the status line.

Everything is found by the name on the wire, so a request costs what it carries, not what the shape could
have (PutObject has 45 header members). What a member's value means in a header or query differs in two
points only: timestamps are HTTP dates in headers and ISO 8601 in queries. The body is the
protocol's business: it comes as a pair of compiled functions.
"""

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import orjson

from lambent.kit.frozen import mutable
from lambent.wire import timestamps
from lambent.wire.codec import header_text, header_value
from lambent.wire.errors import InvalidArgument, ServiceError
from lambent.wire.http import Request
from lambent.wire.model import Member, Shape
from lambent.wire.uri import parse_query

FromText = Callable[[str], Any]
ToText = Callable[[Any], str]
DecodeBody = Callable[[bytes], Mapping[str, Any]]
"""The members that the body holds."""
Refuse = Callable[[Member, str], ServiceError]
"""The protocol's error for a header or parameter of the wrong form."""


@mutable
class RequestReader:
    """Compiled from an input shape."""

    labels: dict[str, tuple[str, FromText]] = field(default_factory=dict)
    query: dict[str, tuple[str, Callable[[list[str]], Any]]] = field(default_factory=dict)
    query_map: str | None = None
    headers: dict[str, tuple[str, FromText]] = field(default_factory=dict)
    header_map: tuple[str, str] | None = None
    """(member, prefix)."""

    def read(self, request: Request, path_labels: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for label, text in path_labels.items():
            if label in self.labels:
                member, convert = self.labels[label]
                found[member] = convert(text)
        if request.query and (self.query or self.query_map):
            self._read_query(request.query, found)
        self._read_headers(request.headers, found)
        return found

    def _read_query(self, query: str, found: dict[str, Any]) -> None:
        for key, values in parse_query(query).items():
            entry = self.query.get(key)
            if entry is not None:
                value = entry[1](values)
                if value is not None:
                    found[entry[0]] = value
            elif self.query_map is not None:
                found.setdefault(self.query_map, {})[key] = values[0]

    def _read_headers(self, headers: Mapping[str, str], found: dict[str, Any]) -> None:
        for name, raw in headers.items():
            entry = self.headers.get(name)
            if entry is not None:
                value = entry[1](header_value(raw))
                if value is not None:
                    found[entry[0]] = value
            elif self.header_map is not None and name.startswith(self.header_map[1]):
                key = name[len(self.header_map[1]) :]
                found.setdefault(self.header_map[0], {})[key] = header_value(raw)


def compile_request_reader(shape: Shape | None, refuse: Refuse) -> RequestReader:
    reader = RequestReader()
    for member in shape.members.values() if shape else ():
        match member.location:
            case "uri":
                reader.labels[member.wire_name] = (member.name, _text_reader(member, "iso8601", refuse))
            case "querystring" if member.shape.type == "map":
                reader.query_map = member.name
            case "querystring":
                reader.query[member.wire_name] = (member.name, _query_reader(member, refuse))
            case "header":
                reader.headers[member.wire_name.lower()] = (member.name, _text_reader(member, "rfc822", refuse))
            case "headers":
                reader.header_map = (member.name, member.wire_name.lower())
            case _:
                pass
    return reader


def _query_reader(member: Member, refuse: Refuse) -> Callable[[list[str]], Any]:
    if member.shape.type == "list" and member.shape.element is not None:
        read = _text_reader(member.shape.element, "iso8601", refuse)
        return lambda values: [read(value) for value in values]
    read_one = _text_reader(member, "iso8601", refuse)
    return lambda values: read_one(values[0])


def _text_reader(member: Member, default_timestamp: str, refuse: Refuse) -> FromText:
    """An empty text stands for nothing, unless the member is a string."""
    parse = _parser(member, default_timestamp, refuse)
    if parse is None:
        return _same

    def read(text: str) -> Any:
        if not text:
            return None
        try:
            return parse(text)
        except ValueError as error:
            if _is_lenient(member):
                return None
            raise refuse(member, text) from error

    return read


def _is_lenient(member: Member) -> bool:
    """RFC 9110, 13.1.3: a condition that is not a valid date is ignored. S3 stores any `Expires`."""
    if member.shape.type != "timestamp":
        return False
    return member.wire_name == "Expires" or "if-" in member.wire_name.lower()


def _parser(member: Member, default_timestamp: str, refuse: Refuse) -> FromText | None:
    match member.shape.type:
        case "timestamp":
            declared = (member.timestamp_format or default_timestamp).lower()
            return lambda text: timestamps.parse_any(text, declared)
        case "integer":
            return lambda text: parse_integer(text, 2**31)
        case "long":
            return lambda text: parse_integer(text, 2**63)
        case "float" | "double":
            return float
        case "boolean":
            return parse_boolean
        case "blob":
            return lambda text: base64.b64decode(text, validate=True)
        case "list" if member.shape.element is not None:
            element = _text_reader(member.shape.element, default_timestamp, refuse)
            return lambda text: [element(one) for one in split_header_list(text)]
        case _ if member.json_value:
            return lambda text: orjson.loads(base64.b64decode(text, validate=True))
        case _:
            return None


def _same(text: str) -> str:
    return text


def parse_integer(text: str, limit: int) -> int:
    """Digits and a sign: no underscores, no spaces, no other alphabets, within `limit`. Raises ValueError."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        raise ValueError(f"not an integer: {text!r}")
    number = int(text)
    if not -limit <= number < limit:
        raise ValueError(f"out of range: {text!r}")
    return number


def parse_boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise ValueError(f"not a boolean: {text!r}")
    return lowered == "true"


def split_header_list(text: str) -> list[str]:
    """Comma-separated; values that hold commas or quotes are quoted, with backslashes before inner quotes."""
    if '"' not in text:
        return [one.strip() for one in text.split(",")]
    values, current, quoted, escaped = [], "", False, False
    for char in text:
        if escaped:
            current, escaped = current + char, False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            values.append(current.strip())
            current = ""
        else:
            current += char
    return [*values, current.strip()]


@mutable
class ResponseWriter:
    """Compiled from an output shape."""

    headers: dict[str, tuple[str, ToText]] = field(default_factory=dict)
    header_map: tuple[str, str] | None = None
    status: str | None = None
    """The member that is the status line's code."""

    def write(self, result: Mapping[str, Any], headers: dict[str, str]) -> None:
        for member, value in result.items():
            entry = self.headers.get(member)
            if entry is not None and value is not None:
                headers[entry[0]] = entry[1](value)
        if self.header_map is not None:
            member, prefix = self.header_map
            for key, value in (result.get(member) or {}).items():
                headers[prefix + key.lower()] = header_text(value)


def compile_response_writer(shape: Shape | None) -> ResponseWriter:
    writer = ResponseWriter()
    for member in shape.members.values() if shape else ():
        match member.location:
            case "header":
                writer.headers[member.name] = (member.wire_name.lower(), _text_writer(member))
            case "headers":
                writer.header_map = (member.name, member.wire_name.lower())
            case "statusCode":
                writer.status = member.name
            case _:
                pass
    return writer


def _text_writer(member: Member) -> ToText:
    match member.shape.type:
        case "timestamp":
            return timestamps.FORMATTERS[(member.timestamp_format or "rfc822").lower()]
        case "integer" | "long":
            return str
        case "float" | "double":
            return format_float
        case "boolean":
            return format_boolean
        case "blob":
            return lambda value: base64.b64encode(value).decode("ascii")
        case "list" if member.shape.element is not None:
            element = _text_writer(member.shape.element)
            return lambda values: ",".join([element(one) for one in values])
        case _ if member.json_value:
            return lambda value: base64.b64encode(orjson.dumps(value)).decode("ascii")
        case _:
            return header_text


def format_boolean(value: bool) -> str:
    return "true" if value else "false"


def format_float(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def invalid_argument(member: Member, text: str) -> InvalidArgument:
    """S3's refusal, e.g. `Provided max-keys not an integer or within integer range`."""
    name = member.wire_name
    if member.shape.type in ("integer", "long"):
        message = f"Provided {name} not an integer or within integer range"
    else:
        message = f"Invalid value for {name}"
    return InvalidArgument(message, members={"ArgumentName": name, "ArgumentValue": text})
