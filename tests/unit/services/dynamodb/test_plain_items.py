"""Items weighed in one pass: the answer, and the refusal, of checking and measuring one after the other."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from lambent.services.dynamodb.plain_items import weigh
from lambent.services.dynamodb.sizes import item_size
from lambent.services.dynamodb.values import MAX_DEPTH, Item, check_item
from lambent.wire.errors import ServiceError

_NAMES = st.text(max_size=4)
_TEXTS = st.text(max_size=8)
_NUMBERS = st.sampled_from(["0", "-0", "1", "120", "-1.50", "0.001", "1e3", "12345678901234567890.5", "", "x"])
_FLAGS = st.booleans()
_SOUND = st.one_of(
    st.fixed_dictionaries({"S": _TEXTS}),
    st.fixed_dictionaries({"N": _NUMBERS}),
    st.fixed_dictionaries({"BOOL": _FLAGS}),
    st.just({"NULL": True}),
    st.fixed_dictionaries({"B": st.sampled_from(["", "YQ==", "YR==", "?"])}),
    st.fixed_dictionaries({"SS": st.lists(_TEXTS, max_size=3)}),
)
_ODD = st.one_of(
    st.none(), st.just({}), st.fixed_dictionaries({"S": st.one_of(st.none(), st.integers(), st.lists(_TEXTS))}),
    st.fixed_dictionaries({"S": _TEXTS, "N": _NUMBERS}), st.fixed_dictionaries({"M": st.lists(_TEXTS)}),
    st.fixed_dictionaries({"L": _TEXTS}), st.fixed_dictionaries({"BOOL": _TEXTS}), st.just({"X": "1"}),
)  # fmt: skip
_VALUES = st.recursive(
    st.one_of(_SOUND, _SOUND, _SOUND, _ODD),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"M": st.dictionaries(_NAMES, inner, max_size=3)}),
    ),
)


def _nested(depth: int, kind: str) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "core"}
    for _ in range(depth):
        value = {"L": [value]} if kind == "L" else {"M": {"m": value}}
    return value


@given(st.dictionaries(_NAMES, _VALUES, max_size=4))
@example({"a": _nested(MAX_DEPTH - 1, "L"), "b": _nested(MAX_DEPTH - 1, "M")})
@example({"a": _nested(MAX_DEPTH, "L")})
@example({"a": _nested(MAX_DEPTH, "M")})
@example({"a" * 65_535: {"S": "x"}})
@example({"a" * 65_536: {"S": "x"}})
@example({"ü" * 40_000: {"S": "x"}})
def test_weighing_is_checking_and_measuring(item: Item) -> None:
    assert _outcome(weigh, item) == _outcome(lambda given: (check_item(given), item_size(check_item(given))), item)


def test_what_is_plain_is_not_made_anew() -> None:
    item: Item = {"pk": {"S": "größe"}, "n": {"N": "1.5"}, "l": {"L": [{"M": {"x": {"BOOL": True}}}]}}
    assert weigh(item)[0] is item


def _outcome(work: Any, item: Item) -> Any:
    try:
        return work(item)
    except ServiceError as error:
        return error.code, error.message
