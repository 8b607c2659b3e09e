"""The request path: address -> operation -> caller -> input -> call -> response. Read this file first.

`Gateway.handle` is what the listener calls. The order matters: who asks is settled before anything of the body is
believed, and for a streamed body before the first byte of it is asked for, so a refused upload is never sent. What a
service raises as ServiceError goes out in its protocol; anything else is a bug: 500, the traceback in our log.

Beside the services stand the websites of buckets (website.py) and our own pages under `/_lambent/`.
"""

import functools
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus

import orjson

from lambent import __version__
from lambent.gateway import bodies, body_limits, compression, cors, digests, strangers
from lambent.gateway.api_calls import ApiCalls
from lambent.gateway.auth import Authenticator, Identity, caller_of
from lambent.gateway.endpoints import Endpoint, Endpoints, Offer, Plan
from lambent.gateway.routing import InternalAddress, NoAddress, Router, ServiceAddress, WebsiteAddress
from lambent.gateway.website import WebsiteServer
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.storage.errors import StorageFailure, StorageFull
from lambent.wire import chunked, query, signature_errors, validation
from lambent.wire.errors import RequestEntityTooLarge, ServiceError
from lambent.wire.http import Body, BodyTooLarge, BytesBody, ClientDisconnected, Request, Response

_log = logging.getLogger(__name__)

_PAGE_DIALECT = signature_errors.dialect_of("rest-json")


@frozen
class Page:
    """One of our own pages, `/_lambent/<name>`. Signed like any request (with any service name) unless public."""

    serve: Callable[[Request, Caller], Awaitable[Response]]
    is_public: bool = False
    takes_password: bool = False
    """For programs that cannot sign: an access key and its secret as user and password will do."""


class Gateway:
    def __init__(
        self,
        offers: Iterable[Offer],
        *,
        authenticator: Authenticator,
        ids: Ids,
        website: WebsiteServer | None = None,
        pages: Mapping[str, Page] | None = None,
    ) -> None:
        offers = tuple(offers)
        self._router = Router([offer.signs for offer in offers])
        self.endpoints = Endpoints(offers)
        self.calls = ApiCalls(self.endpoints)
        self._authenticator = authenticator
        self._ids = ids
        self._website = website
        self._pages = {"health": Page(self._health, is_public=True), **(pages or {})}
        self._running = {offer.signs.name: "running" for offer in offers}

    async def handle(self, request: Request) -> Response:
        address = self._router.route(request)
        if isinstance(address, ServiceAddress):
            if address.website and (response := await self._website_by_host(request, address)) is not None:
                return response
            return await self._serve(request, address)
        if isinstance(address, WebsiteAddress):
            return await self._serve_website(request, address)
        if isinstance(address, InternalAddress):
            return await self._serve_page(request, address)
        return self._nobody(address)

    # The services.

    async def _serve(self, request: Request, address: ServiceAddress) -> Response:
        endpoint = self.endpoints[address.service, address.protocol]
        request_id = self._ids.token(16) if endpoint.is_s3 else self._ids.uuid()
        try:
            return await self._call(request, address, endpoint, request_id)
        except ServiceError as error:
            failure = error
        except BodyTooLarge as error:
            failure = _too_large(endpoint, error)
        except StorageFull as error:
            failure = ServiceError(str(error), code="InsufficientStorage", status=507)
        except StorageFailure as error:
            _log.exception("request %s: %s %s", request_id, request.method, request.path)
            failure = ServiceError(str(error), code="ServiceUnavailable", status=503)
        except ClientDisconnected:
            raise
        except Exception:  # noqa: BLE001 (a bug in an operation: the platform stays up and says where)
            _log.exception("request %s: %s %s", request_id, request.method, request.path)
            failure = _internal_error(endpoint)
        return endpoint.codec.encode_error(failure, request_id, address.path)

    async def _call(self, request: Request, address: ServiceAddress, endpoint: Endpoint, request_id: str) -> Response:
        if endpoint.is_s3 and request.method == "OPTIONS":
            raise cors.refuse_preflight(request.headers)
        if address.operation is None and endpoint.protocol == "query":
            address = await _read_action(request, address)
        plan, labels = endpoint.find(request, address)
        identity, body = await self._identify(request, address, endpoint, plan)
        caller = caller_of(request, identity, request_id)
        operation = plan.operation
        streamed = operation.streaming_input
        content = b"" if streamed is not None or body.length == 0 else await body.read(plan.body_limit)
        if endpoint.is_s3 and content:
            digests.check_document(content, request.headers)
        elif content:
            content = compression.inflate(content, request.headers, plan.body_limit)
        given = endpoint.codec.decode(operation, request, content, labels)
        validation.validate(operation, given)
        if streamed is not None:
            given[streamed] = body
        result = await plan.call(caller, given)
        return endpoint.codec.encode(operation, result, request_id)

    async def _identify(
        self, request: Request, address: ServiceAddress, endpoint: Endpoint, plan: Plan
    ) -> tuple[Identity, Body]:
        """Who asks, and the body as it may be read: held to its digest, without framing of chunks."""
        body = request.body
        content: bytes | None = None
        if body.length == 0:
            content = b""
        elif not _says_digest(request, endpoint) and self._authenticator.knows(request):
            content = await body.read(plan.body_limit)
            body = BytesBody(content)
        identity = self._authenticator.identify(
            request, dialect=endpoint.dialect, service=endpoint.signing_name, body=content, resource=address.path
        )
        is_welcome = identity.principal is not None or endpoint.service.allows_anonymous or plan.operation.is_anonymous
        if not is_welcome:
            raise signature_errors.missing(endpoint.dialect)
        if content is None or chunked.is_chunked(identity.payload):
            body = bodies.guard(body, identity, request.headers, endpoint.dialect)
        return identity, body

    # Websites and pages.

    async def _website_by_host(self, request: Request, address: ServiceAddress) -> Response | None:
        """The website of a bucket that is named as the host, if there is one and the request is a browser's."""
        website = self._website
        if website is None or request.method not in ("GET", "HEAD") or "authorization" in request.headers:
            return None
        if "Signature=" in request.query or not website.exists(address.website):
            return None
        return await self._serve_website(request, WebsiteAddress(address.website, request.path, ""))

    async def _serve_website(self, request: Request, address: WebsiteAddress) -> Response:
        if self._website is None or not self.endpoints.offers("s3"):
            return self._nobody(NoAddress("s3", "rest-xml"))
        endpoint = self.endpoints["s3", "rest-xml"]
        visitor = self._authenticator.visitor(request, self._ids.token(16))
        get_object = endpoint.plans["GetObject"].operation
        encode = functools.partial(endpoint.codec.encode, get_object)
        return await self._website.serve(request, address, visitor=visitor, encode=encode)

    async def _serve_page(self, request: Request, address: InternalAddress) -> Response:
        page = self._pages.get(address.name)
        if page is None:
            return _page_refusal(404, "NotFound", f"Lambent has no page {address.name!r}.")
        try:
            return await page.serve(request, self._reader(request, page))
        except ServiceError as error:
            return _page_refusal(error.status, error.code, error.message, takes_password=page.takes_password)

    def _reader(self, request: Request, page: Page) -> Caller:
        """Who asks for a page. Raises ServiceError."""
        request_id = self._ids.uuid()
        if page.is_public:
            return self._authenticator.visitor(request, request_id)
        identity = self._authenticator.by_password(request, _PAGE_DIALECT) if page.takes_password else None
        if identity is None:
            identity = self._authenticator.identify(request, dialect=_PAGE_DIALECT, service=None, body=b"")
        if identity.principal is None:
            raise _needs_credentials(page)
        return caller_of(request, identity, request_id)

    async def _health(self, request: Request, caller: Caller) -> Response:  # noqa: ARG002 (a page like others)
        body = orjson.dumps({"status": "ok", "version": __version__, "services": self._running})
        return Response(200, {"content-type": "application/json"}, body)

    def _nobody(self, address: NoAddress) -> Response:
        served = ", ".join(sorted(self._running))
        return strangers.refuse(address.what, address.protocol, served=served, request_id=self._ids.uuid())


async def _read_action(request: Request, address: ServiceAddress) -> ServiceAddress:
    """The query protocol names its operation in the body, which then is here already."""
    content = await request.body.read(body_limits.FORM)
    request.body = BytesBody(content)
    form = compression.inflate(content, request.headers, body_limits.FORM)
    return address._replace(operation=query.action_of(request, form))


def _says_digest(request: Request, endpoint: Endpoint) -> bool:
    """S3's clients send the body's digest in a header; most others only sign it, so it must be read to be verified."""
    return endpoint.is_s3 or "x-amz-content-sha256" in request.headers


def _too_large(endpoint: Endpoint, error: BodyTooLarge) -> ServiceError:
    if endpoint.is_s3:
        return ServiceError("Your request was too big.", code="MaxMessageLengthExceeded", status=400)
    return RequestEntityTooLarge(f"Request must be smaller than {error.limit} bytes")


def _internal_error(endpoint: Endpoint) -> ServiceError:
    message = "We encountered an internal error. Please try again."
    return ServiceError(message, code="InternalError" if endpoint.is_s3 else "InternalFailure", status=500)


def _needs_credentials(page: Page) -> ServiceError:
    if not page.takes_password:
        return ServiceError("This page needs a signed request.", code=_PAGE_DIALECT.missing, status=403)
    how = "an access key and its secret as user and password (curl: -u KEY:SECRET; Prometheus: basic_auth)"
    return ServiceError(f"This page needs {how}, or a signed request.", code=_PAGE_DIALECT.missing, status=401)


def _page_refusal(status: int, code: str, message: str, *, takes_password: bool = False) -> Response:
    """A 401 names the way to come in (RFC 9110, section 15.5.2), so that browsers ask for it."""
    headers = {"content-type": "application/json"}
    if takes_password and status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Basic realm="Lambent"'
    return Response(status, headers, orjson.dumps({"code": code, "message": message}))
