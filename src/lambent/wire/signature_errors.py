"""What AWS says about a bad signature: the same faults, in three dialects.

S3 has codes of its own; the query protocol keeps the oldest ones; the JSON protocols end theirs in `Exception` and
answer 400 where rest-json answers 403. The functions below make one refusal each.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from lambent.kit.frozen import frozen
from lambent.wire.errors import ServiceError


@frozen
class Dialect:
    is_s3: bool = False
    status: int = 403
    mismatch: str = "InvalidSignatureException"
    unknown_key: str = "UnrecognizedClientException"
    missing: str = "MissingAuthenticationTokenException"
    incomplete: str = "IncompleteSignatureException"


_S3 = Dialect(is_s3=True, mismatch="SignatureDoesNotMatch", unknown_key="InvalidAccessKeyId", missing="AccessDenied")
_QUERY = Dialect(
    mismatch="SignatureDoesNotMatch",
    unknown_key="InvalidClientTokenId",
    missing="MissingAuthenticationToken",
    incomplete="IncompleteSignature",
)
_DIALECTS = {
    "rest-xml": _S3,
    "query": _QUERY,
    "rest-json": Dialect(),
    "json": Dialect(status=400),
    "rpc-v2-cbor": Dialect(status=400),
    "amz-cbor": Dialect(status=400),
}


def dialect_of(protocol: str) -> Dialect:
    return _DIALECTS[protocol]


_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)
_S3_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_NEEDED_PARAMETERS = (
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature,"
    " X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
)
_MAX_SKEW_MINUTES = 15


def does_not_match(
    dialect: Dialect, *, access_key_id: str, signature: str, string_to_sign: str, canonical: str
) -> ServiceError:
    if not dialect.is_s3:
        return ServiceError(_MISMATCH, code=dialect.mismatch, status=dialect.status)
    members = {
        "AWSAccessKeyId": access_key_id,
        "StringToSign": string_to_sign,
        "SignatureProvided": signature,
        "StringToSignBytes": _hex_bytes(string_to_sign),
        "CanonicalRequest": canonical,
        "CanonicalRequestBytes": _hex_bytes(canonical),
    }
    return ServiceError(_S3_MISMATCH, code=dialect.mismatch, status=403, members=members)


def _hex_bytes(text: str) -> str:
    return text.encode("latin-1", "replace").hex(" ")


def unknown_key(dialect: Dialect, access_key_id: str) -> ServiceError:
    if dialect.is_s3:
        return ServiceError(
            "The AWS Access Key Id you provided does not exist in our records.",
            code=dialect.unknown_key,
            status=403,
            members={"AWSAccessKeyId": access_key_id},
        )
    return ServiceError(
        "The security token included in the request is invalid.", code=dialect.unknown_key, status=dialect.status
    )


def wrong_token(dialect: Dialect, token: str) -> ServiceError:
    """The session token is not the one that was handed out with the key."""
    if dialect.is_s3:
        return ServiceError(
            "The provided token is malformed or otherwise invalid.",
            code="InvalidToken",
            status=400,
            members={"Token-0": token},
        )
    return unknown_key(dialect, "")


def missing(dialect: Dialect) -> ServiceError:
    message = "Access Denied" if dialect.is_s3 else "Missing Authentication Token"
    return ServiceError(message, code=dialect.missing, status=dialect.status)


def malformed(dialect: Dialect, what: str, *, presigned: bool) -> ServiceError:
    if not dialect.is_s3:
        return ServiceError(what, code=dialect.incomplete, status=dialect.status)
    if presigned:
        return ServiceError(what or _NEEDED_PARAMETERS, code="AuthorizationQueryParametersError", status=400)
    return ServiceError(
        f"The authorization header is malformed; {what}", code="AuthorizationHeaderMalformed", status=400
    )


def needs_parameters(dialect: Dialect) -> ServiceError:
    return malformed(dialect, _NEEDED_PARAMETERS, presigned=True)


def unsupported_mechanism(dialect: Dialect) -> ServiceError:
    """Signature version 2, 4A, basic authentication, bearer tokens."""
    if dialect.is_s3:
        message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        return ServiceError(message, code="InvalidRequest", status=400)
    message = "Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is supported."
    return ServiceError(message, code=dialect.incomplete, status=dialect.status)


def wrong_date(dialect: Dialect, scope_date: str, timestamp: str, *, presigned: bool) -> ServiceError:
    if dialect.is_s3:
        what = f'Invalid credential date "{scope_date}". This date is not the same as X-Amz-Date: "{timestamp[:8]}".'
        return malformed(dialect, what, presigned=presigned)
    message = (
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
        f" '{scope_date}' != '{timestamp[:8]}', from '{timestamp}'."
    )
    return ServiceError(message, code=dialect.mismatch, status=dialect.status)


def wrong_service(dialect: Dialect, given: str, expected: str, *, presigned: bool) -> ServiceError:
    if dialect.is_s3:
        what = f'incorrect service "{given}". This endpoint belongs to "{expected}".'
        return malformed(dialect, what, presigned=presigned)
    message = f"Credential should be scoped to correct service: '{expected}'. "
    return ServiceError(message, code=dialect.mismatch, status=dialect.status)


def no_date(dialect: Dialect) -> ServiceError:
    if dialect.is_s3:
        message = "AWS authentication requires a valid Date or x-amz-date header"
        return ServiceError(message, code="AccessDenied", status=403)
    message = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    return ServiceError(message, code=dialect.incomplete, status=dialect.status)


def skewed(dialect: Dialect, timestamp: str, now: str, limit: str, *, is_early: bool) -> ServiceError:
    """`limit`: the bound that was passed, `now` minus or plus 15 minutes."""
    if dialect.is_s3:
        members = {"RequestTime": timestamp, "ServerTime": now, "MaxAllowedSkewMilliseconds": "900000"}
        message = "The difference between the request time and the current time is too large."
        return ServiceError(message, code="RequestTimeTooSkewed", status=403, members=members)
    what = "not yet current" if is_early else "expired"
    relation, sign = ("still later", "+") if is_early else ("now earlier", "-")
    message = f"Signature {what}: {timestamp} is {relation} than {limit} ({now} {sign} {_MAX_SKEW_MINUTES} min.)"
    return ServiceError(message, code=dialect.mismatch, status=dialect.status)


def expired(dialect: Dialect, lifetime: int, expires: str, now: str) -> ServiceError:
    if dialect.is_s3:
        members = {"X-Amz-Expires": lifetime, "Expires": expires, "ServerTime": now}
        return ServiceError("Request has expired", code="AccessDenied", status=403, members=members)
    message = f"Signature expired: {expires} is now earlier than {now}"
    return ServiceError(message, code=dialect.mismatch, status=dialect.status)


def not_yet_valid(dialect: Dialect) -> ServiceError:
    if dialect.is_s3:
        return ServiceError("Request is not valid yet", code="AccessDenied", status=403)
    return ServiceError("Signature not yet current", code=dialect.mismatch, status=dialect.status)


def unsigned_headers(dialect: Dialect, names: list[str]) -> ServiceError:
    if dialect.is_s3:
        message = "There were headers present in the request which were not signed"
        return ServiceError(message, code="AccessDenied", status=403, members={"HeadersNotSigned": ", ".join(names)})
    message = "".join([f"'{name}' must be a 'SignedHeader' in the AWS Authorization. " for name in names])
    return ServiceError(message.strip(), code=dialect.mismatch, status=dialect.status)


def no_payload_hash() -> ServiceError:
    return ServiceError(
        "Missing required header for this request: x-amz-content-sha256", code="InvalidRequest", status=400
    )


def bad_payload_hash(value: str) -> ServiceError:
    return ServiceError(
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER,"
        " STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value.",
        code="InvalidArgument",
        status=400,
        members={"ArgumentName": "x-amz-content-sha256", "ArgumentValue": value},
    )


def payload_mismatch(claimed: str, computed: str) -> ServiceError:
    """S3: the body is not the one whose digest was signed. For whoever has read the body to its end."""
    return ServiceError(
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        code="XAmzContentSHA256Mismatch",
        status=400,
        members={"ClientComputedContentSHA256": claimed, "S3ComputedContentSHA256": computed},
    )
