"""Signature version 4: is this request signed by who it says, now, and over what was sent?

`Verifier.verify` decides on values: `Signed`, `Anonymous` or `Refused` with AWS's own error. It reads no clock and no
database: `now` and a look-up of secrets are handed in. Header and presigned-query authentication share everything but
where the parts stand. What the signature says about the body is in `Signed.payload`: a digest to be checked by whoever
reads the body (unless it was handed in), nothing, or chunks that carry their own signatures (`chunked` is next).

What exactly is signed: `canonical_request`. This runs on every request: the parts of the header that a client repeats
all day are parsed once, signing keys are kept.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from lambent.kit.frozen import frozen
from lambent.wire import canonical_request, timestamps
from lambent.wire import signature_errors as refuse
from lambent.wire.errors import ServiceError
from lambent.wire.http import AUTHORITY, Request
from lambent.wire.signature_errors import Dialect

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW_SECONDS = 15 * 60
MAX_PRESIGNED_SECONDS = 7 * 24 * 3600
EMPTY_SHA256 = sha256().hexdigest()

#: One entry per (client, day, region, service): a few hundred bytes each.
_ENTRIES_REMEMBERED = 4096
_MAX_SIGNED_HEADERS = 256

Key = TypeVar("Key")
Value = TypeVar("Value")

_hex_digest = re.compile(r"[0-9a-f]{64}").fullmatch


class Payload(Enum):
    #: `Signed.payload_sha256` is the digest of the whole body.
    DIGEST = "digest"
    #: Nobody vouches for the body.
    UNSIGNED = "UNSIGNED-PAYLOAD"
    #: aws-chunked, each chunk signed.
    CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    #: The same with signed trailers.
    CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    #: aws-chunked without signatures, with a checksum among the trailers.
    UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


_PAYLOADS = {one.value: one for one in Payload if one is not Payload.DIGEST}


@frozen
class Secret:
    secret_access_key: str
    session_token: str = ""
    """Of temporary credentials: the request must carry it. A token sent with permanent ones is ignored."""


Lookup = Callable[[str], Secret | None]


@frozen
class Claim:
    """Who says what, before anything is believed: from the header or the query."""

    access_key_id: str
    date: str
    region: str
    service: str
    scope: str
    """The credential without the key: `20250615/eu-west-1/s3/aws4_request`."""
    signed_headers: str
    names: tuple[str, ...]


class SigningKey:
    """HMAC-SHA256 under one key, with the key's two blocks hashed in advance: a third of the time of `hmac.digest`."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = sha256(bytes([byte ^ 0x36 for byte in block]))
        self._outer = sha256(bytes([byte ^ 0x5C for byte in block]))

    def sign(self, text: str) -> str:
        """In hex."""
        inner = self._inner.copy()
        inner.update(text.encode("latin-1"))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


class Signed(NamedTuple):
    claim: Claim
    payload: Payload
    payload_sha256: str
    """What the body must hash to, if `payload` is DIGEST."""
    signature: str
    """The first link of the chain of chunk signatures."""
    signing_key: SigningKey
    timestamp: str
    is_presigned: bool = False

    @property
    def access_key_id(self) -> str:
        return self.claim.access_key_id

    @property
    def region(self) -> str:
        return self.claim.region

    @property
    def service(self) -> str:
        return self.claim.service

    @property
    def scope(self) -> str:
        return self.claim.scope


@frozen
class Anonymous:
    """No trace of a signature."""


@frozen
class Refused:
    error: ServiceError


Verdict = Signed | Anonymous | Refused


def scope_of(request: Request) -> tuple[str, str] | None:
    """(region, service) that the request claims to be signed for; None if it claims nothing readable."""
    header = request.headers.get("authorization")
    if header is not None:
        credential = header.partition("Credential=")[2].partition(",")[0]
    else:
        credential = _query_value(request.query, "X-Amz-Credential").replace("%2F", "/").replace("%2f", "/")
    parts = credential.strip().rsplit("/", 4)
    return (parts[2], parts[3]) if len(parts) == 5 else None


def _query_value(query: str, name: str) -> str:
    start = query.find(name + "=")
    return "" if start < 0 else query[start + len(name) + 1 :].partition("&")[0]


class Verifier:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._keys: dict[tuple[str, str], SigningKey] = {}
        """By secret and scope."""
        self._claims: dict[str, Claim] = {}

    def verify(
        self,
        request: Request,
        *,
        dialect: Dialect,
        now: float,
        service: str | None = None,
        body: bytes | None = None,
    ) -> Verdict:
        """`service`: the name its scope must have, if given. `body`: the whole of it, where it is already here."""
        try:
            if "authorization" in request.headers:
                return self._verify_header(request, dialect, now, service, body)
            if "X-Amz-" in request.query and _is_presigned(request.query):
                return self._verify_query(request, dialect, now, service, body)
            if "Signature=" in request.query and "AWSAccessKeyId=" in request.query:
                return Refused(refuse.unsupported_mechanism(dialect))
        except ServiceError as error:
            return Refused(error)
        return Anonymous()

    def _verify_header(
        self, request: Request, dialect: Dialect, now: float, service: str | None, body: bytes | None
    ) -> Signed:
        headers = request.headers
        head, _, signature = headers["authorization"].rpartition("Signature=")
        claim = self._claims.get(head)
        if claim is None:
            claim, signature = self._read_claim(headers["authorization"], dialect)
        timestamp = headers.get("x-amz-date") or _date_header(headers, dialect)
        _check_skew(timestamp, dialect, now)
        _check_scope(claim, timestamp, dialect, service, presigned=False)
        payload, digest = _header_payload(headers.get("x-amz-content-sha256"), dialect, body)
        check_headers_signed(claim.names, headers, dialect, presigned=False)
        secret = self._secret(claim, dialect, headers.get("x-amz-security-token", ""))
        canonical = _canonical(request, claim, digest, dialect)
        return self._compare(claim, dialect, timestamp, canonical, signature.strip(), secret, payload, digest)

    def _read_claim(self, header: str, dialect: Dialect) -> tuple[Claim, str]:
        """In full, for a header not seen before; remembered if the signature comes last, as everybody writes it."""
        if not header.startswith(ALGORITHM + " "):
            raise refuse.unsupported_mechanism(dialect)
        fields = dict([part.strip().partition("=")[::2] for part in header[len(ALGORITHM) + 1 :].split(",")])
        absent = [name for name in ("Credential", "Signature", "SignedHeaders") if not fields.get(name)]
        if absent:
            raise refuse.malformed(
                dialect,
                " ".join([f"Authorization header requires '{name}' parameter." for name in absent]),
                presigned=False,
            )
        claim = _parse_claim(fields["Credential"], fields["SignedHeaders"], dialect, presigned=False)
        head, _, last = header.rpartition("Signature=")
        if last.strip() == fields["Signature"]:
            _remember(self._claims, head, claim)
        return claim, fields["Signature"]

    def _verify_query(
        self, request: Request, dialect: Dialect, now: float, service: str | None, body: bytes | None
    ) -> Signed:
        given = {
            key: _unquote(value)
            for key, _, value in canonical_request.split_pairs(request.query)
            if key.startswith("X-Amz-")
        }
        if given.get("X-Amz-Algorithm", ALGORITHM) != ALGORITHM:
            raise refuse.unsupported_mechanism(dialect)
        needed = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature")
        if not all(given.get(name) for name in needed) or (dialect.is_s3 and "X-Amz-Expires" not in given):
            raise refuse.needs_parameters(dialect)
        claim = _parse_claim(given["X-Amz-Credential"], given["X-Amz-SignedHeaders"], dialect, presigned=True)
        timestamp = given["X-Amz-Date"]
        _check_expiry(timestamp, given.get("X-Amz-Expires", str(MAX_SKEW_SECONDS)), dialect, now)
        _check_scope(claim, timestamp, dialect, service, presigned=True)
        claimed = request.headers.get("x-amz-content-sha256") or given.get("X-Amz-Content-Sha256")
        payload, digest = _presigned_payload(claimed, dialect, body)
        check_headers_signed(claim.names, request.headers, dialect, presigned=True)
        secret = self._secret(claim, dialect, given.get("X-Amz-Security-Token", ""))
        canonical = _canonical(request, claim, digest, dialect)
        signature = given["X-Amz-Signature"]
        return self._compare(
            claim, dialect, timestamp, canonical, signature, secret, payload, digest, is_presigned=True
        )

    def _secret(self, claim: Claim, dialect: Dialect, token: str) -> Secret:
        secret = self._lookup(claim.access_key_id)
        if secret is None:
            raise refuse.unknown_key(dialect, claim.access_key_id)
        if secret.session_token and not _equal(secret.session_token, token):
            raise refuse.wrong_token(dialect, token)
        return secret

    def _compare(
        self,
        claim: Claim,
        dialect: Dialect,
        timestamp: str,
        canonical: str,
        signature: str,
        secret: Secret,
        payload: Payload,
        digest: str,
        *,
        is_presigned: bool = False,
    ) -> Signed:
        key = self._signing_key(secret.secret_access_key, claim)
        text = string_to_sign(timestamp, claim.scope, sha256(canonical.encode("latin-1")).hexdigest())
        computed = key.sign(text)
        if not _equal(computed, signature):
            raise refuse.does_not_match(
                dialect,
                access_key_id=claim.access_key_id,
                signature=signature,
                string_to_sign=text,
                canonical=canonical,
            )
        digest = digest if payload is Payload.DIGEST else ""
        return Signed(claim, payload, digest, signature, key, timestamp, is_presigned)

    def _signing_key(self, secret: str, claim: Claim) -> SigningKey:
        entry = (secret, claim.scope)
        key = self._keys.get(entry)
        if key is None:
            key = derive_key(secret, claim.date, claim.region, claim.service)
            _remember(self._keys, entry, key)
        return key


def _equal(ours: str, theirs: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))


def derive_key(secret: str, date: str, region: str, service: str) -> SigningKey:
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode("utf-8", "surrogatepass"), "sha256")
    return SigningKey(key)


def string_to_sign(timestamp: str, scope: str, canonical_sha256: str) -> str:
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{canonical_sha256}"


def _remember(cache: dict[Key, Value], key: Key, value: Value) -> None:
    """Full means start over: cheaper than book-keeping on each look-up, and it happens once in thousands of clients."""
    if len(cache) >= _ENTRIES_REMEMBERED:
        cache.clear()
    cache[key] = value


def _is_presigned(query: str) -> bool:
    return "X-Amz-Signature=" in query or "X-Amz-Credential=" in query or "X-Amz-Algorithm=" in query


def _parse_claim(credential: str, signed_headers: str, dialect: Dialect, *, presigned: bool) -> Claim:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
        what = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        raise refuse.malformed(dialect, what, presigned=presigned)
    if signed_headers.count(";") >= _MAX_SIGNED_HEADERS or not signed_headers.isascii():
        raise refuse.malformed(dialect, "too many SignedHeaders.", presigned=presigned)
    names = tuple(signed_headers.split(";"))
    access_key_id, date, region, service, _ = parts
    return Claim(access_key_id, date, region, service, "/".join(parts[1:]), signed_headers, names)


def _check_scope(claim: Claim, timestamp: str, dialect: Dialect, service: str | None, *, presigned: bool) -> None:
    if claim.date != timestamp[:8]:
        raise refuse.wrong_date(dialect, claim.date, timestamp, presigned=presigned)
    if service is not None and claim.service != service:
        raise refuse.wrong_service(dialect, claim.service, service, presigned=presigned)


def _date_header(headers: Mapping[str, str], dialect: Dialect) -> str:
    try:
        return format_amz_date(timestamps.parse_rfc822(headers["date"]))
    except (KeyError, ValueError) as error:
        raise refuse.no_date(dialect) from error


def format_amz_date(moment: float) -> str:
    """`20150830T123600Z`."""
    return timestamps.format_iso8601(moment)[:19].replace("-", "").replace(":", "") + "Z"


def parse_amz_date(text: str, dialect: Dialect) -> float:
    try:
        return _moment_of(text)
    except ValueError as error:
        raise refuse.no_date(dialect) from error


@lru_cache(maxsize=64)
def _moment_of(text: str) -> float:
    """Remembered: all requests of one second, from all clients, say the same."""
    if len(text) != 16 or text[8] != "T" or text[15] != "Z":
        raise ValueError(f"not a date of AWS's form: {text!r}")
    return timestamps.parse_iso8601(text)


def _check_skew(timestamp: str, dialect: Dialect, now: float) -> None:
    moment = parse_amz_date(timestamp, dialect)
    if abs(moment - now) > MAX_SKEW_SECONDS:
        is_early = moment > now
        limit = now + MAX_SKEW_SECONDS if is_early else now - MAX_SKEW_SECONDS
        raise refuse.skewed(dialect, timestamp, format_amz_date(now), format_amz_date(limit), is_early=is_early)


def _check_expiry(timestamp: str, lifetime: str, dialect: Dialect, now: float) -> None:
    signed_at = parse_amz_date(timestamp, dialect)
    if not (lifetime.isascii() and lifetime.removeprefix("-").isdigit() and len(lifetime) < 20):
        raise refuse.malformed(dialect, "X-Amz-Expires should be a number", presigned=True)
    seconds = int(lifetime)
    if seconds < 0:
        raise refuse.malformed(dialect, "X-Amz-Expires must be non-negative", presigned=True)
    if seconds > MAX_PRESIGNED_SECONDS:
        what = (
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than"
            f" {MAX_PRESIGNED_SECONDS} seconds"
        )
        raise refuse.malformed(dialect, what, presigned=True)
    if signed_at > now + MAX_SKEW_SECONDS:
        raise refuse.not_yet_valid(dialect)
    if now > signed_at + seconds:
        expires = timestamps.format_iso8601(signed_at + seconds)[:19] + "Z"
        raise refuse.expired(dialect, seconds, expires, timestamps.format_iso8601(now)[:19] + "Z")


def _header_payload(claimed: str | None, dialect: Dialect, body: bytes | None) -> tuple[Payload, str]:
    """How the body is covered, and what stands for it in the canonical request."""
    if claimed is None:
        if dialect.is_s3:
            raise refuse.no_payload_hash()
        return Payload.DIGEST, sha256(body).hexdigest() if body else EMPTY_SHA256
    mode = _PAYLOADS.get(claimed)
    if mode is not None:
        return mode, claimed
    if not _hex_digest(claimed):
        raise refuse.bad_payload_hash(claimed)
    if body is not None:
        computed = sha256(body).hexdigest() if body else EMPTY_SHA256
        if computed != claimed:
            if dialect.is_s3:
                raise refuse.payload_mismatch(claimed, computed)
            return Payload.DIGEST, computed
    return Payload.DIGEST, claimed


def _presigned_payload(claimed: str | None, dialect: Dialect, body: bytes | None) -> tuple[Payload, str]:
    if claimed is None and dialect.is_s3:
        return Payload.UNSIGNED, Payload.UNSIGNED.value
    return _header_payload(claimed, dialect, body)


def check_headers_signed(
    names: tuple[str, ...], headers: Mapping[str, str], dialect: Dialect, *, presigned: bool
) -> None:
    """Host always, which HTTP/2 calls `:authority` ("Create a signed AWS API request" takes either); with S3 every
    x-amz-* header: otherwise the finder of a presigned URL could add an ACL to it.
    """
    absent = [] if "host" in names or (AUTHORITY in names and AUTHORITY in headers) else ["host"]
    if dialect.is_s3:
        absent += [name for name in headers if name[:6] == "x-amz-" and name not in names]
        if presigned and "x-amz-content-sha256" in absent:
            absent.remove("x-amz-content-sha256")
    if absent:
        raise refuse.unsigned_headers(dialect, absent)


def _canonical(request: Request, claim: Claim, digest: str, dialect: Dialect) -> str:
    return canonical_request.build(
        request, claim.names, signed_headers=claim.signed_headers, digest=digest, is_s3=dialect.is_s3
    )


def _unquote(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("latin-1")
