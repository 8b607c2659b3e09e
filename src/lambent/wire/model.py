"""ServiceModel, Operation, Shape: what AWS publishes about a service, as the codecs need it.

The source is the service description inside the installed botocore (`data/<service>/<version>/service-2.json[.gz]`
plus its `service-2.sdk-extras.json`). Decompressing and parsing the three services of the main path takes about
20 ms, so there is deliberately no cache of our own: nothing to go stale after a botocore upgrade, nothing to be
corrupted. Documentation and the shapes that no served operation reaches are left behind. Routes are kept for every
operation, served or not, so that a request for one we lack can be answered by its name.

A reference to a shape may carry traits (location, locationName, ...) that override the shape's own: `Member` is the
resolved pair. The codecs compile shapes once into closures; nothing here is looked at while a request is served.
"""

import gzip
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import botocore
import orjson

from lambent.kit.frozen import frozen, mutable

_PROTOCOL_NAMES = {"smithy-rpc-v2-cbor": "rpc-v2-cbor"}

Raw = Mapping[str, Any]


class UnknownService(Exception):
    """The installed botocore describes no service of that name."""


class UnknownServedOperation(Exception):
    """A service claims to serve an operation that its model does not have."""


@mutable
class Shape:
    """One type of a model. Built in two steps, since shapes may contain themselves."""

    name: str
    type: str
    """structure, list, map, string, blob, timestamp, boolean, integer, long, float, double; `document`: any JSON."""
    members: dict[str, "Member"] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    element: "Member | None" = None
    """Of a list."""
    key: "Member | None" = None
    value: "Member | None" = None
    """Key and value of a map."""
    enum: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    payload: str | None = None
    """The member that is the whole body."""
    is_event_stream: bool = False
    is_event: bool = False
    is_union: bool = False
    error_code: str = ""
    """The code on the wire, where it differs from the shape's name."""
    error_status: int = 400

    def __repr__(self) -> str:
        return f"Shape({self.name}: {self.type})"


@frozen
class Member:
    """A shape as somebody refers to it: under a name, at a place in the request or response."""

    name: str
    shape: Shape
    location: str | None = None
    """uri, querystring, header, headers (a prefix), statusCode; None: the body."""
    location_name: str | None = None
    flattened: bool = False
    xml_attribute: bool = False
    xml_namespace: tuple[str, str] | None = None
    """(prefix, uri)."""
    timestamp_format: str | None = None
    streaming: bool = False
    is_event_header: bool = False
    is_event_payload: bool = False
    json_value: bool = False

    @property
    def wire_name(self) -> str:
        return self.location_name or self.name


@frozen
class Operation:
    name: str
    python_name: str
    response_status: int
    input: Shape | None
    output: Shape | None
    errors: tuple[Shape, ...]
    streaming_input: str | None
    """The member that takes the raw Body instead of bytes."""
    streaming_output: str | None
    """The member whose bytes (or FileSlice, or AsyncIterator) are the response body."""
    event_stream_output: str | None
    """The member whose value is an AsyncIterator of events, each `{event type: members}`."""
    input_root: str | None
    """rest-xml: the root element where it is not a payload member's."""
    result_wrapper: str | None
    """query: the element around the result."""
    is_anonymous: bool
    """Needs no signature (AssumeRoleWithWebIdentity and the like)."""
    validation_code: str | None
    """The error code for input that breaks the model's constraints; None where the service has no such answer."""


@frozen
class Route:
    """How a REST operation is told from its siblings."""

    operation: str
    method: str
    uri: str
    required_query: tuple[str, ...]
    required_headers: tuple[str, ...]
    is_deprecated: bool
    is_served: bool


@frozen
class ServiceModel:
    name: str
    protocol: str
    """The protocol botocore's clients use by default: rest-xml, rest-json, json, query, ec2, rpc-v2-cbor."""
    protocols: tuple[str, ...]
    """All the service speaks, by AWS's names; rpc-v2-cbor among them where AWS offers it."""
    json_version: str
    endpoint_prefix: str
    signing_name: str
    target_prefix: str
    api_version: str
    xml_namespace: str
    operations: dict[str, Operation]
    """Those we serve."""
    operation_names: frozenset[str]
    """All that AWS has."""
    routes: tuple[Route, ...]
    """Of all that AWS has; empty for the protocols that name the operation elsewhere."""
    is_query_compatible: bool = False
    """It spoke the query protocol once, and its errors still tell the codes they had there."""


def load_service(
    name: str,
    served: Collection[str],
    *,
    opaque: Collection[str] = (),
    open_enums: Collection[str] = (),
    amendments: Raw | None = None,
) -> ServiceModel:
    """The model of botocore's service `name`, trimmed to the operations `served`.

    Shapes named in `opaque` pass the JSON and CBOR codecs as they are (DynamoDB's AttributeValue); those in
    `open_enums` take any value, because the service itself says what is wrong with one (Lambda's Runtime). `amendments`
    are merged into the description: what AWS once took and still takes, though the model forgot it. Raises
    UnknownService, UnknownServedOperation.
    """
    raw = _read_description(name)
    _merge(raw, amendments or {})
    metadata = raw["metadata"]
    missing = sorted(set(served) - raw["operations"].keys())
    if missing:
        raise UnknownServedOperation(f"{name} has no operation {', '.join(missing)}")
    shapes = _ShapeBuilder(raw["shapes"], frozenset(opaque), frozenset(open_enums))
    protocol = _PROTOCOL_NAMES.get(metadata["protocol"], metadata["protocol"])
    return ServiceModel(
        name=name,
        protocol=protocol,
        protocols=tuple(_PROTOCOL_NAMES.get(one, one) for one in metadata.get("protocols", [protocol])),
        json_version=metadata.get("jsonVersion", "1.0"),
        endpoint_prefix=metadata["endpointPrefix"],
        signing_name=metadata.get("signingName", metadata["endpointPrefix"]),
        target_prefix=metadata.get("targetPrefix", ""),
        api_version=metadata["apiVersion"],
        xml_namespace=metadata.get("xmlNamespace", ""),
        operations={one: _build_operation(raw["operations"][one], shapes, protocol) for one in sorted(served)},
        operation_names=frozenset(raw["operations"]),
        routes=tuple(_build_routes(raw, frozenset(served))) if protocol.startswith("rest") else (),
        is_query_compatible="awsQueryCompatible" in metadata,
    )


def _read_description(name: str) -> dict[str, Any]:
    versions = sorted(path for path in (_data_directory() / name).glob("*") if path.is_dir())
    for version in reversed(versions):
        for path, read in (
            (version / "service-2.json.gz", lambda path: gzip.decompress(path.read_bytes())),
            (version / "service-2.json", Path.read_bytes),
        ):
            if path.exists():
                description: dict[str, Any] = orjson.loads(read(path))
                _merge_extras(description, version / "service-2.sdk-extras.json")
                return description
    raise UnknownService(f"botocore {botocore.__version__} describes no service {name!r}")


def _data_directory() -> Path:
    """Found without importing `botocore.loaders`, which alone takes 140 ms."""
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        raise UnknownService("botocore is not installed")
    return Path(spec.origin).parent / "data"


def _merge_extras(description: dict[str, Any], path: Path) -> None:
    """What botocore itself corrects, e.g. that S3's `Expires` is a timestamp."""
    if path.exists():
        _merge(description, orjson.loads(path.read_bytes()).get("merge", {}))


def _merge(into: dict[str, Any], extra: Raw) -> None:
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


class _ShapeBuilder:
    """Builds each shape once, on first demand: what nobody asks for is never built."""

    def __init__(self, raw: Raw, opaque: frozenset[str], open_enums: frozenset[str]) -> None:
        self._raw = raw
        self._opaque = opaque
        self._open_enums = open_enums
        self._built: dict[str, Shape] = {}

    def shape(self, name: str) -> Shape:
        if name in self._built:
            return self._built[name]
        raw = self._raw[name]
        kind = "document" if name in self._opaque or raw.get("document") else raw["type"]
        shape = self._built[name] = Shape(name, "string" if kind == "character" else kind)
        if kind != "document":
            self._fill(shape, raw)
        return shape

    def _fill(self, shape: Shape, raw: Raw) -> None:
        shape.members = {name: self.member(name, ref) for name, ref in raw.get("members", {}).items()}
        shape.required = tuple(name for name in raw.get("required", ()) if name in shape.members)
        shape.element = self.member("member", raw["member"]) if "member" in raw else None
        shape.key = self.member("key", raw["key"]) if "key" in raw else None
        shape.value = self.member("value", raw["value"]) if "value" in raw else None
        shape.enum = () if shape.name in self._open_enums else tuple(raw.get("enum", ()))
        shape.min, shape.max = raw.get("min"), raw.get("max")
        shape.pattern = raw.get("pattern", "")
        shape.payload = raw.get("payload")
        shape.is_event_stream = raw.get("eventstream", False)
        shape.is_event = raw.get("event", False)
        shape.is_union = raw.get("union", False)
        error = raw.get("error", {})
        shape.error_code = error.get("code", shape.name)
        shape.error_status = error.get("httpStatusCode", 500 if raw.get("fault") else 400)

    def member(self, name: str, ref: Raw) -> Member:
        traits = {**self._raw[ref["shape"]], **ref}
        namespace = traits.get("xmlNamespace")
        if isinstance(namespace, str):
            namespace = {"uri": namespace}
        return Member(
            name=name,
            shape=self.shape(ref["shape"]),
            location=traits.get("location"),
            location_name=traits.get("locationName"),
            flattened=traits.get("flattened", False),
            xml_attribute=traits.get("xmlAttribute", False),
            xml_namespace=(namespace.get("prefix", ""), namespace["uri"]) if namespace else None,
            timestamp_format=traits.get("timestampFormat"),
            streaming=ref.get("streaming", False),
            is_event_header=traits.get("eventheader", False),
            is_event_payload=traits.get("eventpayload", False),
            json_value=traits.get("jsonvalue", False),
        )


def _validation_code(protocol: str, raw: Raw) -> str | None:
    """CloudWatch Logs answers InvalidParameterException, the query services ValidationError, S3 has no such answer."""
    if protocol == "rest-xml":
        return None
    if protocol == "query":
        return "ValidationError"
    errors = {error["shape"] for error in raw.get("errors", ())}
    is_older = "InvalidParameterException" in errors and "ValidationException" not in errors
    return "InvalidParameterException" if is_older else "ValidationException"


def _build_operation(raw: Raw, shapes: _ShapeBuilder, protocol: str) -> Operation:
    http = raw["http"]
    given = shapes.shape(raw["input"]["shape"]) if "input" in raw else None
    returned = shapes.shape(raw["output"]["shape"]) if "output" in raw else None
    return Operation(
        name=raw["name"],
        python_name=botocore.xform_name(raw["name"]),
        response_status=http.get("responseCode", 200),
        input=given,
        output=returned,
        errors=tuple(shapes.shape(one["shape"]) for one in raw.get("errors", ())),
        streaming_input=_streaming_member(given),
        streaming_output=_streaming_member(returned),
        event_stream_output=next(
            (member.name for member in (returned.members.values() if returned else ()) if member.shape.is_event_stream),
            None,
        ),
        input_root=raw.get("input", {}).get("locationName"),
        result_wrapper=raw.get("output", {}).get("resultWrapper"),
        is_anonymous=raw.get("authtype") == "none",
        validation_code=_validation_code(protocol, raw),
    )


def _streaming_member(shape: Shape | None) -> str | None:
    """Only where the reference says so: Lambda's payloads are blobs of a few megabytes, not streams."""
    if shape is None or shape.payload is None:
        return None
    return shape.payload if shape.members[shape.payload].streaming else None


def _build_routes(raw: Raw, served: frozenset[str]) -> Iterator[Route]:
    for name, operation in raw["operations"].items():
        given = raw["shapes"][operation["input"]["shape"]] if "input" in operation else {}
        members = given.get("members", {})
        required = [members[one] | {"name": one} for one in given.get("required", ()) if one in members]
        yield Route(
            operation=name,
            method=operation["http"]["method"],
            uri=operation["http"]["requestUri"],
            required_query=_located(required, "querystring"),
            required_headers=tuple(one.lower() for one in _located(required, "header")),
            is_deprecated=operation.get("deprecated", False),
            is_served=name in served,
        )


def _located(members: list[dict[str, Any]], location: str) -> tuple[str, ...]:
    return tuple(one.get("locationName", one["name"]) for one in members if one.get("location") == location)
