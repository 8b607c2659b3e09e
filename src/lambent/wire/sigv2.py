"""Signature version 2, in the one place where clients still use it unasked: presigned URLs of S3 objects.

boto3, aws-cli v1 and the JavaScript SDK v2 presign with it by default for the older regions, us-east-1 among them, so
that AWS still has to accept it; requests signed by header are version 4 everywhere. The string to sign holds the
method, three headers, all `x-amz-` headers and the path with its subresources; what clients move from headers into the
query (`x-amz-security-token`, `content-type`) is signed as the header it was.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
"""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from lambent.wire import signature_errors as refuse
from lambent.wire import timestamps
from lambent.wire.errors import ServiceError
from lambent.wire.http import Request
from lambent.wire.signature_errors import Dialect
from lambent.wire.sigv4 import Lookup

#: Parameters that change what a request means: whoever finds a URL must not be able to add one.
_SUBRESOURCES = frozenset(
    (
        "accelerate",
        "acl",
        "analytics",
        "attributes",
        "cors",
        "delete",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "legal-hold",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "partNumber",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "retention",
        "select",
        "select-type",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
    )
)
_NEEDED = ("AWSAccessKeyId", "Expires", "Signature")


class QueryAuthenticationIncomplete(ServiceError):
    """A URL with a part of what version 2 needs."""

    code = "AccessDenied"
    status = 403


def is_presigned(request: Request) -> bool:
    return "AWSAccessKeyId=" in request.query and "authorization" not in request.headers


def verify(request: Request, *, resource: str, dialect: Dialect, lookup: Lookup, now: float) -> str:
    """The access key id of whoever signed. `resource`: `/bucket/key` as escaped in the request. Raises ServiceError."""
    given = _parameters(request.query)
    if not all(given.get(name) for name in _NEEDED):
        raise QueryAuthenticationIncomplete(
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        )
    _check_expiry(given["Expires"], now)
    access_key_id = given["AWSAccessKeyId"]
    secret = lookup(access_key_id)
    if secret is None:
        raise refuse.unknown_key(dialect, access_key_id)
    token = given.get("x-amz-security-token") or request.headers.get("x-amz-security-token", "")
    if secret.session_token and not _equal(secret.session_token, token):
        raise refuse.wrong_token(dialect, token)
    for spelling in _spellings(resource):
        text = string_to_sign(request.method, spelling, request.headers, given)
        if _equal(sign(secret.secret_access_key, text), given["Signature"]):
            return access_key_id
    raise refuse.does_not_match(
        dialect, access_key_id=access_key_id, signature=given["Signature"], string_to_sign=text, canonical=""
    )


def _spellings(resource: str) -> tuple[str, ...]:
    """A bucket is signed as `/bucket/` by most, whether its path ends in a slash or not."""
    _, bucket, *key = resource.split("/")
    return (f"/{bucket}/", f"/{bucket}") if bucket and key in ([], [""]) else (resource,)


def string_to_sign(method: str, resource: str, headers: Mapping[str, str], given: Mapping[str, str]) -> str:
    """`given`: the query's parameters, unescaped."""
    moved = {name.lower(): value for name, value in given.items() if _is_header(name.lower())}
    signed = {**{name: value for name, value in headers.items() if _is_header(name)}, **moved}
    amazon = "".join([f"{name}:{signed[name].strip()}\n" for name in sorted(signed) if name.startswith("x-amz-")])
    subresources = "&".join([_spell(name, given[name]) for name in sorted(_SUBRESOURCES.intersection(given))])
    path = f"{resource}?{subresources}" if subresources else resource
    lines = (method, signed.get("content-md5", ""), signed.get("content-type", ""), given["Expires"])
    return "\n".join(lines) + "\n" + amazon + path


def sign(secret_access_key: str, text: str) -> str:
    digest = hmac.digest(secret_access_key.encode(), text.encode("latin-1"), "sha1")
    return base64.b64encode(digest).decode()


def _is_header(name: str) -> bool:
    return name.startswith("x-amz-") or name in {"content-md5", "content-type"}


def _spell(name: str, value: str) -> str:
    return f"{name}={value}" if value else name


def _parameters(query: str) -> dict[str, str]:
    """Unescaped, as bytes in latin-1 like all that comes from a request; the first of equals."""
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(_unescape(name), _unescape(value))
    return found


def _unescape(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("latin-1")


def _check_expiry(expires: str, now: float) -> None:
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
        raise QueryAuthenticationIncomplete(f"Invalid date (should be seconds since epoch): {expires}")
    if now > int(expires):
        members = {
            "Expires": f"{timestamps.format_iso8601(int(expires))[:19]}Z",
            "ServerTime": f"{timestamps.format_iso8601(now)[:19]}Z",
        }
        raise ServiceError("Request has expired", code="AccessDenied", status=403, members=members)


def _equal(ours: str, theirs: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(ours.encode(), theirs.encode())
