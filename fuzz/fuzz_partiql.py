"""Throw text at PartiQL: `python fuzz/fuzz_partiql.py [--seconds N] [--seed N]`.

Some texts are noise of PartiQL's own vocabulary, most are sound statements with a word put in, left out or replaced.
Each is parsed, planned, and used on an item. Anything but a value or a ServiceError, an item that is changed in place,
or a use that takes longer than a second, is printed with what reproduces it and ends the run with status 1.
"""

import argparse
import copy
import random
import sys
import time
import traceback
from typing import Any

from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.partiql.key_terms import condition_of
from lambent.services.dynamodb.partiql.parser import parse_statement
from lambent.services.dynamodb.partiql.plans import plan_select
from lambent.services.dynamodb.partiql.reading import columns_of
from lambent.services.dynamodb.partiql.templates import check_parameters, placeholders_of
from lambent.services.dynamodb.partiql.tree import Select
from lambent.services.dynamodb.partiql.writes import draft_write
from lambent.services.dynamodb.values import Item, check_item
from lambent.wire.errors import ServiceError

SLOW_SECONDS = 1.0
SCHEMA = KeySchema("a", "S", "b", "N")

WORDS = """
    SELECT * FROM t "t"."i" WHERE a = 'x' ? AND OR NOT ( ) [ ] { } << >> , . : ; "b" 1 -1 1e5 1e999 <> != < >= IN
    BETWEEN IS MISSING NULL STRING true INSERT INTO VALUE UPDATE SET REMOVE DELETE RETURNING ALL OLD MODIFIED NEW EXISTS
    ORDER BY DESC size begins_with c.d[0] list_append set_add set_delete + - # /* -- é ' " _ AS key
""".split()  # noqa: SIM905  # as a list it would be fifty lines
SOUND = [
    "SELECT * FROM t WHERE a = 'x' AND b BETWEEN 1 AND 2 AND c.d[0] <> ? ORDER BY b DESC",
    'SELECT a , c.d FROM "t" . "i" WHERE a IN [ \'x\' , ? ] AND ( b < 1 OR b >= 2 )',
    "SELECT b FROM t WHERE NOT begins_with ( a , 'x' ) OR contains ( c , ? ) OR size ( a ) > 1",
    "SELECT * FROM t WHERE c IS NOT MISSING AND d IS NULL AND e IS STRING",
    "INSERT INTO t VALUE { 'a' : 'x' , 'b' : 1 , 'c' : [ 1 , { 'd' : ? } ] , 'e' : << 'x' , 'y' >> , 'f' : null }",
    "UPDATE t SET c = c + 1 , d = list_append ( d , [ ? ] ) REMOVE e.f WHERE a = 'x' AND b = 1 RETURNING ALL NEW *",
    "UPDATE t SET e = set_add ( e , << 'z' >> ) WHERE a = 'x' AND b = 1 AND g = true RETURNING MODIFIED OLD *",
    "FROM t WHERE a = ? AND b = 1 SET c.d = 1",
    "DELETE FROM t WHERE a = 'x' AND b = - 1.5e3 AND c IN ( 1 , 2 ) RETURNING ALL OLD *",
    "EXISTS ( SELECT * FROM t WHERE a = 'x' AND b = 1 AND c = ? )",
]
PARAMETERS: list[dict[str, Any]] = [
    {"S": "x"},
    {"N": "1"},
    {"B": "AQ=="},
    {"BOOL": True},
    {"NULL": True},
    {"L": [{"N": "1"}]},
    {"M": {"d": {"S": "x"}}},
    {"SS": ["x"]},
    {"NS": ["1"]},
]
ITEM: Item = {
    "a": {"S": "x"},
    "b": {"N": "1"},
    "c": {"M": {"d": {"L": [{"N": "1"}]}}},
    "d": {"L": [{"S": "x"}]},
    "e": {"SS": ["x", "y"]},
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(2**32)
    dice, end, count = random.Random(seed), time.monotonic() + arguments.seconds, 0
    print(f"seed {seed}")
    while time.monotonic() < end:
        text = make_text(dice)
        parameters = [dice.choice(PARAMETERS) for _ in range(8)]
        started = time.monotonic()
        try:
            use(text, parameters)
        except ServiceError:
            pass
        except Exception:  # noqa: BLE001  # whatever it is, it is what we look for
            traceback.print_exc()
            print(f"{text!r} with {parameters!r}")
            return 1
        if time.monotonic() - started > SLOW_SECONDS:
            print(f"slow: {text!r} with {parameters!r}")
            return 1
        count += 1
    print(f"{count} statements")
    return 0


def make_text(dice: random.Random) -> str:
    if dice.random() < 0.2:
        return " ".join(dice.choices(WORDS, k=dice.randrange(40)))
    words = dice.choice(SOUND).split()
    for _ in range(dice.randrange(3)):
        place = dice.randrange(len(words))
        match dice.randrange(3):
            case 0:
                words.insert(place, dice.choice(WORDS))
            case 1 if len(words) > 1:
                del words[place]
            case _:
                words[place] = dice.choice(WORDS)
    return dice.choice((" ", "")).join(words) if dice.random() < 0.1 else " ".join(words)


def use(text: str, given: list[dict[str, Any]]) -> None:
    statement = parse_statement(text)
    parameters = check_parameters(statement, given)
    item = copy.deepcopy(ITEM)
    if isinstance(statement.body, Select):
        placeholders = placeholders_of(statement, parameters)
        columns_of(statement.body).pick(item)
        for branch in plan_select(statement.body, SCHEMA, placeholders).branches:
            condition = condition_of(branch.filters, placeholders)
            if condition is not None:
                condition.matches(item)
    else:
        draft = draft_write(statement, parameters, SCHEMA, returns_item_on_failure=False)
        if draft.condition is not None:
            draft.condition.matches(item)
            draft.condition.matches({})
        if draft.update is not None:
            draft.update.check_keys(SCHEMA.names)
            check_item(draft.update.apply(item))
    assert item == ITEM, "changed in place"


if __name__ == "__main__":
    sys.exit(main())
