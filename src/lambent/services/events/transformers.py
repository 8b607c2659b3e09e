r"""Input transformers: a template, filled with values from the event.

A template is JSON with `<variables>` in it, or strings (one a line). A variable that stands for a JSON value becomes
that value; inside a string it becomes text. What a path does not find is an empty string (as at AWS); text that
is put into a string is escaped, so that what was JSON stays JSON.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services.events import json_paths
from lambent.services.events.json_paths import MISSING, Path

RULE_ARN = "aws.events.rule-arn"
RULE_NAME = "aws.events.rule-name"
EVENT = "aws.events.event"
EVENT_JSON = "aws.events.event.json"
INGESTION_TIME = "aws.events.event.ingestion-time"
RESERVED = frozenset({RULE_ARN, RULE_NAME, EVENT, EVENT_JSON, INGESTION_TIME})

_TOKEN = re.compile(r'<(?P<name>[A-Za-z0-9_.\-]+)>|\\.|"', re.DOTALL)


class InvalidTemplate(Exception):
    """The sentence says what is wrong, without the name of the target."""


@frozen
class Variable:
    name: str
    is_in_string: bool


@frozen
class Transformer:
    paths: Mapping[str, Path | None]
    """None: no path that could find anything ("There is no validation when creating JSON path")."""
    parts: tuple[str | Variable, ...]

    def fill(self, event: Any, reserved: Mapping[str, Any]) -> bytes:
        """Minified, if it is JSON."""

        def value_of(name: str) -> Any:
            if name in reserved:
                return reserved[name]
            path = self.paths[name]
            return MISSING if path is None else path.find(event)

        return _minified(_filled(self.parts, value_of))


def parse(template: str, paths: Mapping[str, str]) -> Transformer:
    """Raises InvalidTemplate."""
    for name in paths:
        if name.startswith("aws.events."):
            raise InvalidTemplate(f"InputPathsMap must not define the reserved variable {name}")
    parts = tuple(_parts(template))
    for part in parts:
        if isinstance(part, Variable) and part.name not in RESERVED and part.name not in paths:
            raise InvalidTemplate(f"contains invalid placeholder {part.name}.")
    if not template.lstrip().startswith('"'):
        try:
            orjson.loads(_filled(parts, lambda _: 0))
        except orjson.JSONDecodeError as error:
            raise InvalidTemplate(f"is neither JSON nor a string in quotes: {error}") from error
    return Transformer({name: json_paths.parse(path) for name, path in paths.items()}, parts)


def _parts(template: str) -> Iterator[str | Variable]:
    """Literal text and variables in turn; keeps track of where strings begin and end."""
    is_in_string = False
    start = 0
    for token in _TOKEN.finditer(template):
        if token["name"]:
            yield template[start : token.start()]
            yield Variable(token["name"], is_in_string)
            start = token.end()
        elif token[0] == '"':
            is_in_string = not is_in_string
    yield template[start:]


def _filled(parts: tuple[str | Variable, ...], value_of: Callable[[str], Any]) -> str:
    return "".join(part if isinstance(part, str) else _written(value_of(part.name), part) for part in parts)


def _written(value: Any, variable: Variable) -> str:
    if value is MISSING:
        value = ""
    if not variable.is_in_string:
        return orjson.dumps(value).decode()
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return orjson.dumps(text).decode()[1:-1]


def _minified(text: str) -> bytes:
    """Strings on lines of their own are no JSON document; they are sent as they stand, and so is what is too deep."""
    try:
        return orjson.dumps(orjson.loads(text))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return text.encode()
