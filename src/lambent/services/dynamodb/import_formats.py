"""What the files of an import hold: lines, perhaps compressed, each an item as DynamoDB JSON or as values of CSV.

Developer Guide, "Amazon S3 import formats for DynamoDB". Pieces of a file go in as they are read, records come out.
"""

import csv
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import orjson

from lambent.services.dynamodb.values import Item

#: Of one record; an item of 400 KB is no longer than a few megabytes, however it is written.
MAX_RECORD_BYTES = 16 * 1024 * 1024
#: What one piece may grow to at a time when it is decompressed.
_GROWN_BYTES = 256 * 1024

_GZIP = 16 + zlib.MAX_WBITS


class Unreadable(Exception):
    """What follows in this file cannot be made out."""


class Format(Protocol):
    """Of one file; it sees its records in their order."""

    def decode(self, record: bytes) -> Item | None:
        """None: this one is no item, but a header. Raises Unreadable."""
        ...


class JsonLines:
    """`{"Item": {"pk": {"S": "a"}}}`, as exports write it."""

    def decode(self, record: bytes) -> Item | None:
        try:
            document = orjson.loads(record)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"no JSON: {error}") from error
        item = document.get("Item") if isinstance(document, dict) else None
        if not isinstance(item, dict) or not all(
            isinstance(value, dict) and len(value) == 1 for value in item.values()
        ):
            raise Unreadable('no document of the form {"Item": {...}}')
        return item


class Csv:
    """Values are strings, except those of key attributes; an empty one is no attribute."""

    def __init__(self, types: Mapping[str, str], *, delimiter: str, header: Sequence[str] | None) -> None:
        """`types`: of the attribute definitions. `header`: None if the first line of the file is it."""
        self._types = types
        self._delimiter = delimiter
        self._header = header

    def decode(self, record: bytes) -> Item | None:
        try:
            values = next(csv.reader([record.decode()], delimiter=self._delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise Unreadable(f"no CSV: {error}") from error
        if self._header is None:
            self._header = values
            return None
        if len(values) > len(self._header):
            raise Unreadable(f"{len(values)} values for {len(self._header)} names")
        return {name: self._value(name, text) for name, text in zip(self._header, values, strict=False) if text}

    def _value(self, name: str, text: str) -> dict[str, Any]:
        return {self._types.get(name, "S"): text}


def format_of(request: Mapping[str, Any]) -> Format:
    """Of the files of an ImportTable."""
    if request["InputFormat"] != "CSV":
        return JsonLines()
    options = request.get("InputFormatOptions", {}).get("Csv", {})
    definitions = request["TableCreationParameters"]["AttributeDefinitions"]
    return Csv(
        {one["AttributeName"]: one["AttributeType"] for one in definitions},
        delimiter=options.get("Delimiter", ","),
        header=options.get("HeaderList"),
    )


class Records:
    """Cuts a file into records, at the ends of lines (within the quotes of CSV a line may end and the record go on)."""

    def __init__(self, *, is_compressed: bool, is_quoted: bool) -> None:
        self._gunzip = zlib.decompressobj(wbits=_GZIP) if is_compressed else None
        self._is_quoted = is_quoted
        self._rest = b""
        """Of a record whose end has not come yet."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Raises Unreadable."""
        for plain in self._plain(piece):
            *lines, last = plain.split(b"\n")
            for line in lines:
                record = self._rest + line
                if self._is_quoted and record.count(b'"') % 2:
                    self._rest = record + b"\n"
                    continue
                self._rest = b""
                if record.strip():
                    yield record.rstrip(b"\r")
            self._rest += last
            if len(self._rest) > MAX_RECORD_BYTES:
                raise Unreadable(f"a record of more than {MAX_RECORD_BYTES} bytes")

    def end(self) -> Iterator[bytes]:
        """What stands behind the last end of a line. Raises Unreadable."""
        if self._gunzip is not None and not self._gunzip.eof:
            raise Unreadable("the compressed data ends too early")
        if self._rest.strip():
            yield self._rest.rstrip(b"\r")

    def _plain(self, piece: bytes) -> Iterator[bytes]:
        if self._gunzip is None:
            yield piece
            return
        is_pending = False
        try:
            while piece or is_pending:
                if self._gunzip.eof:  # files may be several, one behind the other
                    self._gunzip = zlib.decompressobj(wbits=_GZIP)
                grown = self._gunzip.decompress(piece, _GROWN_BYTES)
                yield grown
                is_pending = len(grown) == _GROWN_BYTES and not self._gunzip.eof
                piece = self._gunzip.unconsumed_tail or self._gunzip.unused_data
        except zlib.error as error:
            raise Unreadable(f"no gzip: {error}") from error
