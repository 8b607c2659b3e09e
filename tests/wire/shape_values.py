"""hypothesis strategies for values of any shape of a service model: what `decode` yields and `encode` takes."""

import functools
import string

from hypothesis import strategies as st

from lambent.wire.model import Member, Shape

_WIRE_TEXT = st.text(alphabet=string.ascii_letters + string.digits + "!#$&'()*+,-./:;=?@[]_~ ", max_size=12)
_HEADER_TEXT = _WIRE_TEXT.map(str.strip).filter(bool)
_LABEL_TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8
)
_XML_TEXT = st.text(
    alphabet=st.characters(exclude_categories=("Cs", "Cc", "Cn"), include_characters="\t\n<>&\"'"), max_size=12
)
_MILLISECONDS = st.integers(0, 4_000_000_000_000).map(lambda number: number / 1000)
_SECONDS = st.integers(0, 4_000_000_000).map(float)
_TOKEN = st.text(alphabet=string.ascii_letters, min_size=1, max_size=6)
MAX_DEPTH = 3


def values(shape: Shape, *, required: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, object]]:
    """A structure's members: the required ones and some of the others; one of a union's."""
    return _structure(shape, 0, frozenset(required or shape.required))


@functools.cache
def _structure(shape: Shape, depth: int, required: frozenset[str]) -> st.SearchStrategy[dict[str, object]]:
    if depth > MAX_DEPTH and not required and not shape.is_union:
        return st.just({})
    members = {
        name: _member(member, depth)
        for name, member in shape.members.items()
        if not member.streaming and not member.shape.is_event_stream
    }
    if shape.is_union:
        return st.one_of([st.fixed_dictionaries({name: one}) for name, one in members.items()])
    return st.fixed_dictionaries(
        {name: one for name, one in members.items() if name in required},
        optional={} if depth > MAX_DEPTH else {name: one for name, one in members.items() if name not in required},
    )


def _member(member: Member, depth: int) -> st.SearchStrategy[object]:
    if member.location == "uri" and member.shape.type == "string":
        return _LABEL_TEXT
    if member.location in ("header", "headers"):
        return _in_header(member)
    if member.location == "querystring" and member.shape.type == "map":
        return st.dictionaries(_TOKEN.map("x".__add__), st.just("v"), min_size=1, max_size=1)
    if member.location == "statusCode":
        return st.integers(200, 299)
    return st.deferred(lambda: _value(member, depth))


def _in_header(member: Member) -> st.SearchStrategy[object]:
    match member.shape.type:
        case "timestamp":
            return _SECONDS
        case "list" if member.shape.element is not None:
            return st.lists(_in_header(member.shape.element), min_size=1, max_size=3)
        case "map":
            return st.dictionaries(_TOKEN.map(str.lower), _HEADER_TEXT, min_size=1, max_size=2)
        case "string":
            return _TOKEN if member.name == "member" else _HEADER_TEXT
        case _:
            return _scalar(member)


def _value(member: Member, depth: int) -> st.SearchStrategy[object]:
    shape = member.shape
    if shape.type == "structure":
        return _structure(shape, depth + 1, frozenset(shape.required))
    if shape.type == "list" and shape.element is not None:
        return st.lists(_member(shape.element, depth + 1), min_size=1, max_size=2)
    if shape.type == "map" and shape.value is not None:
        return st.dictionaries(_TOKEN, _member(shape.value, depth + 1), min_size=1, max_size=2)
    return _scalar(member)


def _scalar(member: Member) -> st.SearchStrategy[object]:
    match member.shape.type:
        case "string":
            return _XML_TEXT if not member.xml_attribute else _TOKEN
        case "integer":
            return st.integers(-(2**31), 2**31 - 1)
        case "long":
            return st.integers(-(2**63), 2**63 - 1)
        case "boolean":
            return st.booleans()
        case "float":
            return st.floats(width=32, allow_nan=False, allow_infinity=False)
        case "double":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "blob":
            return st.binary(max_size=12)
        case "timestamp":
            return _SECONDS if member.timestamp_format == "rfc822" else _MILLISECONDS
        case "document":
            return st.dictionaries(_TOKEN, st.integers(0, 9) | _TOKEN, max_size=2)
    raise AssertionError(member.shape)
