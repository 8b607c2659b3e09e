"""Download links: `GetFunction` answers with a URL that gives out the deployment package for ten minutes.

AWS presigns an S3 URL; ours is `/_lambent/packages?...`, signed with a secret of this process.
"""

import hashlib
import hmac
from urllib.parse import parse_qsl, urlencode

#: As long as AWS's link is good, https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html.
VALID_SECONDS = 600

PATH = "/_lambent/packages"


def make_link(endpoint: str, sha256: str, *, now: float, secret: bytes) -> str:
    expires = int(now) + VALID_SECONDS
    query = {"package": sha256, "expires": expires, "signature": _signature(sha256, expires, secret)}
    return f"{endpoint}{PATH}?{urlencode(query)}"


def package_of(query: str, *, now: float, secret: bytes) -> str | None:
    """The sha256 the link is for; None if it is not ours, changed or expired."""
    fields = dict(parse_qsl(query))
    sha256, expires, signature = (fields.get(name, "") for name in ("package", "expires", "signature"))
    if not expires.isdecimal() or not signature.isascii() or int(expires) < now:
        return None
    expected = _signature(sha256, int(expires), secret)
    return sha256 if hmac.compare_digest(signature, expected) else None


def _signature(sha256: str, expires: int, secret: bytes) -> str:
    return hmac.new(secret, f"{sha256} {expires}".encode(), hashlib.sha256).hexdigest()
