"""XML bodies: elements <-> members of a shape, for rest_xml and query.

Reading goes by local names, whatever the namespace: AWS's own clients disagree about sending it. There is no DTD and
so no entity to expand: defusedxml refuses them. Who breaks the schema hears MalformedXML, in S3's one sentence for
it. Writing builds strings from compiled closures: a listing of 1,000 keys is 6,000 elements.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from lambent.kit.frozen import frozen
from lambent.wire import timestamps
from lambent.wire.errors import MalformedXML
from lambent.wire.model import Member, Shape
from lambent.wire.rest import format_boolean, format_float, parse_boolean, parse_integer

Read = Callable[[Element], Any]
Write = Callable[[Any], str]

_SENTENCE = "The XML you provided was not well-formed or did not validate against our published schema"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

_special = re.compile('[&<>"\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]').search
_unplaceable = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CONTROLS = {
    **{code: f"&#x{code:x};" for code in (*range(0x20), 0x7F) if code not in (0x09, 0x0A)},
    **dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd"),
}


def escape(text: str) -> str:
    """Control characters become references, as S3 writes them into listings although XML 1.0 has no place for them."""
    return _escape(text) if _special(text) else text


def escape_message(text: str) -> str:
    """For errors, which every parser must be able to read: what XML 1.0 has no place for is replaced."""
    return escape(_unplaceable.sub("\ufffd", text))


def _escape(text: str) -> str:
    # Every ETag comes here for its quotes; `replace` is ten times as fast as `translate`.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text if text.isprintable() else text.translate(_CONTROLS)


def malformed() -> MalformedXML:
    return MalformedXML(_SENTENCE)


def parse(body: bytes) -> Element:
    """Raises MalformedXML."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise malformed() from error
    return root


def local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def compile_reader(shape: Shape) -> Read:
    """A function from an element to a dict by member names. Raises MalformedXML."""
    return _Readers().structure(shape)


class _Readers:
    def __init__(self) -> None:
        self._compiled: dict[int, Read] = {}

    def structure(self, shape: Shape) -> Read:
        known = self._compiled.get(id(shape))
        if known is not None:
            return known
        members = [one for one in shape.members.values() if one.location is None]
        fields: dict[str, tuple[str, Read]] = {}
        read = _structure_reader(
            fields,
            repeated=frozenset(one.name for one in members if one.flattened),
            attributes=[(one.name, one.wire_name) for one in members if one.xml_attribute],
            required=frozenset(one for one in shape.required if shape.members[one].location is None),
        )
        self._compiled[id(shape)] = read
        # Filled in afterwards, for a shape that contains itself. Lists last: of two members with one element name
        # (S3's deprecated `Event` beside `Events`) the list takes it.
        elements = sorted((one for one in members if not one.xml_attribute), key=lambda one: one.flattened)
        fields.update({_element_name(one): (one.name, self._field(one)) for one in elements})
        return read

    def _field(self, member: Member) -> Read:
        shape = member.shape
        if shape.type == "list" and shape.element is not None:
            element = self._value(shape.element)
            return element if member.flattened else _list_reader(shape.element.location_name or "member", element)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            entry = self._entry(shape.key, shape.value)
            return entry if member.flattened else _map_reader(entry)
        return self._value(member)

    def _value(self, member: Member) -> Read:
        if member.shape.type == "structure":
            return self.structure(member.shape)
        if member.shape.type in ("list", "map"):
            return self._field(member)
        return _scalar_reader(member)

    def _entry(self, key: Member, value: Member) -> Read:
        key_name, value_name = key.location_name or "key", value.location_name or "value"
        read_key, read_value = self._value(key), self._value(value)

        def read(element: Element) -> tuple[Any, Any]:
            children = {local_name(child): child for child in element}
            if key_name not in children or value_name not in children:
                raise malformed()
            return read_key(children[key_name]), read_value(children[value_name])

        return read


def _element_name(member: Member) -> str:
    if member.flattened and member.shape.element is not None and member.shape.element.location_name:
        return member.shape.element.location_name
    return member.wire_name


def _structure_reader(
    fields: Mapping[str, tuple[str, Read]],
    *,
    repeated: frozenset[str],
    attributes: Sequence[tuple[str, str]],
    required: frozenset[str],
) -> Read:
    def read(element: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in element:
            field = fields.get(local_name(child))
            if field is None:
                continue
            name, read_field = field
            if name in repeated:
                _gather(found, name, read_field(child))
            elif name in found:
                raise malformed()
            else:
                found[name] = read_field(child)
        for name, wire in attributes:
            value = element.attrib.get(wire, element.attrib.get(_XSI + wire.partition(":")[2]))
            if value is not None:
                found[name] = value
        if not required <= found.keys():
            raise malformed()
        return found

    return read


def _gather(found: dict[str, Any], name: str, value: Any) -> None:
    """One more element of a flattened list, or one more entry of a flattened map."""
    if isinstance(value, tuple):
        found.setdefault(name, {})[value[0]] = value[1]
    else:
        found.setdefault(name, []).append(value)


def _list_reader(name: str, read_element: Read) -> Read:
    def read(element: Element) -> list[Any]:
        for child in element:
            if local_name(child) != name:
                raise malformed()
        return [read_element(child) for child in element]

    return read


def _map_reader(read_entry: Read) -> Read:
    return lambda element: dict(read_entry(child) for child in element)


def _scalar_reader(member: Member) -> Read:
    if member.shape.type == "string":
        return _read_text
    parse_text = _scalar_parser(member)

    def read(element: Element) -> Any:
        try:
            return parse_text(_read_text(element).strip())
        except (ValueError, binascii.Error) as error:
            raise malformed() from error

    return read


def _read_text(element: Element) -> str:
    if len(element):
        raise malformed()
    return element.text or ""


def _scalar_parser(member: Member) -> Callable[[str], Any]:
    match member.shape.type:
        case "boolean":
            return parse_boolean
        case "integer":
            return lambda text: parse_integer(text, 2**31)
        case "long":
            return lambda text: parse_integer(text, 2**63)
        case "float" | "double":
            return float
        case "timestamp":
            declared = (member.timestamp_format or "iso8601").lower()
            return lambda text: timestamps.parse_any(text, declared)
        case "blob":
            return lambda text: base64.b64decode(text, validate=True)
        case _:
            return str


def compile_writer(shape: Shape) -> Write:
    """A function from a mapping to the elements of a structure's members (without the structure's own element)."""
    return _Writers().children(shape)


@frozen
class _Field:
    """How a value is written: what stands before and after it, and the text between; None: the value itself, escaped.

    Kept apart so that the loop over a structure's members writes strings, the bulk of every listing, without a call.
    """

    opening: str
    closing: str
    inner: Write | None


class _Writers:
    def __init__(self) -> None:
        self._compiled: dict[int, Write] = {}

    def children(self, shape: Shape) -> Write:
        known = self._compiled.get(id(shape))
        if known is not None:
            return known
        rows: list[tuple[str, str, str, Write | None]] = []

        def write(value: Mapping[str, Any]) -> str:
            get = value.get
            return "".join(
                [
                    f"{opening}{inner(one) if inner is not None else _escape(one) if _special(one) else one}{closing}"
                    for name, opening, closing, inner in rows
                    if (one := get(name)) is not None
                ]
            )

        self._compiled[id(shape)] = write
        for one in shape.members.values():
            if one.location is None and not one.xml_attribute:
                field = self._field(one, _element_name(one))
                rows.append((one.name, field.opening, field.closing, field.inner))
        return write

    def _field(self, member: Member, tag: str) -> _Field:
        shape = member.shape
        if shape.type == "list" and shape.element is not None:
            return self._list(member, tag, shape.element)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            return self._map(member, tag, shape.key, shape.value)
        if shape.type == "structure":
            attributes = _attributes_writer(member)
            if attributes is not None:
                return _Field("", "", _with_attributes(tag, attributes, self.children(shape)))
            return _Field(f"<{tag}>", f"</{tag}>", self.children(shape))
        return _Field(f"<{tag}>", f"</{tag}>", _SCALARS.get(shape.type) or _timestamp_writer(member))

    def _list(self, member: Member, tag: str, element: Member) -> _Field:
        one = self._field(element, tag if member.flattened else element.location_name or "member")
        opening, closing, inner = one.opening, one.closing, one.inner or escape

        def write(values: Sequence[Any]) -> str:
            return "".join([f"{opening}{inner(value)}{closing}" for value in values])

        return _Field("", "", write) if member.flattened else _Field(f"<{tag}>", f"</{tag}>", write)

    def _map(self, member: Member, tag: str, key: Member, value: Member) -> _Field:
        entry = tag if member.flattened else "entry"
        first = self._field(key, key.location_name or "key")
        second = self._field(value, value.location_name or "value")
        opening, between, closing = (
            f"<{entry}>{first.opening}",
            first.closing + second.opening,
            f"{second.closing}</{entry}>",
        )
        inner = second.inner or escape

        def write(entries: Mapping[str, Any]) -> str:
            return "".join([f"{opening}{escape(name)}{between}{inner(one)}{closing}" for name, one in entries.items()])

        return _Field("", "", write) if member.flattened else _Field(f"<{tag}>", f"</{tag}>", write)


def _attributes_writer(member: Member) -> Write | None:
    """The attributes of an element whose shape has some: S3's `<Grantee xmlns:xsi=... xsi:type=...>`."""
    attributes = [(one.name, one.wire_name) for one in member.shape.members.values() if one.xml_attribute]
    if not attributes:
        return None
    prefix, uri = member.xml_namespace or ("", "")
    namespace = f' xmlns:{prefix}="{uri}"' if prefix else ""
    return lambda value: (
        namespace
        + "".join([f' {wire}="{escape(value[name])}"' for name, wire in attributes if value.get(name) is not None])
    )


def _with_attributes(tag: str, attributes: Write, children: Write) -> Write:
    return lambda value: f"<{tag}{attributes(value)}>{children(value)}</{tag}>"


def _timestamp_writer(member: Member) -> Write | None:
    if member.shape.type != "timestamp":
        return None
    return timestamps.FORMATTERS[(member.timestamp_format or "iso8601").lower()]


_SCALARS: Mapping[str, Write] = {
    "boolean": format_boolean,
    "integer": str,
    "long": str,
    "float": format_float,
    "double": format_float,
    "blob": lambda value: base64.b64encode(value).decode("ascii"),
}
