"""Names: which bucket names and keys there can be, where a bucket may be created, who an owner is.

Sources: S3 user guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects"; CreateBucket in the API
reference for LocationConstraint.
"""

import base64
import functools
import hashlib
import re

from lambent.services.s3 import errors

MAX_KEY_BYTES = 1024
DEFAULT_REGION = "us-east-1"

_BUCKET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+)+-\d{1,2}")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_OLD_REGION_NAMES = {"EU": "eu-west-1"}


def check_bucket_name(name: str) -> None:
    """Raises InvalidBucketName."""
    if (
        not _BUCKET_NAME.fullmatch(name)
        or ".." in name
        or _ADDRESS.fullmatch(name)
        or name.startswith(_RESERVED_PREFIXES)
        or name.endswith(_RESERVED_SUFFIXES)
    ):
        raise errors.InvalidBucketName(name)


def key_bytes(key: str) -> bytes:
    """A key as it is stored and ordered. Raises KeyTooLong, InvalidArgument."""
    try:
        encoded = key.encode()
    except UnicodeEncodeError as error:
        raise errors.InvalidArgument("Object key is not valid UTF-8.", name="Key") from error
    if len(encoded) > MAX_KEY_BYTES:
        raise errors.KeyTooLong(size=len(encoded), limit=MAX_KEY_BYTES)
    return encoded


def bucket_region(constraint: str | None, *, signed_for: str) -> str:
    """Where a new bucket lives. Raises InvalidLocationConstraint, IllegalLocationConstraint.

    A request to us-east-1 may create a bucket anywhere; a request to another region only there, and it must say so.
    """
    if not constraint:
        if signed_for == DEFAULT_REGION:
            return DEFAULT_REGION
        raise errors.IllegalLocationConstraint(
            "The unspecified location constraint is incompatible for the region specific endpoint this request was "
            "sent to."
        )
    region = _OLD_REGION_NAMES.get(constraint, constraint)
    if region == DEFAULT_REGION or not _REGION.fullmatch(region):
        raise errors.InvalidLocationConstraint(constraint)
    if signed_for not in (DEFAULT_REGION, region):
        raise errors.IllegalLocationConstraint(
            f"The {constraint} location constraint is incompatible for the region specific endpoint this request was "
            "sent to."
        )
    return region


@functools.lru_cache(256)
def canonical_user_id(account_id: str) -> str:
    """64 hexadecimal digits that stand for an account in ACLs and listings."""
    return hashlib.sha256(f"canonical user {account_id}".encode()).hexdigest()


@functools.lru_cache(256)
def customer_id(account_id: str) -> str:
    """What events give as the principal id of a bucket's owner, e.g. `A3NL1KOZZKEXAM`."""
    digest = hashlib.sha256(f"customer {account_id}".encode()).digest()
    return "A" + base64.b32encode(digest)[:13].decode()
