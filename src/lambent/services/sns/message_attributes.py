"""Message attributes: what Publish takes for one, and how it is sized.

"Amazon SNS message attributes" in the developer guide.
"""

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services.sns.errors import InvalidParameterValue

_KINDS = frozenset(("String", "Number", "Binary"))
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_MAX_NAME_BYTES = 256

STRING_ARRAY = "String.Array"


@frozen
class MessageAttribute:
    data_type: str
    """`String`, `String.Array`, `Number`, `Binary`, perhaps with another label behind a dot."""
    value: str
    """Base64 if it is binary."""

    @property
    def is_binary(self) -> bool:
        return self.data_type.partition(".")[0] == "Binary"

    @property
    def size(self) -> int:
        """In bytes, with the type as AWS counts it."""
        value = base64.b64decode(self.value) if self.is_binary else self.value.encode()
        return len(self.data_type.encode()) + len(value)


def parse(given: Mapping[str, Mapping[str, Any]]) -> dict[str, MessageAttribute]:
    """As a request has them. Raises InvalidParameterValue."""
    for name in given:
        _check_name(name)
    return {name: _parse_one(name, value) for name, value in given.items()}


def _check_name(name: str) -> None:
    if len(name.encode()) >= _MAX_NAME_BYTES:
        raise InvalidParameterValue("Length of message attribute name must be less than 256 bytes.")
    for character in name:
        if character not in _NAME_CHARACTERS:
            raise InvalidParameterValue(
                f"Invalid non-alphanumeric character '#x{ord(character):X}' was found in the message attribute name. "
                "Can only include alphanumeric characters, hyphens, underscores, or dots."
            )
    if name.startswith("."):
        raise InvalidParameterValue("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise InvalidParameterValue("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise InvalidParameterValue("Message attribute name can not have successive '.' character.")


def _parse_one(name: str, given: Mapping[str, Any]) -> MessageAttribute:
    data_type: str = given["DataType"]
    kind = data_type.partition(".")[0]
    if kind not in _KINDS:
        raise InvalidParameterValue(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    text, binary = given.get("StringValue"), given.get("BinaryValue")
    if not text and not binary:
        raise InvalidParameterValue(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type "
            f"'{data_type}'."
        )
    field = "Binary" if kind == "Binary" else "String"
    if (binary if field == "Binary" else text) is None:
        raise InvalidParameterValue(f"The message attribute '{name}' with type '{data_type}' must use field '{field}'.")
    if field == "Binary":
        return MessageAttribute(data_type, base64.b64encode(binary or b"").decode())
    value = str(text)
    if kind == "Number" and number(value) is None:
        raise InvalidParameterValue(f"Could not cast message attribute '{name}' value to number.")
    return MessageAttribute(data_type, value)


def number(text: str) -> int | float | None:
    """None if it is no number."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _float(text)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _float(text: str) -> float | None:
    """What JSON does not write and people do: `+1`, `.5`, `007`."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) != float("inf") and value == value else None  # noqa: PLR0124 - not a NaN
