"""Item sizes (Developer Guide, "DynamoDB item sizes and formats")."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.sizes import MAX_ITEM_BYTES, check_put_size, check_update_size, item_size, value_size

SIZES: list[tuple[dict[str, Any], int]] = [
    ({"S": ""}, 0),
    ({"S": "hello"}, 5),
    ({"S": "größe"}, 7),
    ({"B": "YWJj"}, 3),
    ({"B": "YQ=="}, 1),
    ({"N": "1234"}, 3),
    ({"BOOL": False}, 1),
    ({"NULL": True}, 1),
    ({"SS": ["a", "bc"]}, 3),
    ({"NS": ["1", "-1"]}, 5),
    ({"BS": ["YQ==", "YWJj"]}, 4),
    ({"L": []}, 3),
    ({"M": {}}, 3),
    ({"L": [{"S": "a"}, {"N": "1"}]}, 3 + 1 + 1 + 1 + 2),
    ({"M": {"ab": {"S": "c"}}}, 3 + 1 + 2 + 1),
]


@pytest.mark.parametrize(("value", "size"), SIZES)
def test_a_value_weighs_what_aws_says(value: dict[str, Any], size: int) -> None:
    assert value_size(value) == size
    assert item_size({"pk": value, "ü": value}) == 2 + size + 2 + size


@given(st.binary(max_size=100))
def test_binaries_weigh_their_bytes(content: bytes) -> None:
    assert value_size({"B": base64.b64encode(content).decode()}) == len(content)


def test_an_item_may_weigh_400_kb_and_no_byte_more() -> None:
    check_put_size(MAX_ITEM_BYTES)
    check_update_size(MAX_ITEM_BYTES)
    with pytest.raises(ValidationException) as refused:
        check_put_size(MAX_ITEM_BYTES + 1)
    assert refused.value.message == "Item size has exceeded the maximum allowed size"
    with pytest.raises(ValidationException) as refused:
        check_update_size(MAX_ITEM_BYTES + 1)
    assert refused.value.message == "Item size to update has exceeded the maximum allowed size"
