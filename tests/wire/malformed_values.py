"""Requests of any operation of a service model, nearly right.

Shapes are as they should be, values at, beside or far beyond what is allowed, and here and there something of another
kind altogether.

Names come from a pool of things that exist, so that many requests get as far as the service's own rules.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

MAX_DEPTH = 6
MANY = 200

#: Texts that parsers, databases and headers have stumbled over.
TEXTS = (
    "", "a", "x1", "my-name", "A_b", "\x00", "a\r\nX-B: c", "<&>\"'", "ü", "\U0001f4a9", "\ufffe", "../..", "%s%n",
    "null", "NaN", " ", "0", "-1", "1", "1.5", "9" * 30, str(2**63), str(2**64), "\u0665", "true", "True",
    "x" * 300_000,
)  # fmt: skip

#: Documents inside of texts: policies, patterns, filters.
DOCUMENTS = (
    "{}", "[]", "null", "1", '"x"', "{", '{"a": NaN}', '"\\ud800"', '{"a":' * 2000, '{"a": ["b"]}', '{"a": [null]}',
    '{"a":' * 300 + '["b"]' + "}" * 300, '{"a": [{"numeric": ["=", 1e400]}]}', '{"a": [{"exists": 1}]}',
    '{"a": [{"wildcard": "' + "*a" * 50 + '"}]}', '{"a": [{"cidr": "1.1.1.1/99"}]}', '{"$or": []}',
    '{"a": [{"anything-but": {}}]}', '{"maxReceiveCount": 1e400}', '{"deadLetterTargetArn": 5, "maxReceiveCount": 1}',
    '{"redrivePermission": "byQueue", "sourceQueueArns": 5}', '{"http": 5}',
    '{"healthyRetryPolicy": {"numRetries": 1e9}}',
    '{"Version": 5, "Statement": 5}', '{"Statement": [[]]}', '{"Statement": {"Effect": [], "Principal": {"AWS": 5}}}',
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}',
)  # fmt: skip

NUMBERS = (-1, 0, 1, 2, 5, 10, 1.5, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, "5", True)
FLOATS = (0.0, 1.0, 2.5, -1.0, 1e308, -1e308, 5e-324, 2.0**360, float("nan"), float("inf"))
OF_ANOTHER_KIND: tuple[Any, ...] = (None, 5, "x", [], {}, [None], True, 1.5, {"a": 1})


class Maker:
    """Makes requests; `pool` has good values for members of a name, and grows with what answers contain."""

    def __init__(self, seed: int, pool: Mapping[str, Sequence[Any]]) -> None:
        self.chance = random.Random(seed)
        self.pool: dict[str, list[Any]] = {name: list(values) for name, values in pool.items()}
        self._make: dict[str, Callable[[Any, str, int], Any]] = {
            "structure": self._structure,
            "list": self._list,
            "map": self._map,
            "string": lambda shape, name, _: self._text(shape, name),
            "integer": lambda shape, *_: self._number(shape),
            "long": lambda shape, *_: self._number(shape),
            "float": lambda *_: self.chance.choice(FLOATS),
            "double": lambda *_: self.chance.choice(FLOATS),
            "boolean": lambda *_: self.chance.random() < 0.5,
            "blob": lambda *_: self.chance.choice((b"", b"a", b"\x00\xff" * 10, b"{}")),
            "timestamp": lambda *_: self.chance.choice(
                (0, 1, 1e9, time.time(), time.time() + 3600, 4e9, -1, 253402300799)
            ),
        }

    def request(self, shape: StructureShape) -> dict[str, Any]:
        made: dict[str, Any] = self._structure(shape, "", 0)
        return made

    def learn(self, answer: Any) -> None:
        """Tokens, handles and names, to be used again."""
        for name, value in answer.items() if isinstance(answer, dict) else ():
            if isinstance(value, str) and 0 < len(value) < 3_000:
                known = self.pool.setdefault(name, [])
                known.append(value)
                del known[:-20]
            self.learn(value)
        for value in answer[:3] if isinstance(answer, list) else ():
            self.learn(value)

    def _value(self, shape: Shape, name: str, depth: int) -> Any:
        if self.chance.random() < 0.015:
            return self.chance.choice(OF_ANOTHER_KIND)
        return self._make[shape.type_name](shape, name, depth)

    def _structure(self, shape: StructureShape, name: str, depth: int) -> dict[str, Any]:
        del name
        if shape.is_tagged_union:
            names = [self.chance.choice([*shape.members])]
        else:
            share = self.chance.choice((0, 0.15, 0.4, 0.8)) if depth < MAX_DEPTH else 0
            names = [
                one
                for one in shape.members
                if self.chance.random() < (0.99 if one in shape.required_members else share)
            ]
        return {one: self._value(shape.members[one], one, depth + 1) for one in names}

    def _list(self, shape: ListShape, name: str, depth: int) -> list[Any]:
        count = MANY if self.chance.random() < 0.01 else self.chance.choice((1, 1, 1, 2, 3, 0))
        single = name.removesuffix("s")
        return [self._value(shape.member, single, depth + 1) for _ in range(count)]

    def _map(self, shape: MapShape, name: str, depth: int) -> dict[str, Any]:
        keys = [self._text(shape.key, f"{name} key") for _ in range(self.chance.choice((1, 1, 2, 0)))]
        return {key: self._value(shape.value, f"{name} value", depth + 1) for key in keys}

    def _text(self, shape: Shape, name: str) -> str:
        known, kind = self.pool.get(name), self.chance.random()
        if known and kind < 0.85:
            return self._perhaps_altered(str(self.chance.choice(known)))
        choices = shape.metadata.get("enum")
        if choices and kind < 0.92:
            return str(self.chance.choice(choices))
        if any(word in name.lower() for word in ("policy", "pattern", "value", "config")):
            return self.chance.choice(DOCUMENTS)
        longest: int | None = shape.metadata.get("max")
        if longest and longest < 300_000 and self.chance.random() < 0.2:
            return "a" * (longest + self.chance.choice((0, 1)))
        return self.chance.choice(TEXTS)

    def _perhaps_altered(self, text: str) -> str:
        if not text or self.chance.random() < 0.85:
            return text
        at = self.chance.randrange(len(text))
        return text[:at] + self.chance.choice("aZ0=%é") + text[at + 1 :]

    def _number(self, shape: Shape) -> Any:
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10)
        if self.chance.random() < 0.2:
            return self.chance.choice(NUMBERS)
        return self.chance.choice((least, most, least, least + 1, most + 1, least - 1))
