"""Attribute values: what AWS takes for one, and its sentences (API Reference, AttributeValue)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.values import check_item, check_name, check_value, compare, equal
from lambent.wire.errors import SerializationError, ServiceError

EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
SEVERAL = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
INVALID = "One or more parameter values were invalid: "
NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, EMPTY),
    ({"a": ""}, EMPTY),
    ({"S": None}, EMPTY),
    ({"M": {"a": {}}}, EMPTY),
    ({"L": [{}]}, EMPTY),
    ({"L": [{"a": {}}]}, EMPTY),
    ({"S": "a", "N": "1"}, SEVERAL),
    ({"NULL": False}, f"{INVALID}Null attribute value types must have the value of true"),
    ({"SS": []}, f"{INVALID}An string set  may not be empty"),
    ({"NS": []}, f"{INVALID}An number set  may not be empty"),
    ({"BS": []}, f"{INVALID}Binary sets should not be empty"),
    ({"SS": ["a", "a"]}, f"{INVALID}Input collection [a, a] contains duplicates."),
    ({"SS": ["", ""]}, f"{INVALID}Input collection [, ] contains duplicates."),
    ({"BS": ["Yg==", "Yg=="]}, f"{INVALID}Input collection [Yg==, Yg==]of type BS contains duplicates."),
    ({"NS": ["1", "1"]}, "Input collection contains duplicates"),
    ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
    ({"NS": ["1", ""]}, NOT_NUMERIC),
    ({"NS": ["1", "b"]}, f"{NOT_NUMERIC}: b"),
    ({"N": "", "S": ""}, NOT_NUMERIC),
    ({"N": "b", "S": "a"}, f"{NOT_NUMERIC}: b"),
    ({"M": {"": {"S": "a"}}}, f"{INVALID}Empty attribute name"),
]

#: What the decoder in front of AWS's checks refuses.
MISPLACED: list[tuple[Any, str]] = [
    ({"S": 5}, "NUMBER_VALUE cannot be converted to String"),
    ({"N": 5}, "NUMBER_VALUE cannot be converted to String"),
    ({"N": 5.5}, "DECIMAL_VALUE cannot be converted to String"),
    ({"S": True}, "TRUE_VALUE cannot be converted to String"),
    ({"BOOL": "yes"}, "STRING_VALUE cannot be converted to Boolean"),
    ({"NULL": "true"}, "STRING_VALUE cannot be converted to Boolean"),
    ({"S": {}}, "Start of structure or map found where not expected."),
    ({"S": []}, "Start of list found where not expected"),
    ({"M": []}, "Start of list found where not expected"),
    ({"M": "a"}, "Expected map or null"),
    ({"L": "a"}, "Expected list or null"),
    ({"SS": "a"}, "Expected list or null"),
    ({"SS": [1]}, "NUMBER_VALUE cannot be converted to String"),
]

ACCEPTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"S": ""}, {"S": ""}),
    ({"B": ""}, {"B": ""}),
    ({"B": b"\x00\xff"}, {"B": "AP8="}),
    ({"S": "a", "N": None}, {"S": "a"}),
    ({"S": "a", "unknown": 1}, {"S": "a"}),
    ({"M": {}}, {"M": {}}),
    ({"L": []}, {"L": []}),
    ({"SS": ["", "a"]}, {"SS": ["", "a"]}),
    ({"NS": ["1.0", "2"]}, {"NS": ["1", "2"]}),
    ({"M": {"a": {"L": [{"N": "1e2"}]}}}, {"M": {"a": {"L": [{"N": "100"}]}}}),
]


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_unfit_values_are_refused_in_awss_words(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        check_value(value)
    assert refused.value.message == message


@pytest.mark.parametrize(("value", "message"), MISPLACED)
def test_json_of_the_wrong_kind_is_refused_as_by_the_decoder(value: Any, message: str) -> None:
    with pytest.raises(SerializationError) as refused:
        check_value(value)
    assert refused.value.message == message


@pytest.mark.parametrize("base64", ["a", "abc", "ab==c", "a*==", "YR=="])
def test_broken_base64_is_refused(base64: str) -> None:
    with pytest.raises(SerializationError, match="can not be converted to a Blob"):
        check_value({"B": base64})


@pytest.mark.parametrize(("value", "checked"), ACCEPTED)
def test_fit_values_come_back_canonical(value: dict[str, Any], checked: dict[str, Any]) -> None:
    assert check_value(value) == checked
    assert check_item({"a": value}) == {"a": checked}


def test_what_is_canonical_is_not_copied() -> None:
    item: dict[str, Any] = {"a": {"M": {"b": {"L": [{"N": "1"}, {"SS": ["x"]}]}}}, "c": {"S": "d"}}
    assert check_item(item) is item


@pytest.mark.parametrize("wrap", [lambda value: {"M": {"n": value}}, lambda value: {"L": [value]}])
def test_documents_nest_31_deep(wrap: Any) -> None:
    """Captured from AWS by github.com/paritysuite/dynamodb-conformance (tests/tier3/limits/nestingDepth)."""
    value = {"S": "leaf"}
    for _ in range(31):
        value = wrap(value)
    check_item({"a": value})
    with pytest.raises(ValidationException) as refused:
        check_item({"a": wrap(value)})
    assert refused.value.message == TOO_DEEP


def test_attribute_names_are_shorter_than_64_kb() -> None:
    check_name("n" * 65_535)
    for name in ("n" * 65_536, "ü" * 32_768):
        with pytest.raises(ValidationException, match="65536"):
            check_item({name: {"S": ""}})


def test_sets_equal_in_any_order_and_lists_do_not() -> None:
    assert equal({"SS": ["a", "b"]}, {"SS": ["b", "a"]})
    assert equal({"M": {"s": {"NS": ["1", "2"]}}}, {"M": {"s": {"NS": ["2", "1"]}}})
    assert equal({"L": [{"SS": ["a", "b"]}]}, {"L": [{"SS": ["b", "a"]}]})
    assert not equal({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]})
    assert not equal({"S": "1"}, {"N": "1"})
    assert not equal({"SS": ["a"]}, {"SS": ["a", "b"]})
    assert not equal({"M": {"a": {"S": "x"}}}, {"M": {"b": {"S": "x"}}})


def test_only_text_numbers_and_bytes_have_an_order() -> None:
    assert compare({"S": "a"}, {"S": "b"}) == -1
    assert compare({"N": "10"}, {"N": "9"}) == 1
    # In base64 "/" comes before "A", as bytes 0xFC comes after 0x00.
    assert compare({"B": "/A=="}, {"B": "AA=="}) == 1
    assert compare({"S": "a"}, {"N": "1"}) is None
    assert compare({"BOOL": True}, {"BOOL": False}) is None


@given(st.text(), st.text())
def test_strings_order_as_their_utf8_bytes(left: str, right: str) -> None:
    one, two = left.encode(), right.encode()
    assert compare({"S": left}, {"S": right}) == (one > two) - (one < two)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS", "x"]), inner, max_size=2
        )
    ),
    max_leaves=8,
)


@given(json_values)
def test_whatever_json_arrives_it_is_a_value_or_an_aws_error(value: Any) -> None:
    try:
        checked = check_value(value)
    except ServiceError:
        return
    assert check_value(checked) is checked
    assert equal(checked, checked)
