"""Header lists into heads and back: what holds whatever the fields are. (Refusals: test_http2_limits.)"""

import contextlib
import string

from hypothesis import given
from hypothesis import strategies as st

from lambent.net.http2_head import read_request, read_trailers, response_fields
from lambent.net.limits import Limits
from lambent.net.refusals import Refused

PSEUDO = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"localhost"), (b":path", b"/")]
NAMES = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12).filter(
    lambda name: name not in ("te", "connection", "upgrade", "host", "content-length", "cookie", "date", "expect")
)
VALUES = st.text("".join(map(chr, [*range(0x20, 0x7F), *range(0x80, 0x100)])), max_size=30)


@given(st.dictionaries(NAMES, VALUES, max_size=20))
def test_what_is_sent_as_fields_is_read_as_the_same_headers(headers: dict[str, str]) -> None:
    [status, *fields, date, length] = response_fields(200, headers, length=3, date=b"now")
    assert (status, date, length) == ((b":status", b"200"), (b"date", b"now"), (b"content-length", b"3"))
    head = read_request([*PSEUDO, *fields], Limits(), is_whole=True)
    expected = {name: value.encode("latin-1").strip().decode("latin-1").strip(" \t") for name, value in headers.items()}
    assert head.headers == {**expected, "host": "localhost", ":authority": "localhost"}


@given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=8), st.booleans())
def test_any_fields_are_a_head_or_refused(fields: list[tuple[bytes, bytes]], is_whole: bool) -> None:
    for found in (fields, [*PSEUDO, *fields]):
        try:
            head = read_request(found, Limits(), is_whole=is_whole)
        except Refused:
            continue
        assert head.target.startswith("/")
        assert all("\n" not in value and "\r" not in value for value in head.headers.values())


@given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=8))
def test_any_trailers_are_taken_or_refused(fields: list[tuple[bytes, bytes]]) -> None:
    with contextlib.suppress(Refused):
        assert len(read_trailers(fields, Limits())) <= len(fields)


def test_a_value_that_latin_1_does_not_have_is_sent_as_utf_8() -> None:
    assert (b"x-a", "Ω".encode()) in response_fields(200, {"X-A": "Ω"}, length=None, date=b"now")
