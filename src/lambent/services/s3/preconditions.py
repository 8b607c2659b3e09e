"""Conditional requests: what If-Match, If-None-Match and the two dates decide (RFC 9110, 13; S3's own limits).

An ETag condition outranks the date beside it: If-Match that holds makes If-Unmodified-Since irrelevant, and
If-None-Match that fails to match makes If-Modified-Since irrelevant. Dates have no fractions: an object's time is cut
to the second before it is compared.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.s3 import errors


class Verdict(Enum):
    PROCEED = "proceed"
    #: The client has it already: 304 to a read, 412 to a copy.
    NOT_MODIFIED = "not modified"


@frozen
class Conditions:
    """ETags as sent, times in seconds since the epoch."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: float | None = None
    if_unmodified_since: float | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any], prefix: str = "") -> "Conditions | None":
        """From the members `<prefix>IfMatch` and so on; None if there is none of them."""
        found = cls(
            request.get(prefix + "IfMatch"),
            request.get(prefix + "IfNoneMatch"),
            request.get(prefix + "IfModifiedSince"),
            request.get(prefix + "IfUnmodifiedSince"),
        )
        return None if found == _NOTHING else found


_NOTHING = Conditions()


def check_read(conditions: Conditions, *, etag: str, modified_ms: int) -> Verdict:
    """Raises PreconditionFailed."""
    modified = modified_ms // 1000
    if conditions.if_match is not None:
        if not matches(conditions.if_match, etag):
            raise errors.PreconditionFailed("If-Match")
    elif conditions.if_unmodified_since is not None and modified > conditions.if_unmodified_since:
        raise errors.PreconditionFailed("If-Unmodified-Since")
    if conditions.if_none_match is not None:
        return Verdict.NOT_MODIFIED if matches(conditions.if_none_match, etag) else Verdict.PROCEED
    if conditions.if_modified_since is not None and modified <= conditions.if_modified_since:
        return Verdict.NOT_MODIFIED
    return Verdict.PROCEED


def check_copy_source(conditions: Conditions, *, etag: str, modified_ms: int) -> None:
    """The same for x-amz-copy-source-if-*; there is no 304 for a copy. Raises PreconditionFailed."""
    if check_read(conditions, etag=etag, modified_ms=modified_ms) is Verdict.NOT_MODIFIED:
        failed = "If-None-Match" if conditions.if_none_match is not None else "If-Modified-Since"
        raise errors.PreconditionFailed(f"x-amz-copy-source-{failed}")


def check_write_headers(request: Mapping[str, Any]) -> None:
    """Before any byte is read: a write knows `If-None-Match: *` only. Raises UnsupportedHeader."""
    if request.get("IfNoneMatch") not in (None, "*"):
        raise errors.UnsupportedHeader("If-None-Match")
    if "IfMatch" in request and "IfNoneMatch" in request:
        raise errors.UnsupportedHeader("If-Match,If-None-Match")


def check_write(request: Mapping[str, Any], *, key: str, current_etag: str | None) -> None:
    """Inside the writing transaction, against the object there is. Raises PreconditionFailed, NoSuchKey."""
    if "IfNoneMatch" in request and current_etag is not None:
        raise errors.PreconditionFailed("If-None-Match")
    wanted = request.get("IfMatch")
    if wanted is not None:
        if current_etag is None:
            raise errors.NoSuchKey(key)
        if not matches(wanted, current_etag):
            raise errors.PreconditionFailed("If-Match")


def check_delete(
    *, key: str, etag: str | None, modified: float | None, size: int | None, current: tuple[str, int, int] | None
) -> None:
    """Conditions of DeleteObject and of each key of DeleteObjects against (etag, modified_ms, size).

    If-Match asks for an object that is there ("How to perform conditional deletes" in the S3 user guide). Raises
    PreconditionFailed, NoSuchKey.
    """
    if current is None:
        if etag is not None:
            raise errors.NoSuchKey(key)
        return
    current_etag, modified_ms, current_size = current
    if etag is not None and not matches(etag, current_etag):
        raise errors.PreconditionFailed("If-Match")
    if modified is not None and modified_ms // 1000 != int(modified):
        raise errors.PreconditionFailed("x-amz-if-match-last-modified-time")
    if size is not None and size != current_size:
        raise errors.PreconditionFailed("x-amz-if-match-size")


def matches(header: str, etag: str) -> bool:
    """`*`, one ETag or a list of them, quoted or not, weak or not."""
    if header.strip() == "*":
        return True
    return any(bare_etag(candidate) == etag for candidate in header.split(","))


def bare_etag(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')
