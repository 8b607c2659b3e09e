"""Range: which bytes of an object a request asks for (RFC 9110, 14; GetObject in the S3 API reference).

S3 serves one range. Several ranges, other units and malformed headers are ignored: the whole object is the answer.
"""

import re

from lambent.kit.frozen import frozen
from lambent.services.s3 import errors

_ONE_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


@frozen
class ByteRange:
    first: int
    last: int
    """Included."""

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def content_range(self, size: int) -> str:
        return f"bytes {self.first}-{self.last}/{size}"


def select(header: str | None, size: int) -> ByteRange | None:
    """None: everything. Raises InvalidRange when nothing of the object lies in the range."""
    matched = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if header is None or matched is None:
        return None
    first, last = matched[1], matched[2]
    if not first and not last:
        return None
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise errors.InvalidRange(header, size=size)
        return ByteRange(size - length, size - 1)
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return None
    if start >= size:
        raise errors.InvalidRange(header, size=size)
    return ByteRange(start, end)


def select_copy(header: str, size: int) -> ByteRange:
    """x-amz-copy-source-range, which is strict. Raises InvalidArgument, InvalidRange."""
    matched = _ONE_RANGE.fullmatch(header)
    if matched is None or not matched[1] or not matched[2] or int(matched[2]) < int(matched[1]):
        raise errors.InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            name="x-amz-copy-source-range",
            value=header,
        )
    first, last = int(matched[1]), int(matched[2])
    if last >= size:
        raise errors.InvalidArgument(
            f"Range specified is not valid for source object of size: {size}",
            name="x-amz-copy-source-range",
            value=header,
        )
    return ByteRange(first, last)
