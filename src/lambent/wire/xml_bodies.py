"""XML bodies: elements <-> members of a shape, for rest_xml and query.

Reading goes by local names, whatever the namespace: AWS's own clients disagree about sending it. There is no DTD and so no
entity to expand: defusedxml refuses them. Who breaks the schema hears MalformedXML, in S3's one sentence for it.
Writing builds strings from compiled closures: a listing of 1,000 keys is 6,000 elements.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from lambent.wire import timestamps
from lambent.wire.errors import MalformedXML
from lambent.wire.model import Member, Shape
from lambent.wire.rest import format_boolean, format_float, parse_boolean, parse_integer

Read = Callable[[Element], Any]
Append = Callable[[str], None]
Write = Callable[[Any, Append], None]

_SENTENCE = "The XML you provided was not well-formed or did not validate against our published schema"
_MAX_DEPTH = 64
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

_special = re.compile('[&<>"\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]').search
_ESCAPES = {
    **{code: f"&#x{code:x};" for code in (*range(0x20), 0x7F)},
    **dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd"),
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("\n"): "\n",
    ord("\t"): "\t",
}


def escape(text: str) -> str:
    """Control characters become references, as S3 writes them into listings although XML 1.0 has no place for them."""
    return text.translate(_ESCAPES) if _special(text) else text


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
        self._compiled[id(shape)] = lambda element: self._compiled[id(shape)](element)
        members = [one for one in shape.members.values() if one.location is None]
        fields = {_element_name(one): (one.name, self._field(one)) for one in members if not one.xml_attribute}
        lists = frozenset(one.name for one in members if one.flattened)
        attributes = [(one.name, one.wire_name) for one in members if one.xml_attribute]
        required = frozenset(one for one in shape.required if shape.members[one].location is None)
        read = self._compiled[id(shape)] = _structure_reader(fields, lists, attributes, required)
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
    """A function that appends the elements of a structure's members (without the structure's own element)."""
    return _Writers().children(shape)


class _Writers:
    def __init__(self) -> None:
        self._compiled: dict[int, Write] = {}

    def children(self, shape: Shape) -> Write:
        known = self._compiled.get(id(shape))
        if known is not None:
            return known
        self._compiled[id(shape)] = lambda value, append: self._compiled[id(shape)](value, append)
        fields = [
            (one.name, self._field(one, _element_name(one)))
            for one in shape.members.values()
            if one.location is None and not one.xml_attribute
        ]

        def write(value: Mapping[str, Any], append: Append) -> None:
            for name, write_field in fields:
                one = value.get(name)
                if one is not None:
                    write_field(one, append)

        self._compiled[id(shape)] = write
        return write

    def _field(self, member: Member, tag: str) -> Write:
        shape = member.shape
        if shape.type == "structure":
            return _element_writer(tag, member, self.children(shape))
        if shape.type == "list" and shape.element is not None:
            return self._list(member, tag, shape.element)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            return self._map(member, tag, shape.key, shape.value)
        return _scalar_writer(member, tag)

    def _list(self, member: Member, tag: str, element: Member) -> Write:
        write_one = self._field(element, tag if member.flattened else element.location_name or "member")

        def write_all(values: Sequence[Any], append: Append) -> None:
            for value in values:
                write_one(value, append)

        return write_all if member.flattened else _wrapped(tag, write_all)

    def _map(self, member: Member, tag: str, key: Member, value: Member) -> Write:
        write_key = self._field(key, key.location_name or "key")
        write_value = self._field(value, value.location_name or "value")
        entry = tag if member.flattened else "entry"

        def write_all(entries: Mapping[str, Any], append: Append) -> None:
            for name, one in entries.items():
                append(f"<{entry}>")
                write_key(name, append)
                write_value(one, append)
                append(f"</{entry}>")

        return write_all if member.flattened else _wrapped(tag, write_all)


def _wrapped(tag: str, write_inner: Write) -> Write:
    opening, closing = f"<{tag}>", f"</{tag}>"

    def write(value: Any, append: Append) -> None:
        append(opening)
        write_inner(value, append)
        append(closing)

    return write


def _element_writer(tag: str, member: Member, write_children: Write) -> Write:
    """An element with attributes where the shape has some: S3's `<Grantee xmlns:xsi=... xsi:type=...>`."""
    attributes = [(one.name, one.wire_name) for one in member.shape.members.values() if one.xml_attribute]
    if not attributes:
        return _wrapped(tag, write_children)
    prefix, uri = member.xml_namespace or ("", "")
    opening, closing = f'<{tag} xmlns:{prefix}="{uri}"' if prefix else f"<{tag}", f"</{tag}>"

    def write(value: Mapping[str, Any], append: Append) -> None:
        append(opening)
        for name, wire in attributes:
            if value.get(name) is not None:
                append(f' {wire}="{escape(value[name])}"')
        append(">")
        write_children(value, append)
        append(closing)

    return write


def _scalar_writer(member: Member, tag: str) -> Write:
    opening, closing = f"<{tag}>", f"</{tag}>"
    if member.shape.type == "string":
        return lambda value, append: append(f"{opening}{escape(value)}{closing}")
    text = _scalar_text(member)
    return lambda value, append: append(f"{opening}{text(value)}{closing}")


def _scalar_text(member: Member) -> Callable[[Any], str]:
    match member.shape.type:
        case "boolean":
            return format_boolean
        case "float" | "double":
            return format_float
        case "timestamp":
            return timestamps.FORMATTERS[(member.timestamp_format or "iso8601").lower()]
        case "blob":
            return lambda value: base64.b64encode(value).decode("ascii")
        case _:
            return str
