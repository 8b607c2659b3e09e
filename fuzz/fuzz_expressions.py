"""Throw text at DynamoDB's expressions: `python fuzz/fuzz_expressions.py [--seconds N] [--seed N]`.

Some texts are noise of their own vocabulary, most are sound expressions with a word put in, left out or replaced. Each
is compiled as every kind of expression and used on a random item. Anything but a value or a ServiceError, an item that
is changed in place or comes out unsound, or a use that takes longer than a second, is printed with what reproduces it
and ends the run with status 1.
"""

import argparse
import copy
import random
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from lambent.services.dynamodb.expressions.conditions import compile_condition
from lambent.services.dynamodb.expressions.key_conditions import compile_key_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.projections import compile_projection, pick_paths
from lambent.services.dynamodb.expressions.updates import compile_update
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.sizes import item_size
from lambent.services.dynamodb.values import Item, check_item
from lambent.wire.errors import ServiceError

SLOW_SECONDS = 1.0
SCHEMA = KeySchema("a", "S", "b", "S")

WORDS = """
    SET REMOVE ADD DELETE AND OR NOT BETWEEN IN a b c name #p #q #r :v :n :l :s :b :m :r ( ) (( )) [0] [1] [ ] , . =
    <> < <= > >= + - size( contains( attribute_exists( attribute_not_exists( attribute_type( begins_with(
    if_not_exists( list_append( f( 0 99999999999 ! é ' # :
""".split()  # noqa: SIM905  # as a list it would be fifty lines
SOUND = [
    "SET a = :v, b.c[0] = b.c[1] + :n",
    "SET a[9] = list_append( c , :l ), b = if_not_exists( a.b , :n ) + :n",
    "SET a[0].b = :m REMOVE a[1], c ADD b.c :n DELETE b.a :s",
    "REMOVE a[0], a[2], b.a[1]",
    "ADD a :n, b :s, c.a :s",
    "DELETE a :s, b.c :b",
    "a = :v AND size( b ) > :n OR NOT c.b IN ( :v , :n , b )",
    "contains( a , :v ) AND ( begins_with( b , :v ) OR attribute_exists( c[0].a ) )",
    "a BETWEEN :n AND :n AND #p <> b",
    "a = :v AND b BETWEEN :v AND :v",
    ":v = a AND begins_with( b , :v )",
    "a.b, c[0], #p.#q[1]",
]
NAMES = {"#p": "a", "#q": "b"}
VALUES: dict[str, Any] = {
    ":v": {"S": "x"},
    ":n": {"N": "1.5"},
    ":l": {"L": [{"S": "x"}]},
    ":s": {"SS": ["x", "y"]},
    ":b": {"BS": ["AQ=="]},
    ":m": {"M": {"a": {"N": "1"}}},
}
SCALARS: list[dict[str, Any]] = [
    {"S": "x"},
    {"N": "5"},
    {"B": "AQ=="},
    {"BOOL": True},
    {"NULL": True},
    {"SS": ["x", "z"]},
    {"NS": ["1", "2"]},
    {"BS": ["AQ==", "Ag=="]},
]


def random_value(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    roll = chance.random()
    if depth > 2 or roll < 0.4:
        return dict(chance.choice(SCALARS))
    if roll < 0.7:
        return {"M": {name: random_value(chance, depth + 1) for name in "abc" if chance.random() < 0.6}}
    return {"L": [random_value(chance, depth + 1) for _ in range(chance.randrange(4))]}


def random_text(chance: random.Random) -> str:
    if chance.random() < 0.25:
        words = chance.choices(WORDS, k=chance.randrange(1, 20))
        return chance.choice(("", " ")).join(words) * chance.choice((1, 1, 1, 40))
    words = chance.choice(SOUND).split(" ")
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(words) + 1)
        words[at : at + chance.randrange(2)] = chance.choices(WORDS, k=chance.randrange(2))
    return " ".join(words)


def uses(text: str, item: Item) -> list[Callable[[], object]]:
    placeholders = Placeholders(NAMES, VALUES)

    def update() -> None:
        compiled = compile_update(text, placeholders)
        after = compiled.apply(item)
        if check_item(after) is not after or item_size(after) < 0:
            raise AssertionError(after)
        pick_paths(after, compiled.paths)

    return [
        update,
        lambda: compile_condition(text, placeholders).matches(item),
        lambda: check_item(compile_projection(text, placeholders).pick(item)),
        lambda: compile_key_condition(text, placeholders, SCHEMA).sort_range(),
    ]


def holds(text: str, item: Item) -> bool:
    """False, after a report, when a use does anything but answer or refuse."""
    before = copy.deepcopy(item)
    for use in uses(text, item):
        started = time.perf_counter()
        try:
            use()
        except ServiceError:
            pass
        except Exception:  # noqa: BLE001  # whatever it is, it is what we look for
            traceback.print_exc()
            return False
        if item != before or time.perf_counter() - started > SLOW_SECONDS:
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    count, end = 0, time.monotonic() + arguments.seconds
    while time.monotonic() < end:
        text = random_text(chance)
        item = {name: random_value(chance) for name in "abc" if chance.random() < 0.7}
        count += 1
        if not holds(text, item):
            print(f"seed {arguments.seed}, text {count}: {text!r} on {item!r}")
            return 1
    print(f"{count} texts, seed {arguments.seed}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
