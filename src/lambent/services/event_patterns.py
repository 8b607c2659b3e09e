"""Event patterns: the JSON language of EventBridge that event source mappings filter with as well.

A pattern is compiled once into closures. An object asks every one of its keys, a list is a choice of values for a leaf,
`$or` a choice of objects. Where an event has a list, one matching element is enough, for a nested object one whose
fields all match; dots join names, in patterns and in events ("Considerations when creating event patterns").
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html and
"Lambda event filtering", https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html. The comparisons
that stand in a leaf are in `event_pattern_values`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from lambent.services.event_pattern_values import Absent, InvalidPattern, compile_choice

Pattern = Callable[[Any], bool]
"""Does a JSON document (as Python values) match?"""

OR = "$or"

#: Objects within objects of a pattern; compiled ones call each other, and the interpreter's stack has an end.
MAX_DEPTH = 100

_ABSENT = Absent.ABSENT


def compile_pattern(text: str) -> Pattern:
    """Raises InvalidPattern."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidPattern(f"Event pattern is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidPattern("Filter is not an object")
    if _is_deeper(document, MAX_DEPTH):
        raise InvalidPattern(f"Event pattern is nested more than {MAX_DEPTH} levels deep")
    return _object(document) if document else lambda _: True


def compile_kept(text: str) -> Pattern:
    """What was checked when it was kept. Would this version refuse it, it matches nothing: it must not stop others."""
    try:
        return compile_pattern(text)
    except InvalidPattern:
        return lambda _: False


def _is_deeper(document: Any, depth: int) -> bool:
    """Level by level, so that it comes to an end itself."""
    level = [document]
    for _ in range(depth):
        level = [inner for one in level for inner in _inner(one)]
    return bool(level)


def _inner(document: Any) -> Iterator[Any]:
    """The objects and lists of the next level, of which a dot in a name makes one."""
    if isinstance(document, dict):
        for key, value in document.items():
            _, dot, rest = key.partition(".")
            if dot or isinstance(value, dict | list):
                yield {rest: value} if dot else value
    else:
        yield from (one for one in document if isinstance(one, dict | list))


def _object(document: Mapping[str, Any]) -> Pattern:
    """Every key must match."""
    if not document:
        raise InvalidPattern("Empty objects are not allowed")
    parts = [
        _alternatives(value) if has_alternatives(key, value) else _field(key, value) for key, value in document.items()
    ]
    if len(parts) == 1:
        return parts[0]
    return lambda event: all(part(event) for part in parts)


def has_alternatives(key: str, value: Any) -> bool:
    """`$or` with fewer than two objects is a field of that name."""
    return key == OR and isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) for one in value)


def _alternatives(documents: list[Mapping[str, Any]]) -> Pattern:
    choices = [_object(document) for document in documents]
    return lambda event: any(choice(event) for choice in choices)


def _field(key: str, wanted: Any) -> Pattern:
    """Dots join names: `{"a.b": ["x"]}` asks the same as `{"a": {"b": ["x"]}}`."""
    first, dot, rest = key.partition(".")
    if dot:
        return _nested(first, _field(rest, wanted))
    if isinstance(wanted, dict):
        return _nested(key, _object(wanted))
    if isinstance(wanted, list):
        return _leaf(key, wanted)
    raise InvalidPattern(f'"{key}" must be an object or an array')


def _nested(key: str, nested: Pattern) -> Pattern:
    prefix = f"{key}."
    return lambda event: _any_object(_under(event, key, prefix), nested)


def _under(event: Any, key: str, prefix: str) -> Any:
    """What stands under a name, which an event may have joined with the next one."""
    if not isinstance(event, dict):
        return None
    value = event.get(key)
    if "." not in "".join(event):  # nearly always, and looking at every name takes four times as long
        return value
    under = {name.removeprefix(prefix): event[name] for name in event if name.startswith(prefix)}
    if not under:
        return value
    if isinstance(value, list):
        return [*value, under]
    return {**under, **value} if isinstance(value, dict) else under


def _any_object(value: Any, nested: Pattern) -> bool:
    if isinstance(value, list):
        return any(nested(one if isinstance(one, dict) else {}) for one in _elements(value))
    return nested(value if isinstance(value, dict) else {})


def _leaf(key: str, wanted: list[Any]) -> Pattern:
    if not wanted:
        raise InvalidPattern("Empty arrays are not allowed")
    choices = [compile_choice(one) for one in wanted]

    def matches(event: Any) -> bool:
        value = event.get(key, _ABSENT) if isinstance(event, dict) else _ABSENT
        return any(choice(scalar) for scalar in _scalars(value) for choice in choices)

    return matches


def _scalars(value: Any) -> Iterator[Any]:
    """The leaves that stand under a name: an object is none, and neither is an empty list."""
    if isinstance(value, list):
        yield from [one for one in _elements(value) if not isinstance(one, dict)] or [_ABSENT]
    else:
        yield _ABSENT if isinstance(value, dict) else value


def _elements(value: list[Any]) -> Iterator[Any]:
    """Of the list, and of the lists in it: an event may have more of them in each other than the stack has room for."""
    lists = [iter(value)]
    while lists:
        for one in lists[-1]:
            if isinstance(one, list):
                lists.append(iter(one))
                break
            yield one
        else:
            lists.pop()
