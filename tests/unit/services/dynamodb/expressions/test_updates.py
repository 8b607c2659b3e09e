"""Update expressions (Developer Guide, "Using update expressions in DynamoDB").

AWS's sentences and semantics: captured from AWS by the test suites of github.com/architect/dynalite
(test/updateItem.js), github.com/scylladb/scylladb (test/alternator/test_update_expression.py) and
github.com/paritysuite/dynamodb-conformance (tests/tier1/updateItem).
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.paths import find
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.projections import pick_paths
from lambent.services.dynamodb.expressions.updates import Update, compile_update

ITEM: dict[str, Any] = {
    "pk": {"S": "key"},
    "n": {"N": "5"},
    "s": {"S": "text"},
    "list1": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]},
    "doc": {"M": {"a": {"N": "1"}, "nested": {"M": {"x": {"S": "y"}}}, "l": {"L": [{"M": {"k": {"N": "9"}}}]}}},
    "tags": {"SS": ["a", "b"]},
    "nums": {"NS": ["1", "2"]},
}

VALUES: dict[str, Any] = {
    ":one": {"N": "1"},
    ":half": {"N": "0.5"},
    ":new": {"S": "new"},
    ":list": {"L": [{"S": "x"}]},
    ":none": {"L": []},
    ":tags": {"SS": ["b", "c"]},
    ":both": {"SS": ["b", "a"]},
    ":nums": {"NS": ["2", "3"]},
    ":map": {"M": {}},
}


def compiled(text: str, names: dict[str, str] | None = None, values: dict[str, Any] | None = None) -> Update:
    return compile_update(text, Placeholders(names, VALUES if values is None else values))


def numbers(*elements: int) -> dict[str, Any]:
    return {"L": [{"N": str(element)} for element in elements]}


def doc(**members: Any) -> dict[str, Any]:
    return {"M": {**ITEM["doc"]["M"], **members}}


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("SET s = :new", {"s": {"S": "new"}}),
    ("set fresh = :new, s = n", {"fresh": {"S": "new"}, "s": {"N": "5"}}),
    ("SET n = n + :one", {"n": {"N": "6"}}),
    ("SET n = :one - n", {"n": {"N": "-4"}}),
    ("SET n = :half + :half", {"n": {"N": "1"}}),
    ("SET n = (n) - (:half)", {"n": {"N": "4.5"}}),
    ("SET n = (n - :half)", {"n": {"N": "4.5"}}),
    ("SET n = ((n) - (:half))", {"n": {"N": "4.5"}}),
    ("SET n = (:one)", {"n": {"N": "1"}}),
    ("SET n = if_not_exists(n, :one)", {}),
    ("SET m = if_not_exists(m, :one)", {"m": {"N": "1"}}),
    ("SET m = if_not_exists(n, :one)", {"m": {"N": "5"}}),
    ("SET m = if_not_exists(m, :one) + :one", {"m": {"N": "2"}}),
    ("SET m = if_not_exists(m, if_not_exists(s, :one))", {"m": {"S": "text"}}),
    ("SET m = if_not_exists(doc.z, doc.a)", {"m": {"N": "1"}}),
    ("SET list1 = list_append(list1, :list)", {"list1": {"L": [*ITEM["list1"]["L"], {"S": "x"}]}}),
    ("SET list1 = list_append(:list, list1)", {"list1": {"L": [{"S": "x"}, *ITEM["list1"]["L"]]}}),
    ("SET m = list_append(if_not_exists(m, :none), :list)", {"m": {"L": [{"S": "x"}]}}),
    ("SET doc.a = :new", {"doc": doc(a={"S": "new"})}),
    ("SET doc.z = doc.a + :one", {"doc": doc(z={"N": "2"})}),
    ("SET doc.nested.z = :new", {"doc": doc(nested={"M": {"x": {"S": "y"}, "z": {"S": "new"}}})}),
    ("SET doc.l[0].k = :one", {"doc": doc(l={"L": [{"M": {"k": {"N": "1"}}}]})}),
    ("SET list1[1] = :one, list1[3] = :one", {"list1": numbers(0, 1, 2, 1)}),
    ("SET list1[9] = :one", {"list1": numbers(0, 1, 2, 3, 1)}),
    ("SET list1[84] = :one, list1[17] = n", {"list1": numbers(0, 1, 2, 3, 5, 1)}),
    ("REMOVE list1[1] SET list1[3] = n", {"list1": numbers(0, 2, 5)}),
    ("SET list1[3] = n REMOVE list1[1]", {"list1": numbers(0, 2, 5)}),
    ("REMOVE list1[0], list1[2], list1[9]", {"list1": numbers(1, 3)}),
    ("REMOVE list1[0] SET list1[7] = n", {"list1": numbers(1, 2, 3, 5)}),
    ("REMOVE list1[0], list1[1], list1[2], list1[3]", {"list1": {"L": []}}),
    ("REMOVE s", {"s": None}),
    ("REMOVE absent", {}),
    ("REMOVE doc.nested.x", {"doc": doc(nested={"M": {}})}),
    ("REMOVE doc.absent, list1[17]", {}),
    ("REMOVE s SET m = s", {"s": None, "m": {"S": "text"}}),
    ("SET s = n, n = s", {"s": {"N": "5"}, "n": {"S": "text"}}),
    ("ADD n :half", {"n": {"N": "5.5"}}),
    ("ADD m :half", {"m": {"N": "0.5"}}),
    ("ADD doc.a :one, doc.m :tags", {"doc": doc(a={"N": "2"}, m={"SS": ["b", "c"]})}),
    ("ADD tags :tags", {"tags": {"SS": ["a", "b", "c"]}}),
    ("ADD nums :nums", {"nums": {"NS": ["1", "2", "3"]}}),
    ("ADD list1[0] :one", {"list1": numbers(1, 1, 2, 3)}),
    ("DELETE tags :tags", {"tags": {"SS": ["a"]}}),
    ("DELETE tags :both", {"tags": None}),
    ("DELETE nums :nums", {"nums": {"NS": ["1"]}}),
    ("DELETE absent :tags", {}),
    (
        "ADD n :one SET s = :new REMOVE doc DELETE tags :both",
        {"n": {"N": "6"}, "s": {"S": "new"}, "doc": None, "tags": None},
    ),
]


@pytest.mark.parametrize(("text", "changed"), CHANGES)
def test_an_update_changes_what_it_says_and_nothing_else(text: str, changed: dict[str, Any]) -> None:
    before = copy.deepcopy(ITEM)
    after = compiled(text).apply(ITEM)
    assert before == ITEM
    expected = {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert after == expected


ABSENT = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
WRONG_PATH = "The document path provided in the update expression is invalid for update"

UNFIT: list[tuple[str, str]] = [
    ("SET m = absent", ABSENT),
    ("SET m = doc.absent", ABSENT),
    ("SET m = absent + :one", ABSENT),
    ("SET m = list_append(absent, :list)", ABSENT),
    ("SET m = :one, k = m", ABSENT),
    ("SET s = s + :one", WRONG_TYPE),
    ("SET s = :one - list1", WRONG_TYPE),
    ("SET s = list_append(s, :list)", WRONG_TYPE),
    ("SET s = list_append(:list, tags)", WRONG_TYPE),
    ("ADD s :one", WRONG_TYPE),
    ("ADD tags :nums", WRONG_TYPE),
    ("ADD list1 :tags", WRONG_TYPE),
    ("DELETE s :tags", WRONG_TYPE),
    ("DELETE nums :tags", WRONG_TYPE),
    ("SET s.x = :one", WRONG_PATH),
    ("SET list1.x = :one", WRONG_PATH),
    ("SET absent.x = :one", WRONG_PATH),
    ("SET doc.absent.x = :one", WRONG_PATH),
    ("SET s[0] = :one", WRONG_PATH),
    ("SET doc[0] = :one", WRONG_PATH),
    ("SET absent[0] = :one", WRONG_PATH),
    ("SET list1[9].x = :one", WRONG_PATH),
    ("REMOVE s.x", WRONG_PATH),
    ("REMOVE absent.x", WRONG_PATH),
    ("REMOVE absent[0]", WRONG_PATH),
    ("ADD absent.x :one", WRONG_PATH),
    ("DELETE absent.x :tags", WRONG_PATH),
]


@pytest.mark.parametrize(("text", "message"), UNFIT)
def test_an_update_unfit_for_the_item_is_refused(text: str, message: str) -> None:
    update = compiled(text)
    with pytest.raises(ValidationException) as refused:
        update.apply(ITEM)
    assert refused.value.message == message


def test_an_item_that_did_not_exist_has_nothing_to_remove() -> None:
    key = {"pk": {"S": "key"}}
    assert compiled("REMOVE x.y, z[0] SET m = :one").apply(key, existed=False) == {**key, "m": {"N": "1"}}
    assert compiled("ADD m :one").apply(key, existed=False) == {**key, "m": {"N": "1"}}
    with pytest.raises(ValidationException, match="invalid for update"):
        compiled("SET x.y = :one").apply(key, existed=False)


def test_what_was_updated_can_be_picked_from_old_and_new() -> None:
    update = compiled("SET doc.a = :new, list1[1] = :one REMOVE s ADD fresh :one")
    assert update.paths == (("doc", "a"), ("list1", 1), ("s",), ("fresh",))
    assert pick_paths(ITEM, update.paths) == {"doc": {"M": {"a": {"N": "1"}}}, "list1": numbers(1), "s": {"S": "text"}}
    assert pick_paths(update.apply(ITEM), update.paths) == {
        "doc": {"M": {"a": {"S": "new"}}},
        "list1": numbers(1),
        "fresh": {"N": "1"},
    }


@pytest.mark.parametrize("text", ["SET pk = :one", "REMOVE pk", "ADD pk :one", "DELETE pk :tags", "SET pk.x = :one"])
def test_key_attributes_stay(text: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compiled(text).check_keys(("pk", "sk"))
    assert refused.value.message == (
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"
    )
    compiled("SET n = pk").check_keys(("pk", "sk"))


def test_documents_do_not_grow_too_deep() -> None:
    deep: dict[str, Any] = {"S": "leaf"}
    for _ in range(30):
        deep = {"M": {"n": deep}}
    item: dict[str, Any] = {"pk": {"S": "key"}, "m": {"M": {"x": {"M": {}}}}, "l": {"L": [{"L": []}]}}
    assert compiled("SET m.x = :deep", values={":deep": deep}).apply(item)
    for text in ("SET m.x.y = :deep", "SET l[0][0] = :deep"):
        with pytest.raises(ValidationException, match="Nesting Levels have exceeded supported limits"):
            compiled(text, values={":deep": deep}).apply(item)


def _paths(value: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    yield path
    for name, member in value.get("M", {}).items():
        yield from _paths(member, (*path, name))
    for index, element in enumerate(value.get("L", [])):
        yield from _paths(element, (*path, index))


documents: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.integers(0, 9).map(lambda number: {"N": str(number)}),
    lambda inner: (
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3).map(lambda members: {"M": members})
        | st.lists(inner, min_size=1, max_size=4).map(lambda elements: {"L": elements})
    ),
    max_leaves=10,
)
items = st.dictionaries(st.sampled_from(["a", "b", "c"]), documents, min_size=1, max_size=3)


@given(items, st.data())
def test_only_the_place_addressed_changes(item: dict[str, Any], data: st.DataObject) -> None:
    before = copy.deepcopy(item)
    path = data.draw(st.sampled_from([path for name, value in item.items() for path in _paths(value, (name,))]))
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]
    update = compiled(f"SET {text} = :new")
    after = update.apply(item)
    assert item == before
    assert find(after, path) == {"S": "new"}
    # Whatever was there put back, nothing has changed.
    restored = compiled(f"SET {text} = :old", values={":old": find(item, path)})
    assert restored.apply(after) == item
    without = compiled(f"REMOVE {text}").apply(item)
    if isinstance(path[-1], str):
        assert find(without, path) is None
        assert restored.apply(without) == item
    else:
        siblings = find(item, path[:-1])
        left = find(without, path[:-1])
        assert siblings is not None
        assert left is not None
        assert left["L"] == [element for index, element in enumerate(siblings["L"]) if index != path[-1]]


SYNTAX = [
    ("INVALID SYNTAX HERE", 'token: "INVALID", near: "INVALID SYNTAX"'),
    ("set a", 'token: "<EOF>", near: "a"'),
    ("SET", 'token: "<EOF>", near: "SET"'),
    ("set a=set", 'token: "set", near: "=set"'),
    ("remove a = b", 'token: "=", near: "a = b"'),
    ("add a = b", 'token: "=", near: "a = b"'),
    ("delete a b", 'token: "b", near: "a b"'),
    ("add a if_not_exist(b)", 'token: "if_not_exist", near: "a if_not_exist("'),
    ("remove a b", 'token: "b", near: "a b"'),
    ("remove a,", 'token: "<EOF>", near: ","'),
    ("set a b", 'token: "b", near: "a b"'),
    ("set :a = b", 'token: ":a", near: "set :a ="'),
    ("remove :a", 'token: ":a", near: "remove :a"'),
    ("set  0 = :a", 'token: "0", near: "set  0 ="'),
    ("SET _123 = :a", 'token: "_", near: "SET _123"'),
    ("SET path1 = VALUE1 1", 'token: "1", near: "VALUE1 1"'),
    ("SET hi-there = :a", 'token: "-", near: "hi-there"'),
    ("set a = b / c", 'token: "/", near: "b / c"'),
    ("set a = b * c", 'token: "*", near: "b * c"'),
    ('set a[1] = "eight"', 'token: """, near: "= "eight"'),
    ("set a[1] = 1", 'token: "1", near: "= 1"'),
    ("set a[:x] = b", 'token: ":x", near: "[:x]"'),
    ("SET a = if_not_exists(a, 100)", 'token: "100", near: ", 100)"'),
    ("SET a = if_not_exists(a, :x + :y)", 'token: "+", near: ":x + :y"'),
    ("SET if_not_exist(a, b) = a", 'token: "(", near: "if_not_exist(a"'),
    ("set (a = (b + c))", 'token: "(", near: "set (a"'),
    ("set a = (b.c).d + e", 'token: ".", near: ").d"'),
    ("set a = (b.c)[0] + e", 'token: "[", near: ")[0"'),
    ("set a = b + c + d", 'token: "+", near: "c + d"'),
    ("set a = b remove c, set d = e", 'token: "set", near: ", set d"'),
]

OPERAND = "Incorrect operand type for operator or function; operator or function: "
NO_NAME = "An expression attribute name used in the document path is not defined; attribute name: "
NO_VALUE = "An expression attribute value used in expression is not defined; attribute value: "
RESERVED = "Attribute name is a reserved keyword; reserved keyword: "

MESSAGES: list[tuple[str, str]] = [
    *((text, f"Syntax error; {rest}") for text, rest in SYNTAX),
    ("", "The expression can not be empty;"),
    (" set #c = :c set abOrt = true ", f"{RESERVED}abOrt"),
    (" remove Absolute ", f"{RESERVED}Absolute"),
    ("set #c = if_not_exist(:c) set c = d", "Invalid function name; function: if_not_exist"),
    ("set a = LIST_APPEND(b, c)", "Invalid function name; function: LIST_APPEND"),
    ("set a = #c set c = :d", 'The "SET" section can only be used once in an update expression;'),
    ("remove #d set a = b remove e", 'The "REMOVE" section can only be used once in an update expression;'),
    ("add #d :e set a = b add e :f", 'The "ADD" section can only be used once in an update expression;'),
    ("delete #d :e set a = b delete #e :f", 'The "DELETE" section can only be used once in an update expression;'),
    ("SET #c = if_not_exists(:c)", f"{NO_NAME}#c"),
    ("SET a = if_not_exists(:c)", f"{NO_VALUE}:c"),
    (
        "set a = if_not_exists(c)",
        (
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, "
            "number of operands: 1"
        ),
    ),
    (
        "set a = list_append(b, c, d)",
        (
            "Incorrect number of operands for operator or function; operator or function: list_append, "
            "number of operands: 3"
        ),
    ),
    (
        "set a = if_not_exists(:new, c)",
        "Operator or function requires a document path; operator or function: if_not_exists",
    ),
    (
        "set a = if_not_exists(if_not_exists(a, b), c)",
        "Operator or function requires a document path; operator or function: if_not_exists",
    ),
    (
        "set a = list_append(list_append(:list, b), c)",
        "The function is not allowed to be used this way in an expression; function: list_append",
    ),
    ("set a = list_append(:new, a)", f"{OPERAND}list_append, operand type: S"),
    ("set a = list_append(a, :one)", f"{OPERAND}list_append, operand type: N"),
    ("set a = a + :new", f"{OPERAND}+, operand type: S"),
    ("set a = :list - a", f"{OPERAND}-, operand type: L"),
    ("set a = a - :tags", f"{OPERAND}-, operand type: SS"),
    (
        "set b = list_append(:new, a), c = if_not_exists(a) add a.b :new",
        "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
    ),
    ("add a :map", "Incorrect operand type for operator or function; operator: ADD, operand type: MAP"),
    ("delete a.b :one", "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"),
    ("delete a.b :list", "Incorrect operand type for operator or function; operator: DELETE, operand type: LIST"),
    (
        "remove " + "x" * 4100,
        "Expression size has exceeded the maximum allowed size; expression size: 4107",
    ),
]


@pytest.mark.parametrize(("text", "message"), MESSAGES, ids=lambda text: text[:40])
def test_wrong_expressions_are_refused_in_awss_words(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compiled(text)
    assert refused.value.message == f"Invalid UpdateExpression: {message}"


@pytest.mark.parametrize(
    ("text", "verb", "one", "two"),
    [
        ("set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)", "overlap", "[c, [1], a]", "[c]"),
        ("set c.b.#c = a, c = a, #d = a", "overlap", "[c, b, c]", "[c]"),
        ("set a = b remove a, #c, #d", "overlap", "[a]", "[a]"),
        ("set #c[3].#d = a, #c[3] = a", "overlap", "[c, [3], [3]]", "[c, [3]]"),
        ("remove c, #c.a, #d", "overlap", "[c]", "[c, a]"),
        ("remove a, #c, a, #d", "overlap", "[a]", "[a]"),
        ("SET a.b = a, a.b.c.d.e = a REMOVE #c, #d", "overlap", "[a, b]", "[a, b, c, d, e]"),
        ("set #c[3].#d = a, #c.#d[3] = if_not_exists(a)", "conflict", "[c, [3], [3]]", "[c, [3], [3]]"),
        ("remove a.#c set a[1] = #d", "conflict", "[a, c]", "[a, [1]]"),
        ("remove a.b.#c, a.b[2], #d", "conflict", "[a, b, c]", "[a, b, [2]]"),
    ],
)
def test_paths_may_not_overlap_or_conflict(text: str, verb: str, one: str, two: str) -> None:
    with pytest.raises(ValidationException) as refused:
        compiled(text, {"#c": "c", "#d": "[3]"})
    assert refused.value.message == (
        f"Invalid UpdateExpression: Two document paths {verb} with each other; "
        f"must remove or rewrite one of these paths; path one: {one}, path two: {two}"
    )
