"""The websites of buckets, as browsers see them: S3's rules decide, this does the talking.

A website is found by its host (`photos.s3-website.localhost`), by a bucket named as the host itself, or for those who
cannot choose the host under `/_lambent/website/photos/`; then `base` is put in front of redirects. What goes wrong is
told in HTML, as S3's website endpoints do. Visitors are anonymous whatever they sign: only public objects are served.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from lambent.gateway.routing import WebsiteAddress
from lambent.kit.deferred import Deferred
from lambent.services.caller import Caller
from lambent.services.s3.website import Address, ErrorPage, Redirect
from lambent.services.s3.website_operations import PublicSite
from lambent.wire import timestamps
from lambent.wire.errors import ServiceError
from lambent.wire.http import Request, Response

_HTML = Deferred("html")

EncodeObject = Callable[[Mapping[str, Any], str], Response]
"""(result of GetObject, request id)"""

_CONDITIONS = {"range": "Range", "if-match": "IfMatch", "if-none-match": "IfNoneMatch"}
_TIME_CONDITIONS = {"if-modified-since": "IfModifiedSince", "if-unmodified-since": "IfUnmodifiedSince"}


class WebsiteServer:
    def __init__(self, site: PublicSite) -> None:
        self._site = site

    def exists(self, bucket: str) -> bool:
        return self._site.exists(bucket)

    async def serve(
        self, request: Request, address: WebsiteAddress, *, visitor: Caller, encode: EncodeObject
    ) -> Response:
        request_id = visitor.request_id
        if request.method not in ("GET", "HEAD"):
            message = "The specified method is not allowed against this resource."
            facts = {"Method": request.method, "ResourceType": "OBJECT"}
            return _error_page(405, "MethodNotAllowed", message, request_id, facts)
        try:
            return await self._serve(request, address, visitor, encode)
        except ServiceError as error:
            facts = {name: str(value) for name, value in error.members.items()}
            return _error_page(error.status, error.code, error.message, request_id, facts)

    async def _serve(
        self, request: Request, address: WebsiteAddress, visitor: Caller, encode: EncodeObject
    ) -> Response:
        if not address.path:  # relative links would lead out of the website
            return Response(302, {"location": f"{address.base}/", "x-amz-request-id": visitor.request_id})
        key = _key(address.path)
        here = Address("http", request.headers.get("host", "localhost") + address.base)
        decision = self._site.decide(address.bucket, key, here, visitor)
        if isinstance(decision, Redirect):
            location = address.base + decision.location if decision.location.startswith("/") else decision.location
            return Response(decision.status, {"location": location, "x-amz-request-id": visitor.request_id})
        if isinstance(decision, ErrorPage):
            facts = {"Key": decision.key} if decision.key else {}
            return _error_page(decision.status, decision.code, decision.message, visitor.request_id, facts)
        conditions = _conditions(request.headers) if decision.status == 200 else {}
        result = await self._site.read(address.bucket, decision.key, visitor, conditions)
        response = encode(result, visitor.request_id)
        if decision.status != 200:
            response.status = decision.status
        return response


def _key(path: str) -> str:
    try:
        return unquote_to_bytes(path[1:].encode("latin-1")).decode()
    except UnicodeError as error:
        raise ServiceError("Couldn't parse the specified URI.", code="InvalidURI", status=400) from error


def _conditions(headers: Mapping[str, str]) -> dict[str, Any]:
    """What a browser's cache and media player ask, as GetObject takes it. A date that is none is ignored (RFC 9110)."""
    found: dict[str, Any] = {member: headers[name] for name, member in _CONDITIONS.items() if name in headers}
    for name, member in _TIME_CONDITIONS.items():
        if name in headers:
            try:
                found[member] = timestamps.parse_rfc822(headers[name])
            except ValueError:
                continue
    return found


def _error_page(status: int, code: str, message: str, request_id: str, facts: Mapping[str, str]) -> Response:
    reason = HTTPStatus(status).phrase
    items = {"Code": code, "Message": message, **facts, "RequestId": request_id}
    escape = _HTML.load().escape
    listed = "".join([f"<li>{escape(name)}: {escape(value)}</li>\n" for name, value in items.items()])
    page = (
        f"<html>\n<head><title>{status} {reason}</title></head>\n<body>\n<h1>{status} {reason}</h1>\n"
        f"<ul>\n{listed}</ul>\n<hr/>\n</body>\n</html>\n"
    )
    headers = {
        "content-type": "text/html; charset=utf-8",
        "x-amz-error-code": code,
        "x-amz-error-message": message,
        "x-amz-request-id": request_id,
    }
    return Response(status, headers, page.encode())
