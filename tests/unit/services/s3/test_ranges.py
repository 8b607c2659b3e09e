"""Which bytes a Range header selects (RFC 9110, 14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.s3 import ranges
from lambent.services.s3.ranges import ByteRange
from lambent.wire.errors import ServiceError
from unit.services.s3.outcomes import value_or_code

SIZE = 10


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", (0, 0)),
        ("bytes=2-5", (2, 5)),
        ("bytes=2-", (2, 9)),
        ("bytes=2-99", (2, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-99", (0, 9)),
        ("bytes=9-9", (9, 9)),
        # What S3 does not understand it ignores.
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes 0-1", None),
        ("bytes=٣-٤", None),
        # What it understands and cannot satisfy it refuses.
        ("bytes=10-", "InvalidRange"),
        ("bytes=10-12", "InvalidRange"),
        ("bytes=-0", "InvalidRange"),
    ],
)
def test_select(header: str | None, expected: tuple[int, int] | str | None) -> None:
    selected = value_or_code(lambda: ranges.select(header, SIZE))
    if isinstance(selected, ByteRange):
        assert (selected.first, selected.last) == expected
    else:
        assert selected == expected


def test_an_empty_object_satisfies_no_range() -> None:
    for header in ("bytes=0-", "bytes=0-0", "bytes=-1"):
        with pytest.raises(ServiceError) as refused:
            ranges.select(header, 0)
        assert refused.value.members["ActualObjectSize"] == "0"


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_what_slicing_gives(size: int, first: int, last: int) -> None:
    content = bytes(range(size))
    try:
        selected = ranges.select(f"bytes={first}-{last}", size)
    except ServiceError:
        assert first >= size
        return
    if selected is None:
        assert last < first
    else:
        assert content[selected.first : selected.last + 1] == content[first : last + 1] != b""
        assert selected.content_range(size) == f"bytes {selected.first}-{selected.last}/{size}"


@given(st.text(max_size=20))
def test_any_header_has_an_answer(header: str) -> None:
    selected = value_or_code(lambda: ranges.select(header, SIZE))
    if isinstance(selected, ByteRange):
        assert 0 <= selected.first <= selected.last < SIZE
    else:
        assert selected in (None, "InvalidRange")


@pytest.mark.parametrize(
    ("header", "expected"),
    [("bytes=0-9", ByteRange(0, 9)), ("bytes=3-3", ByteRange(3, 3))],
)
def test_select_copy(header: str, expected: ByteRange) -> None:
    assert ranges.select_copy(header, SIZE) == expected


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-5", "bytes=0-10", "bytes=5-4", "0-5", "bytes=0-1,2-3"])
def test_a_copy_range_is_strict(header: str) -> None:
    with pytest.raises(ServiceError) as refused:
        ranges.select_copy(header, SIZE)
    assert refused.value.code == "InvalidArgument"
