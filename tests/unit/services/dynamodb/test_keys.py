"""Keys: what fits a schema, AWS's sentences for what does not, and bytes in DynamoDB's order."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.keys import (
    HASH_BYTES,
    Key,
    KeySchema,
    SortRange,
    check_index_key,
    check_updated_index_key,
    encode_key,
    index_key_of,
    key_attributes,
    key_of,
    key_of_item,
    partition_bytes,
    partition_hash,
    sort_range,
)
from lambent.services.dynamodb.values import Item, compare

HASH = KeySchema("pk", "S")
BOTH = KeySchema("pk", "S", "sk", "N")
BINARY = KeySchema("pk", "B", "sk", "B")

INVALID = "One or more parameter values were invalid: "
MISMATCH = "The provided key element does not match the schema"
EMPTY_STRING = "The AttributeValue for a key attribute cannot contain an empty string value. "
EMPTY_BINARY = "The AttributeValue for a key attribute cannot contain an empty binary value. "
NOT_VALID = "One or more parameter values are not valid. "
LONG = "Size of hashkey has exceeded the maximum size limit of2048 bytes"
LONG_SORT = "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"

KEYS: list[tuple[KeySchema, Item, str]] = [
    (HASH, {}, MISMATCH),
    (HASH, {"x": {"S": "a"}}, MISMATCH),
    (HASH, {"pk": {"N": "1"}}, MISMATCH),
    (HASH, {"pk": {"S": "a"}, "x": {"S": "b"}}, MISMATCH),
    (BOTH, {"pk": {"S": "a"}}, MISMATCH),
    (BOTH, {"pk": {"S": "a"}, "sk": {"S": "1"}}, MISMATCH),
    (BOTH, {"pk": {"S": "a"}, "sk": {"N": "1"}, "x": {"S": "b"}}, MISMATCH),
    (HASH, {"pk": {"S": ""}}, f"{NOT_VALID}{EMPTY_STRING}Key: pk"),
    (BINARY, {"pk": {"B": "YQ=="}, "sk": {"B": ""}}, f"{NOT_VALID}{EMPTY_BINARY}Key: sk"),
    (HASH, {"pk": {"S": "x" * 2049}}, INVALID + LONG),
    (HASH, {"pk": {"S": "ü" * 1025}}, INVALID + LONG),
    (BINARY, {"pk": {"B": "YQ=="}, "sk": {"B": base64.b64encode(bytes(1025)).decode()}}, INVALID + LONG_SORT),
]

ITEMS: list[tuple[KeySchema, Item, str]] = [
    (HASH, {}, f"{INVALID}Missing the key pk in the item"),
    (BOTH, {"pk": {"S": "a"}}, f"{INVALID}Missing the key sk in the item"),
    (HASH, {"pk": {"N": "1"}}, f"{INVALID}Type mismatch for key pk expected: S actual: N"),
    (BOTH, {"pk": {"S": "a"}, "sk": {"S": "1"}}, f"{INVALID}Type mismatch for key sk expected: N actual: S"),
    (HASH, {"pk": {"S": ""}}, f"{NOT_VALID}{EMPTY_STRING}Key: pk"),
    (HASH, {"pk": {"S": "x" * 2049}}, INVALID + LONG),
]


@pytest.mark.parametrize(("schema", "key", "message"), KEYS)
def test_keys_that_do_not_fit_are_refused_in_awss_words(schema: KeySchema, key: Item, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        key_of(key, schema)
    assert refused.value.message == message


@pytest.mark.parametrize(("schema", "item", "message"), ITEMS)
def test_items_without_a_fitting_key_are_refused_in_awss_words(schema: KeySchema, item: Item, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        key_of_item(item, schema)
    assert refused.value.message == message


def test_key_and_item_lead_to_the_same_place() -> None:
    key = {"pk": {"S": "a"}, "sk": {"N": "-2.5"}}
    item = {**key, "more": {"S": "x"}}
    assert key_of(key, BOTH) == key_of_item(item, BOTH)
    assert key_attributes(item, BOTH) == key
    found = key_of(key, BOTH)
    assert found == Key(partition_hash(b"a") + b"a", encode_key({"N": "-2.5"}))
    assert len(partition_hash(b"a")) == HASH_BYTES
    assert partition_bytes({"S": "a"}) == found.partition
    key_of({"pk": {"S": "x" * 2048}}, HASH)


INDEX = KeySchema("g", "S", "h", "B")
ON_INDEX = "IndexName: byG, IndexKey: "


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"g": {"N": "1"}}, f"{INVALID}Type mismatch for Index Key g Expected: S Actual: N IndexName: byG"),
        ({"h": {"S": "a"}}, f"{INVALID}Type mismatch for Index Key h Expected: B Actual: S IndexName: byG"),
        (
            {"g": {"S": ""}},
            f"{NOT_VALID}A value specified for a secondary index key is not supported. {EMPTY_STRING}{ON_INDEX}g",
        ),
        (
            {"h": {"B": ""}},
            f"{NOT_VALID}A value specified for a secondary index key is not supported. {EMPTY_BINARY}{ON_INDEX}h",
        ),
        ({"g": {"S": "x" * 2049}}, INVALID + LONG),
        ({"h": {"B": base64.b64encode(bytes(1025)).decode()}}, INVALID + LONG_SORT),
    ],
)
def test_attributes_unfit_for_an_index_are_refused(item: Item, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        check_index_key(item, INDEX, "byG")
    assert refused.value.message == message


def test_an_update_that_makes_an_index_key_unfit_is_refused_in_other_words() -> None:
    begins = "The update expression attempted to update the secondary index key "
    for item, reason in (
        ({"g": {"N": "1"}}, "to unsupported type"),
        ({"g": {"S": "x" * 2049}}, "beyond allowed size limits"),
        ({"h": {"B": base64.b64encode(bytes(1025)).decode()}}, "beyond allowed size limits"),
    ):
        with pytest.raises(ValidationException) as refused:
            check_updated_index_key(item, INDEX, "byG")
        assert refused.value.message == begins + reason
    with pytest.raises(ValidationException, match="cannot contain an empty string value"):
        check_updated_index_key({"g": {"S": ""}}, INDEX, "byG")
    check_updated_index_key({"g": {"S": "a"}, "h": {"B": "YQ=="}}, INDEX, "byG")


def test_items_without_an_indexs_key_are_not_in_it() -> None:
    assert index_key_of({"g": {"S": "a"}}, INDEX) is None
    assert index_key_of({"g": {"N": "1"}, "h": {"B": "YQ=="}}, INDEX) is None
    assert index_key_of({"g": {"S": "a"}, "h": {"B": "YQ=="}}, INDEX) == Key(partition_bytes({"S": "a"}), b"a")
    assert index_key_of({"g": {"S": "a"}}, KeySchema("g", "S")) == Key(partition_bytes({"S": "a"}), b"")


sort_keys = st.one_of(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1).map(lambda text: {"S": text}), min_size=3, max_size=3),
    st.lists(st.integers(-500, 500).map(lambda number: {"N": str(number)}), min_size=3, max_size=3),
    st.lists(
        st.binary(min_size=1, max_size=4).map(lambda content: {"B": base64.b64encode(content).decode()}),
        min_size=3,
        max_size=3,
    ),
)


def _within(encoded: bytes, limits: SortRange) -> bool:
    above = limits.lower is None or encoded > limits.lower or (limits.lower_inclusive and encoded == limits.lower)
    below = limits.upper is None or encoded < limits.upper or (limits.upper_inclusive and encoded == limits.upper)
    return above and below


@given(sort_keys)
def test_a_range_of_bytes_holds_what_the_condition_says(values: list[dict[str, Any]]) -> None:
    value, one, two = values
    order = compare(value, one)
    assert order is not None
    encoded = encode_key(value)
    for operator, holds in (
        ("=", order == 0),
        ("<", order < 0),
        ("<=", order <= 0),
        (">", order > 0),
        (">=", order >= 0),
    ):
        assert _within(encoded, sort_range(operator, (one,))) == holds
    other = compare(value, two)
    assert other is not None
    assert _within(encoded, sort_range("BETWEEN", (one, two))) == (order >= 0 and other <= 0)
    if "N" not in value:
        assert _within(encoded, sort_range("begins_with", (one,))) == encoded.startswith(encode_key(one))


def test_a_prefix_of_highest_bytes_has_no_upper_bound() -> None:
    assert sort_range("begins_with", ({"B": "//8="},)) == SortRange(
        lower=b"\xff\xff", upper=None, upper_inclusive=False
    )
    assert sort_range("begins_with", ({"B": "AP8="},)).upper == b"\x01"
