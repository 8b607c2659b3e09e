"""Tags of objects and buckets: limits, and their two forms (a TagSet, or a query string in `x-amz-tagging`).

Limits: S3 user guide, "Categorizing your storage using tags"; kept as JSON pairs in the order given.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson

from lambent.services.s3 import errors

MAX_OBJECT_TAGS = 10
MAX_BUCKET_TAGS = 50
MAX_NAME_LENGTH = 128
MAX_VALUE_LENGTH = 256

_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*")

Tag = tuple[str, str]


def from_header(header: str | None) -> str:
    """`a=1&b=2` as stored text. Raises InvalidArgument, InvalidTag, TooManyTags."""
    if not header:
        return ""
    try:
        pairs = parse_qsl(header, keep_blank_values=True, strict_parsing=False, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise errors.InvalidArgument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without "
            "tag name duplicates.",
            name="x-amz-tagging",
            value=header,
        ) from error
    return for_object(pairs)


def from_tag_set(tagging: Mapping[str, Any]) -> list[Tag]:
    """The pairs of a `Tagging` structure."""
    return [(tag.get("Key", ""), tag.get("Value", "")) for tag in tagging.get("TagSet") or ()]


def for_object(pairs: Sequence[Tag]) -> str:
    """Checked, as stored text. Raises InvalidTag, TooManyTags."""
    if len(pairs) > MAX_OBJECT_TAGS:
        raise errors.TooManyTags(f"Object tags cannot be greater than {MAX_OBJECT_TAGS}")
    return _checked(pairs)


def for_bucket(pairs: Sequence[Tag]) -> str:
    """Checked, as stored text. Raises InvalidTag, TooManyTags."""
    if len(pairs) > MAX_BUCKET_TAGS:
        raise errors.TooManyTags(f"Bucket tag count cannot be greater than {MAX_BUCKET_TAGS}")
    return _checked(pairs)


def to_tag_set(stored: str) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in load(stored)]


def load(stored: str) -> list[Tag]:
    return [(name, value) for name, value in orjson.loads(stored)] if stored else []


def _checked(pairs: Sequence[Tag]) -> str:
    if not pairs:
        return ""
    for name, value in pairs:
        _check(name, value)
    if len({name for name, _ in pairs}) < len(pairs):
        raise errors.InvalidTag("Cannot provide multiple Tags with the same key")
    return orjson.dumps(pairs).decode()


def _check(name: str, value: str) -> None:
    if not 1 <= len(name) <= MAX_NAME_LENGTH or not _ALLOWED.fullmatch(name):
        raise errors.InvalidTag("The TagKey you have provided is invalid", members={"TagKey": name})
    if len(value) > MAX_VALUE_LENGTH or not _ALLOWED.fullmatch(value):
        raise errors.InvalidTag(
            "The TagValue you have provided is invalid", members={"TagKey": name, "TagValue": value}
        )
    if name.lower().startswith("aws:"):
        raise errors.InvalidTag("System tags cannot be added/updated by requester")
