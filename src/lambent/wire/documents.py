"""JSON-like trees <-> members of a shape: what the JSON and CBOR codecs share.

A shape is compiled once into nested closures; `Leaves` says how a protocol writes the scalars. Reading checks types and
answers a mismatch in AWS's words (SerializationException); unknown members are skipped and null members count
as absent, as AWS does for clients newer than itself. In maps a null value drops the entry, in lists it is
refused (https://smithy.io/2.0/spec/type-refinement-traits.html#sparse-trait). Writing skips None and what the shape
does not have.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lambent.kit.frozen import frozen
from lambent.wire.errors import SerializationError
from lambent.wire.model import Member, Shape

Convert = Callable[[Any], Any]


class Finished(list[dict[str, Any]]):
    """Structures for one answer alone, with no None and no member that their shape lacks: written into, not copied.

    For pages of many: of a GetRecords, copying and looking at each member was a tenth.
    """


@frozen
class Leaves:
    """Scalar converters of one direction of one protocol, by shape type; `timestamp` by format as well."""

    scalars: Mapping[str, Convert]
    timestamps: Mapping[str, Convert]
    default_timestamp: str
    uses_location_names: bool

    def leaf(self, member: Member) -> Convert | None:
        """None: the value goes through as it is."""
        if member.shape.type == "timestamp":
            return self.timestamps[(member.timestamp_format or self.default_timestamp).lower()]
        return self.scalars.get(member.shape.type)

    def name(self, member: Member) -> str:
        return member.wire_name if self.uses_location_names else member.name


def compile_reader(shape: Shape, leaves: Leaves) -> Convert:
    """A function from the parsed tree to a dict by member names. Raises SerializationError."""
    return _Readers(leaves).structure(shape)


def compile_writer(shape: Shape, leaves: Leaves) -> Convert:
    """A function from a mapping by member names to the tree to be written."""
    return _Writers(leaves).structure(shape)


def body_members(shape: Shape) -> list[Member]:
    return [member for member in shape.members.values() if member.location is None and not member.is_event_header]


class _Readers:
    def __init__(self, leaves: Leaves) -> None:
        self._leaves = leaves
        self._compiled: dict[int, Convert] = {}

    def member(self, member: Member) -> Convert:
        shape = member.shape
        if shape.type == "structure":
            return self.structure(shape)
        if shape.type == "list" and shape.element is not None:
            return _list_reader(self.member(shape.element))
        if shape.type == "map" and shape.value is not None:
            return _map_reader(self.member(shape.value))
        return self._leaves.leaf(member) or _as_is

    def structure(self, shape: Shape) -> Convert:
        known = self._compiled.get(id(shape))
        if known is not None:
            return known
        fields: dict[str, tuple[str, Convert]] = {}

        def read(tree: Any) -> dict[str, Any]:
            if type(tree) is not dict:
                raise wrong_type(tree, "a structure")
            found = {}
            for key, value in tree.items():
                field = fields.get(key)
                if field is not None and value is not None:
                    found[field[0]] = field[1](value)
            return found

        # Filled in afterwards, for a shape that contains itself.
        self._compiled[id(shape)] = read
        fields.update({self._leaves.name(one): (one.name, self.member(one)) for one in body_members(shape)})
        return read


def _list_reader(element: Convert) -> Convert:
    def read(tree: Any) -> list[Any]:
        if type(tree) is not list:
            raise wrong_type(tree, "a list")
        if None in tree:
            raise SerializationError("NULL_VALUE found in a list")
        return tree if element is _as_is else [element(value) for value in tree]

    return read


def _map_reader(entry: Convert) -> Convert:
    def read(tree: Any) -> dict[str, Any]:
        if type(tree) is not dict:
            raise wrong_type(tree, "a map")
        if entry is _as_is and None not in tree.values():
            return tree
        return {key: entry(value) for key, value in tree.items() if value is not None}

    return read


class _Writers:
    def __init__(self, leaves: Leaves) -> None:
        self._leaves = leaves
        self._compiled: dict[int, Convert] = {}
        self._in_place: dict[int, dict[str, Convert]] = {}
        """Members that do not go out as they are, by structure; of those whose members all keep their names."""

    def member(self, member: Member) -> Convert:
        shape = member.shape
        if shape.type == "structure":
            return self.structure(shape)
        if shape.type == "list" and shape.element is not None:
            return self._list(shape.element)
        if shape.type == "map" and shape.value is not None:
            return _map_writer(self.member(shape.value))
        return self._leaves.leaf(member) or _as_is

    def structure(self, shape: Shape) -> Convert:
        known = self._compiled.get(id(shape))
        if known is not None:
            return known
        plain: dict[str, str] = {}
        converted: dict[str, tuple[str, Convert]] = {}

        def write(value: Mapping[str, Any]) -> dict[str, Any]:
            tree = {}
            for name, one in value.items():
                if one is None:
                    continue
                if name in plain:
                    tree[plain[name]] = one
                elif name in converted:
                    wire_name, convert = converted[name]
                    tree[wire_name] = convert(one)
            return tree

        # Filled in afterwards, for a shape that contains itself.
        self._compiled[id(shape)] = write
        for one in body_members(shape):
            convert, wire_name = self.member(one), self._leaves.name(one)
            if convert is _as_is:
                plain[one.name] = wire_name
            else:
                converted[one.name] = (wire_name, convert)
        if all(self._leaves.name(one) == one.name for one in body_members(shape)):
            self._in_place[id(shape)] = {name: convert for name, (_, convert) in converted.items()}
        return write

    def _list(self, element: Member) -> Convert:
        convert = self.member(element)
        if convert is _as_is:
            return _as_is
        in_place = self._in_place.get(id(element.shape))

        def write(values: list[Any]) -> list[Any]:
            if in_place is not None and type(values) is Finished:
                return _finish(values, in_place)
            return [convert(one) for one in values]

        return write


def _finish(structures: Finished, converts: Mapping[str, Convert]) -> Finished:
    for name, convert in converts.items():
        for one in structures:
            if name in one:
                one[name] = convert(one[name])
    return structures


def _map_writer(entry: Convert) -> Convert:
    if entry is _as_is:
        return _as_is
    return lambda value: {key: entry(one) for key, one in value.items()}


def _as_is(value: Any) -> Any:
    return value


def wrong_type(value: Any, wanted: str) -> SerializationError:
    """AWS's sentences: `NUMBER_VALUE cannot be converted to String`, or what started where nothing should."""
    if isinstance(value, dict):
        return SerializationError("Start of structure or map found where not expected")
    if isinstance(value, list):
        return SerializationError("Start of list found where not expected")
    return SerializationError(f"{_token(value)} cannot be converted to {wanted}")


def _token(value: Any) -> str:
    if value is None:
        return "NULL_VALUE"
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, int | float):
        return "NUMBER_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "BINARY_VALUE"
