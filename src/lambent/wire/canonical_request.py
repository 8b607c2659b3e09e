"""The canonical request: the one text that client and service must agree on before they sign it.

Method, path, query, the signed headers and what stands for the body, each in the only spelling AWS knows. S3 takes the
path as it was sent; all others remove dot segments and escape it once more.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote_to_bytes

from lambent.wire.http import Request

_plain_path = re.compile(r"[A-Za-z0-9\-._~/]*").fullmatch
#: AWS's one spelling: unreserved characters as they are, all others escaped with upper-case digits.
_ESCAPED = "%(?:[0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF])"
_canonical = re.compile(rf"(?:[A-Za-z0-9\-._~]|{_ESCAPED})*").fullmatch
_canonical_path = re.compile(rf"(?:[A-Za-z0-9\-._~/]|{_ESCAPED})*").fullmatch


def build(request: Request, names: Sequence[str], *, signed_headers: str, digest: str, is_s3: bool) -> str:
    """`names`: of the signed headers, `signed_headers` the same as one text; `digest`: what stands for the body."""
    path = _s3_path(request.path) if is_s3 else _normalised_path(request.path)
    query = canonical_query(request.query) if request.query else ""
    headers = _canonical_headers(names, request.headers)
    return f"{request.method}\n{path}\n{query}\n{headers}\n{signed_headers}\n{digest}"


def _canonical_headers(names: Sequence[str], headers: Mapping[str, str]) -> str:
    text = "".join([f"{name}:{headers.get(name, '')}\n" for name in names])
    if " " not in text:
        return text
    return "".join([f"{name}:{_trim(headers.get(name, ''))}\n" for name in names])


def _trim(value: str) -> str:
    """Ends and runs of blanks. Only blanks: latin-1 has characters that `str.split` takes for space."""
    return re.sub(" +", " ", value).strip(" \t") if " " in value else value


def _s3_path(path: str) -> str:
    """Escaped once, in the one spelling AWS knows, whatever the client chose to escape."""
    if _canonical_path(path):
        return path or "/"
    return "/".join([quote(unquote_to_bytes(one.encode("latin-1")), safe="-_.~") for one in path.split("/")])


def _normalised_path(path: str) -> str:
    """RFC 3986, 6: dot segments and empty ones removed; then escaped a second time."""
    if path == "/":
        return path
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    normalised = "/" + "/".join(segments)
    if segments and path.endswith("/"):
        normalised += "/"
    return normalised if _plain_path(normalised) else quote(normalised.encode("latin-1"), safe="/-_.~")


def canonical_query(query: str) -> str:
    """Every key and value in the one spelling, sorted; without the signature itself."""
    pairs = [(_requote(key), _requote(value)) for key, _, value in split_pairs(query)]
    return "&".join([f"{key}={value}" for key, value in sorted(pairs) if key != "X-Amz-Signature"])


def split_pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&") if pair]


def _requote(text: str) -> str:
    if _canonical(text):
        return text
    return quote(unquote_to_bytes(text.replace("+", "%20").encode("latin-1")), safe="-_.~")
