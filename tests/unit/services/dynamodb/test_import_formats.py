"""Records of imported files, however they arrive."""

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.dynamodb import import_formats
from lambent.services.dynamodb.import_formats import Csv, JsonLines, Records, Unreadable


def cut(content: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(content[:size])
        content = content[size:]
    return [*pieces, content]


def read(pieces: list[bytes], *, is_compressed: bool = False, is_quoted: bool = False) -> list[bytes]:
    records = Records(is_compressed=is_compressed, is_quoted=is_quoted)
    return [*(record for piece in pieces for record in records.feed(piece)), *records.end()]


@given(
    st.lists(st.binary(min_size=1).filter(lambda line: not {*b"\r\n"} & {*line} and line.strip())),
    st.lists(st.integers(0, 20)),
    st.booleans(),
)
def test_records_do_not_depend_on_pieces(lines: list[bytes], sizes: list[int], is_compressed: bool) -> None:
    content = b"\n".join(lines)
    if is_compressed:  # two members, as of files that were put together
        content = gzip.compress(content[:7]) + gzip.compress(content[7:])
    assert read(cut(content, sizes), is_compressed=is_compressed) == lines


def test_what_grows_large_grows_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_formats, "_GROWN_BYTES", 100)
    lines = [b"x" * 50] * 100
    assert read([gzip.compress(b"\n".join(lines))], is_compressed=True) == lines


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"a,b\r\n1,2\r\n", [b"a,b", b"1,2"]),
        (b'"a\nb",c\n\nd,e', [b'"a\nb",c', b"d,e"]),
        (b"", []),
    ],
)
def test_lines_within_quotes_go_on(content: bytes, records: list[bytes]) -> None:
    for at in range(len(content) + 1):
        assert read([content[:at], content[at:]], is_quoted=True) == records


@pytest.mark.parametrize("content", [b"plain", gzip.compress(b"a\nb\n", mtime=0)[:-9], b""])
def test_no_gzip(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read([content], is_compressed=True)


def test_a_record_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_formats, "MAX_RECORD_BYTES", 10)
    with pytest.raises(Unreadable):
        read([b"123456", b"789012"])


@pytest.mark.parametrize(
    ("header", "lines", "items"),
    [
        (None, ["pk,n,v", "a,1,", 'b,2,"x,y"'], [None, {"pk": "a", "n": 1}, {"pk": "b", "n": 2, "v": "x,y"}]),
        (["pk", "v"], ["a,b", "c"], [{"pk": "a", "v": "b"}, {"pk": "c"}]),
    ],
)
def test_csv(header: list[str] | None, lines: list[str], items: list[Any]) -> None:
    form = Csv({"pk": "S", "n": "N"}, delimiter=",", header=header)
    expected = [
        item and {name: {"N" if name == "n" else "S": str(value)} for name, value in item.items()} for item in items
    ]
    assert [form.decode(line.encode()) for line in lines] == expected
    for wrong in (b"a,b,c,d", b'"a', b"\xff"):
        with pytest.raises(Unreadable):
            form.decode(wrong)


def test_json_lines() -> None:
    assert JsonLines().decode(b'{"Item":{"pk":{"S":"a"}}}') == {"pk": {"S": "a"}}
    for wrong in (b"", b"{}", b"[]", b'{"Item":[]}', b'{"Item":{"pk":"a"}}', b'{"pk":{"S":"a"}}', b"{"):
        with pytest.raises(Unreadable):
            JsonLines().decode(wrong)
