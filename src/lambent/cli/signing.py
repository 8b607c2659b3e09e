"""Signing our own requests, as every AWS client does; the platform checks signatures of the command line too."""

import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from lambent.kit.frozen import frozen
from lambent.wire.sigv4 import ALGORITHM, derive_key, format_amz_date, string_to_sign


@frozen
class Credentials:
    access_key_id: str
    secret_access_key: str
    session_token: str
    region: str


@frozen
class Unsigned:
    """A request to be signed: `target` is path and query, percent-encoded as they will be sent."""

    method: str
    host: str
    target: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes


def sign(request: Unsigned, credentials: Credentials, *, service: str, now: float) -> dict[str, str]:
    """The headers to send."""
    timestamp = format_amz_date(now)
    headers = {**request.headers, "host": request.host, "x-amz-date": timestamp}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(headers))
    scope = f"{timestamp[:8]}/{credentials.region}/{service}/aws4_request"
    canonical_sha256 = hashlib.sha256(_canonical(request, headers, names).encode()).hexdigest()
    key = derive_key(credentials.secret_access_key, timestamp[:8], credentials.region, service)
    signature = key.sign(string_to_sign(timestamp, scope, canonical_sha256))
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _canonical(request: Unsigned, headers: Mapping[str, str], names: str) -> str:
    path, _, query = request.target.partition("?")
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)]
    return "\n".join(
        (
            request.method,
            quote(path, safe="/-_.~"),  # once more than it is sent: the rule of every service but S3
            urlencode(pairs, quote_via=quote, safe="-_.~"),
            *lines,
            "",
            names,
            hashlib.sha256(request.body).hexdigest(),
        )
    )
