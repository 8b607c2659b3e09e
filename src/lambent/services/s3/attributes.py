"""What is stored beside the bytes: headers to give back, user metadata, the storage class.

Storage classes are remembered and shown; every object is readable at once whatever its class, nothing is ever moved.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lambent.services.s3 import errors

#: User metadata, names and values together (S3 user guide, "Working with object metadata").
MAX_METADATA_BYTES = 2048
MAX_REDIRECT_BYTES = 2048
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
STANDARD = "STANDARD"

_STORED_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "Expires",
    "WebsiteRedirectLocation",
)
_STORAGE_CLASSES = frozenset(
    {
        STANDARD,
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "GLACIER_IR",
        "DEEP_ARCHIVE",
    }
)
#: Members that ask for something we do not do; ignoring them would be a lie about safety.
_UNSERVED = {
    "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
    "SSECustomerKey": "x-amz-server-side-encryption-customer-key",
    "CopySourceSSECustomerAlgorithm": "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "ObjectLockRetainUntilDate": "x-amz-object-lock-retain-until-date",
    "ObjectLockLegalHoldStatus": "x-amz-object-lock-legal-hold",
    "ObjectLockEventHold": "x-amz-object-lock-event-hold",
    "WriteOffsetBytes": "x-amz-write-offset-bytes",
    "MFA": "x-amz-mfa",
}
_UNSERVED_MEMBERS = frozenset(_UNSERVED)


def check_served(request: Mapping[str, Any]) -> None:
    """Raises UnsupportedHeader for encryption with keys of the client's or of KMS, and for object lock."""
    if not _UNSERVED_MEMBERS.isdisjoint(request):
        raise errors.UnsupportedHeader(next(_UNSERVED[member] for member in _UNSERVED if member in request))
    if request.get("ServerSideEncryption", "AES256") != "AES256":
        raise errors.UnsupportedHeader("x-amz-server-side-encryption")


def collect(request: Mapping[str, Any]) -> str:
    """The stored attributes of a PutObject, CreateMultipartUpload or replacing CopyObject, as JSON.

    Raises MetadataTooLarge and InvalidRedirectLocation.
    """
    kept: dict[str, Any] = {"ContentType": request.get("ContentType") or DEFAULT_CONTENT_TYPE}
    for member in _STORED_HEADERS:
        value = request.get(member)
        if value is not None and value != "":
            kept[member] = value
    if "ContentEncoding" in kept:
        _drop_chunked_framing(kept)
    if "WebsiteRedirectLocation" in kept:
        _check_redirect(kept["WebsiteRedirectLocation"])
    metadata = request.get("Metadata")
    if metadata:
        _check_metadata(metadata)
        kept["Metadata"] = metadata
    return orjson.dumps(kept).decode()


def storage_class(request: Mapping[str, Any]) -> str:
    """Raises InvalidStorageClass."""
    wanted: str = request.get("StorageClass") or STANDARD
    if wanted not in _STORAGE_CLASSES:
        raise errors.InvalidStorageClass(wanted)
    return wanted


def load(attributes: str) -> dict[str, Any]:
    """By the members of GetObject's result."""
    loaded: dict[str, Any] = orjson.loads(attributes)
    return loaded


def _drop_chunked_framing(kept: dict[str, Any]) -> None:
    """`aws-chunked` describes how the request was sent, not the object."""
    codings = [coding for coding in kept["ContentEncoding"].split(",") if coding.strip() != "aws-chunked"]
    if codings:
        kept["ContentEncoding"] = ",".join(codings)
    else:
        del kept["ContentEncoding"]


def _check_redirect(location: str) -> None:
    if not location.startswith(("/", "http://", "https://")) or len(location) > MAX_REDIRECT_BYTES:
        raise errors.InvalidRedirectLocation


def _check_metadata(metadata: Mapping[str, str]) -> None:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise errors.MetadataTooLarge(size=size, limit=MAX_METADATA_BYTES)
