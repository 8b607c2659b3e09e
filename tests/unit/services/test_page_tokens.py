"""Tokens of listings: what was written is read, what was made up is told."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services import page_tokens
from lambent.services.page_tokens import BadToken


@given(st.lists(st.text() | st.integers(0, 2**63 - 1), min_size=1, max_size=4))
def test_what_was_written_is_read(where: list[str | int]) -> None:
    assert page_tokens.read(page_tokens.write(*where), *[type(value) for value in where]) == tuple(where)


@pytest.mark.parametrize("where", [[], ["a", "b"], [1], [None], [True], {"a": 1}, "a", 1, [["a"]]], ids=repr)
def test_another_shape_is_none_of_ours(where: object) -> None:
    with pytest.raises(BadToken):
        page_tokens.read(base64.urlsafe_b64encode(orjson.dumps(where)).decode(), str)


@pytest.mark.parametrize("number", [-1, 2**63, 2**64 - 1, 1.0])
def test_a_number_that_no_column_holds_is_none_of_ours(number: float) -> None:
    with pytest.raises(BadToken):
        page_tokens.read(base64.urlsafe_b64encode(orjson.dumps([number])).decode(), int)


@pytest.mark.parametrize("token", ["", "x", "äö", "W10", "/w==", "e30=", "bm90IGpzb24=", "a" * 1000])
def test_nonsense_is_none_of_ours(token: str) -> None:
    with pytest.raises(BadToken):
        page_tokens.read(token, str)
