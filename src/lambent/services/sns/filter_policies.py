"""Filter policies: which messages a subscription wants, by their attributes or by their body.

The language is that of event patterns. SNS adds limits, has no nesting where attributes are asked, and lets `null`
stand for an attribute that is not there. "Amazon SNS subscription filter policies" and "Filter policy constraints" in
the developer guide.
"""

import functools
from collections.abc import Mapping
from enum import Enum
from typing import Any

import orjson

from lambent.services import event_patterns
from lambent.services.event_pattern_values import InvalidPattern
from lambent.services.event_patterns import Pattern
from lambent.services.sns import message_attributes
from lambent.services.sns.bad_attribute import BadAttribute
from lambent.services.sns.message_attributes import STRING_ARRAY, MessageAttribute

#: "A filter policy can have a maximum of five keys", "The total combination of values must not exceed 150", "The
#: maximum size of a filter policy is 256 KB".
MAX_KEYS = 5
MAX_COMBINATIONS = 150
MAX_BYTES = 256 * 1024

_NAME = "FilterPolicy"
_COMPILED = 4_096


class Scope(Enum):
    #: The policy's keys are names of message attributes.
    ATTRIBUTES = "MessageAttributes"
    #: The message is a JSON object, and the policy a pattern for it.
    BODY = "MessageBody"


def check(text: str, scope: Scope) -> None:
    """Raises BadAttribute."""
    if len(text.encode()) > MAX_BYTES:
        raise BadAttribute(_NAME, f"{_NAME}: Filter policy is too large")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadAttribute(_NAME, f"{_NAME}: failed to parse JSON. {error}") from error
    if not isinstance(document, dict):
        raise BadAttribute(_NAME, f"{_NAME}: Filter is not an object")
    if scope is Scope.ATTRIBUTES and _is_nested(document):
        raise BadAttribute(_NAME, "Filter policy scope MessageAttributes does not support nested filter policy")
    try:
        event_patterns.compile_pattern(text)
    except InvalidPattern as error:
        raise BadAttribute(_NAME, f"{_NAME}: {error}") from error
    if len(_keys(document)) > MAX_KEYS:
        raise BadAttribute(_NAME, f"{_NAME}: Filter policy can not have more than {MAX_KEYS} keys")
    if _combinations(document, depth=1) > MAX_COMBINATIONS:
        raise BadAttribute(_NAME, f"{_NAME}: Filter policy is too complex")


def matches(policy: str, scope: Scope, attributes: Mapping[str, MessageAttribute], body: str) -> bool:
    """Whether a message passes a policy that was checked."""
    if scope is Scope.ATTRIBUTES:
        return _compiled_for_attributes(policy)(_attribute_document(attributes))
    document = _object(body)
    return document is not None and _compiled(policy)(document)


def is_object(body: str) -> bool:
    """Whether a policy for bodies can look into it."""
    return _object(body) is not None


def _object(body: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


@functools.lru_cache(_COMPILED)
def _compiled(policy: str) -> Pattern:
    return event_patterns.compile_kept(policy)


@functools.lru_cache(_COMPILED)
def _compiled_for_attributes(policy: str) -> Pattern:
    return event_patterns.compile_kept(orjson.dumps(_null_is_absent(orjson.loads(policy))).decode())


def _null_is_absent(document: Mapping[str, Any]) -> dict[str, Any]:
    """`[null]` wants an attribute that is not there, or an array with a null in it."""
    return {key: _choices_or_absent(key, value) for key, value in document.items()}


def _choices_or_absent(key: str, value: list[Any]) -> list[Any]:
    if event_patterns.has_alternatives(key, value):
        return [_null_is_absent(one) for one in value]
    return [*value, {"exists": False}] if None in value else value


def _attribute_document(attributes: Mapping[str, MessageAttribute]) -> dict[str, Any]:
    """Numbers as numbers, arrays as arrays; "Amazon SNS ignores message attributes with the Binary data type"."""
    document: dict[str, Any] = {}
    for name, attribute in attributes.items():
        kind = attribute.data_type.partition(".")[0]
        if attribute.data_type == STRING_ARRAY:
            document[name] = _array(attribute.value)
        elif kind == "Number":
            document[name] = message_attributes.number(attribute.value)
        elif kind == "String":
            document[name] = attribute.value
    return document


def _array(text: str) -> Any:
    """What is no array stands as the string it is."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if isinstance(value, list) else text


def _is_nested(document: Mapping[str, Any]) -> bool:
    return any(
        isinstance(value, dict)
        or (event_patterns.has_alternatives(key, value) and any(_is_nested(one) for one in value))
        for key, value in document.items()
    )


def _keys(document: Mapping[str, Any]) -> set[str]:
    """Top-level ones ("only these top-level keys count toward the limit"); alternatives may ask for the same."""
    found: set[str] = set()
    for key, value in document.items():
        found |= set().union(*map(_keys, value)) if event_patterns.has_alternatives(key, value) else {key}
    return found


def _combinations(document: Mapping[str, Any], depth: int) -> int:
    """Values of each leaf times its depth, multiplied; alternatives are added up."""
    total = 1
    for key, value in document.items():
        if isinstance(value, dict):
            total *= _combinations(value, depth + 1)
        elif event_patterns.has_alternatives(key, value):
            total *= sum(_combinations(one, depth) for one in value)
        else:
            total *= sum(_width(one) for one in value) * depth
    return total


def _width(choice: Any) -> int:
    """A list inside an operator (`anything-but`) counts with all its values."""
    if isinstance(choice, dict):
        [operand] = choice.values()
        return len(operand) if isinstance(operand, list) and "anything-but" in choice else 1
    return 1
