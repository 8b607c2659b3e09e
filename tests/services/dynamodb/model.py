"""What a table of DynamoDB should do, in plain Python: items are dicts of Python values, a write is a function.

Conditions and updates are values that can both be told to DynamoDB (`text`) and be done here (`holds`, `change`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

Item = dict[str, Any]
Key = tuple[str, Decimal]

KEY_NAMES = ("pk", "sk")
INDEX_KEY_TYPES: dict[str, type] = {"g": str, "h": Decimal}
_MISSING = object()


class Refused(Exception):
    """Nothing was written; `code` is AWS's."""

    def __init__(self, code: str, item: Item | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


class Values:
    """The ExpressionAttributeValues of one request."""

    def __init__(self) -> None:
        self.wire: dict[str, Any] = {}

    def name(self, value: Any) -> str:
        placeholder = f":v{len(self.wire)}"
        self.wire[placeholder] = to_wire(value)
        return placeholder


def to_wire(value: Any) -> dict[str, Any]:
    wire: Any = TypeSerializer().serialize(value)
    return dict(wire)


def item_to_wire(item: Item) -> dict[str, Any]:
    return {name: to_wire(value) for name, value in item.items()}


def item_from_wire(wire: dict[str, Any]) -> Item:
    return {name: _plain(TypeDeserializer().deserialize(value)) for name, value in wire.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Binary):
        return bytes(value.value)  # type: ignore[attr-defined]  # the stubs do not know it
    if isinstance(value, list):
        return [_plain(element) for element in value]
    return {name: _plain(member) for name, member in value.items()} if isinstance(value, dict) else value


def typed(value: Any) -> Any:
    """To compare by: True is not the number 1."""
    if isinstance(value, dict):
        return {name: typed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [typed(element) for element in value]
    return (type(value).__name__, value)


# Conditions


class Condition(Protocol):
    def text(self, values: Values, /) -> str: ...

    def holds(self, item: Item) -> bool: ...


@dataclass(frozen=True)
class Exists:
    name: str
    wanted: bool

    def text(self, _values: Values) -> str:
        return f"attribute_{'' if self.wanted else 'not_'}exists({self.name})"

    def holds(self, item: Item) -> bool:
        return (self.name in item) is self.wanted


@dataclass(frozen=True)
class Compare:
    name: str
    operator: str
    value: Any

    def text(self, values: Values) -> str:
        return f"{self.name} {self.operator} {values.name(self.value)}"

    def holds(self, item: Item) -> bool:
        own = item.get(self.name, _MISSING)
        if self.operator in ("=", "<>"):
            return (typed(own) == typed(self.value)) is (self.operator == "=")
        if type(own) is not type(self.value) or not isinstance(own, (str, bytes, Decimal)):
            return False
        left, right = (one.encode() if isinstance(one, str) else one for one in (own, self.value))
        order: dict[str, Callable[[Any, Any], bool]] = {
            "<": lambda a, b: a < b,
            "<=": lambda a, b: a <= b,
            ">": lambda a, b: a > b,
            ">=": lambda a, b: a >= b,
        }
        return order[self.operator](left, right)


@dataclass(frozen=True)
class Between:
    name: str
    low: Decimal
    high: Decimal

    def text(self, values: Values) -> str:
        return f"{self.name} BETWEEN {values.name(self.low)} AND {values.name(self.high)}"

    def holds(self, item: Item) -> bool:
        own = item.get(self.name)
        return isinstance(own, Decimal) and self.low <= own <= self.high


@dataclass(frozen=True)
class OneOf:
    name: str
    choices: Sequence[Any]

    def text(self, values: Values) -> str:
        return f"{self.name} IN ({', '.join(values.name(choice) for choice in self.choices)})"

    def holds(self, item: Item) -> bool:
        return self.name in item and typed(item[self.name]) in [typed(choice) for choice in self.choices]


@dataclass(frozen=True)
class BeginsWith:
    name: str
    prefix: str

    def text(self, values: Values) -> str:
        return f"begins_with({self.name}, {values.name(self.prefix)})"

    def holds(self, item: Item) -> bool:
        own = item.get(self.name)
        return isinstance(own, str) and own.startswith(self.prefix)


@dataclass(frozen=True)
class Contains:
    name: str
    value: str

    def text(self, values: Values) -> str:
        return f"contains({self.name}, {values.name(self.value)})"

    def holds(self, item: Item) -> bool:
        own = item.get(self.name)
        return isinstance(own, (str, set, list)) and self.value in own


@dataclass(frozen=True)
class Size:
    name: str
    at_least: Decimal

    def text(self, values: Values) -> str:
        return f"size({self.name}) >= {values.name(self.at_least)}"

    def holds(self, item: Item) -> bool:
        own = item.get(self.name)
        return isinstance(own, (set, list, dict)) and len(own) >= self.at_least


@dataclass(frozen=True)
class Not:
    condition: Condition

    def text(self, values: Values) -> str:
        return f"NOT {_operand(self.condition, values)}"

    def holds(self, item: Item) -> bool:
        return not self.condition.holds(item)


@dataclass(frozen=True)
class Both:
    operator: str
    left: Condition
    right: Condition

    def text(self, values: Values) -> str:
        return f"{_operand(self.left, values)} {self.operator} {_operand(self.right, values)}"

    def holds(self, item: Item) -> bool:
        both = (self.left.holds(item), self.right.holds(item))
        return all(both) if self.operator == "AND" else any(both)


def _operand(condition: Condition, values: Values) -> str:
    """Parentheses where they matter; redundant ones are refused."""
    text = condition.text(values)
    return f"({text})" if isinstance(condition, (Not, Both)) else text


# Updates


@dataclass(frozen=True)
class Action:
    """One action of an update expression on attribute `name`."""

    kind: str
    name: str
    value: Any = None

    @property
    def section(self) -> str:
        sections = {"remove": "REMOVE", "remove element": "REMOVE", "add": "ADD", "delete": "DELETE"}
        return sections.get(self.kind, "SET")

    @property
    def is_top_level(self) -> bool:
        return "element" not in self.kind and "member" not in self.kind

    def text(self, values: Values) -> str:
        name, value = self.name, None if self.section == "REMOVE" else values.name(self.value)
        return {
            "set": f"{name} = {value}",
            "increase": f"{name} = {name} + {value}",
            "decrease": f"{name} = {name} - {value}",
            "default": f"{name} = if_not_exists({name}, {value})",
            "append": f"{name} = list_append({name}, {value})",
            "set member": f"{name}.k = {value}",
            "set element": f"{name}[1] = {value}",
            "remove": name,
            "remove element": f"{name}[0]",
            "add": f"{name} {value}",
            "delete": f"{name} {value}",
        }[self.kind]

    def change(self, old: Any) -> Any:
        """The attribute's new value, or _MISSING. Raises Refused."""
        value = self.value
        match self.kind, old:
            case ("set", _):
                return value
            case ("increase" | "add", Decimal()) if isinstance(value, Decimal):
                return old + value
            case ("decrease", Decimal()):
                return old - value
            case ("default", _):
                return value if old is _MISSING else old
            case ("append", list()):
                return old + value
            case ("set member", dict()):
                return {**old, "k": value}
            case ("set element", list()):
                return [*old[:1], value, *old[2:]]
            case ("remove", _):
                return _MISSING
            case ("remove element", list()):
                return old[1:]
            case ("add", set()) if isinstance(value, set):
                return old | value
            case ("delete", set()):
                return old - value or _MISSING
            case ("add", _) if old is _MISSING:
                return value
            case ("delete", _) if old is _MISSING:
                return _MISSING
        raise Refused("ValidationException")


def update_text(actions: Sequence[Action], values: Values) -> str:
    sections: dict[str, list[str]] = {}
    for action in actions:
        sections.setdefault(action.section, []).append(action.text(values))
    return " ".join(f"{section} {', '.join(texts)}" for section, texts in sections.items())


def apply_update(actions: Sequence[Action], key: Key, old: Item | None) -> Item | None:
    """Removing things from an item that is not there does nothing, and creates none. Raises Refused."""
    if old is None:
        actions = [action for action in actions if action.section not in ("REMOVE", "DELETE")]
        if not actions:
            return None
    start = old if old is not None else dict(zip(KEY_NAMES, key, strict=True))
    new = {**start, **{action.name: action.change(start.get(action.name, _MISSING)) for action in actions}}
    return {name: value for name, value in new.items() if value is not _MISSING}


# The table


@dataclass(frozen=True)
class Write:
    """To the item `key`: put `item`, or update by `actions`, or only check, or delete."""

    key: Key
    item: Item | None = None
    actions: Sequence[Action] = ()
    is_check: bool = False
    condition: Condition | None = None

    def result(self, old: Item | None) -> Item | None:
        """What is there afterwards. Raises Refused."""
        if self.condition is not None and not self.condition.holds(old or {}):
            raise Refused("ConditionalCheckFailedException", old)
        if self.is_check:
            return old
        new = (
            self.item if self.item is not None else apply_update(self.actions, self.key, old) if self.actions else None
        )
        if new is not None and not _has_valid_index_keys(new):
            raise Refused("ValidationException")
        return new


def _has_valid_index_keys(item: Item) -> bool:
    """Index keys may be missing, but not be of another type, nor empty."""
    return all(
        name not in item or (type(item[name]) is kind and item[name] != "") for name, kind in INDEX_KEY_TYPES.items()
    )


@dataclass(frozen=True)
class Change:
    """What the stream should tell."""

    old: Item | None
    new: Item | None


@dataclass
class ModelTable:
    items: dict[Key, Item] = field(default_factory=dict)
    changes: dict[Key, list[Change]] = field(default_factory=dict)
    """Of every item, in order."""

    def write(self, write: Write) -> Change:
        """Raises Refused."""
        change = self._outcome(write)
        self._store(write.key, change)
        return change

    def transact(self, writes: Sequence[Write]) -> list[str] | None:
        """The reasons why not, in order; None if it was done."""
        outcomes: list[Change] = []
        reasons: list[str] = []
        for write in writes:
            try:
                outcomes.append(self._outcome(write))
                reasons.append("None")
            except Refused as refused:
                is_condition = refused.code == "ConditionalCheckFailedException"
                reasons.append("ConditionalCheckFailed" if is_condition else "ValidationError")
        if len(outcomes) < len(writes):
            return reasons
        for write, change in zip(writes, outcomes, strict=True):
            self._store(write.key, change)
        return None

    def sorted_items(self, chosen: Callable[[Item], bool], *order: str) -> list[Item]:
        found = [item for item in self.items.values() if chosen(item) and all(name in item for name in order)]
        return sorted(found, key=lambda item: [item[name] for name in order])

    def _outcome(self, write: Write) -> Change:
        old = self.items.get(write.key)
        return Change(old, write.result(old))

    def _store(self, key: Key, change: Change) -> None:
        if typed(change.old) == typed(change.new):
            return
        self.changes.setdefault(key, []).append(change)
        if change.new is None:
            del self.items[key]
        else:
            self.items[key] = change.new
