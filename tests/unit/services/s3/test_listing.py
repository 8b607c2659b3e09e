"""Listings against the simplest model: a sorted list of all keys."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.s3 import listing
from lambent.services.s3.listing import Page, Span
from lambent.services.s3.records import Listed
from lambent.wire.errors import ServiceError


class Shelf:
    """Rows as the store gives them, counting what was read."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = sorted(set(keys))
        self.rows_read = 0

    def fetch(self, start: bytes, end: bytes, limit: int) -> list[Listed]:
        found = [key for key in self.keys if start <= key < end][:limit]
        self.rows_read += len(found)
        return [Listed(key, 0, "", 0, "STANDARD", "", "", "") for key in found]


def entries(page: Page) -> list[bytes]:
    return sorted([row.key for row in page.contents] + page.prefixes)


def model(keys: Sequence[bytes], prefix: bytes, delimiter: bytes, after: bytes) -> list[bytes]:
    """All entries behind the marker, slowly."""
    found = []
    for key in sorted(set(keys)):
        if not key.startswith(prefix):
            continue
        group = listing.group_of(key, prefix, delimiter)
        entry = key if group is None else group
        past = entry <= after or (group is not None and after.startswith(group))
        if (not after or not past) and entry not in found:
            found.append(entry)
    return found


KEY = st.text(st.sampled_from("ab/ü\U0001f600!"), min_size=1, max_size=5).map(str.encode)
KEYS = st.lists(KEY, max_size=30)
PREFIX = st.text(st.sampled_from("ab/ü"), max_size=2).map(str.encode)
DELIMITER = st.sampled_from([b"", b"/", b"a", "ü".encode(), b"//"])


@given(keys=KEYS, prefix=PREFIX, delimiter=DELIMITER, after=st.one_of(st.just(b""), KEY), limit=st.integers(1, 40))
def test_a_page_is_the_beginning_of_the_model(
    keys: list[bytes], prefix: bytes, delimiter: bytes, after: bytes, limit: int
) -> None:
    expected = model(keys, prefix, delimiter, after)
    page = listing.collect(Span(prefix, delimiter, after, limit), Shelf(keys).fetch)
    assert entries(page) == expected[:limit]
    assert page.is_truncated == (len(expected) > limit)
    if expected:
        assert page.last == expected[:limit][-1]


@given(keys=KEYS, prefix=PREFIX, delimiter=DELIMITER, limit=st.integers(1, 4))
def test_pages_together_are_the_whole(keys: list[bytes], prefix: bytes, delimiter: bytes, limit: int) -> None:
    shelf, collected, after = Shelf(keys), [], b""
    while True:
        page = listing.collect(Span(prefix, delimiter, after, limit), shelf.fetch)
        assert page.count <= limit
        collected += entries(page)
        if not page.is_truncated:
            break
        after = listing.after_token(listing.token_of(page.last))
    assert collected == model(keys, prefix, delimiter, b"")


def test_a_group_of_many_keys_is_not_read_through() -> None:
    shelf = Shelf([b"a/%05d" % number for number in range(5000)] + [b"b/1", b"c"])
    page = listing.collect(Span(b"", b"/"), shelf.fetch)
    assert page.prefixes == [b"a/", b"b/"]
    assert [row.key for row in page.contents] == [b"c"]
    assert shelf.rows_read < 300


def test_nothing_is_asked_for() -> None:
    page = listing.collect(Span(limit=0), Shelf([b"a"]).fetch)
    assert (page.count, page.is_truncated) == (0, False)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [(b"", b"\xff"), (b"a", b"b"), (b"a/", b"a0"), ("ü".encode(), b"\xc3\xbd"), (b"a\xff", b"b")],
)
def test_behind_prefix(prefix: bytes, expected: bytes) -> None:
    assert listing.behind_prefix(prefix) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain/key-1_2.~txt", "plain/key-1_2.~txt"),
        ("a b", "a+b"),
        ("a+b", "a%2Bb"),
        ("ü", "%C3%BC"),
        ("\x01", "%01"),
        ("100%", "100%25"),
    ],
)
def test_encode(text: str, expected: str) -> None:
    assert listing.encode(text) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, 1000), (0, 0), (5, 5), (5000, 1000)])
def test_parse_limit(value: int | None, expected: int) -> None:
    assert listing.parse_limit(value) == expected


@pytest.mark.parametrize("value", [-1, 2147483648])
def test_an_impossible_limit(value: int) -> None:
    with pytest.raises(ServiceError) as refused:
        listing.parse_limit(value)
    assert refused.value.code == "InvalidArgument"


@pytest.mark.parametrize("token", ["", "x", "!!!!", "MA==", "ä"])
def test_a_token_that_is_none(token: str) -> None:
    with pytest.raises(ServiceError) as refused:
        listing.after_token(token)
    assert refused.value.code == "InvalidArgument"


def test_encoding_types() -> None:
    assert listing.check_encoding(None) is None
    assert listing.check_encoding("url") == "url"
    with pytest.raises(ServiceError):
        listing.check_encoding("base64")
