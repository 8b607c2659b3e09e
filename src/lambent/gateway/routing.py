"""Which service, in which protocol, and if the request names it which operation does this request address?

Signs are read from the surest to the vaguest: our own path `/_lambent/`, the `X-Amz-Target` header, the path of
rpc-v2-cbor, the service in the credential scope, the host, a REST path that only one service has, a query `Action`.
What is left is S3: anonymous requests look like that. REST operations are matched later, by `UriTable`, on
`ServiceAddress.path`: for a bucket's own host that is the path with the bucket in front. Signatures are never
computed over it, always over the path as it was sent.
"""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from lambent.gateway import strangers
from lambent.gateway.hosts import HostKind, HostName, read_host
from lambent.kit.frozen import frozen
from lambent.wire import sigv4
from lambent.wire.http import Request

INTERNAL_PREFIX = "/_lambent/"
WEBSITE_PREFIX = "/_lambent/website/"
CBOR = "rpc-v2-cbor"
#: JSON 1.1 in CBOR, by its content type; only Kinesis' clients ever spoke it.
AMZ_CBOR = "amz-cbor"
_AMZ_CBOR_TYPE = "application/x-amz-cbor"
_AMZ_CBOR_SERVICES = frozenset(("kinesis",))

#: AWS offers them in JSON only; their attribute values pass the codec as the JSON they are stored as.
_JSON_ONLY = frozenset(("dynamodb", "dynamodbstreams"))

_HOSTS_REMEMBERED = 1024  # a few per client in practice; each bucket's own host counts


class ServiceAddress(NamedTuple):
    service: str
    protocol: str
    operation: str | None
    """As the request names it; None: its path says (REST), or its form (query)."""
    path: str
    """Path to match REST operations on."""
    website: str = ""
    """Bucket named as the host: if it has a website, an anonymous request is for that."""


@frozen
class ServiceSigns:
    """What requests tell a service by. The names are those of botocore's description of the service."""

    name: str
    protocols: tuple[str, ...]
    """All that AWS offers; the first is the one its clients use by default."""
    signing_name: str
    target_prefix: str = ""
    api_version: str = ""
    path_segments: tuple[str, ...] = ()
    """First segments of paths that are its alone, as Lambda's dates (`2015-03-31`). Of REST services."""
    open_actions: tuple[str, ...] = ()
    """Actions that need no signature: links to them (SNS's `SubscribeURL`) name no version and so no service."""

    @property
    def protocol(self) -> str:
        return self.protocols[0]


@frozen
class WebsiteAddress:
    bucket: str
    path: str
    """Raw, within the website; "" where not even the slash after `base` is there."""
    base: str
    """What stands before `path` in the URL: "" on a host of its own."""


@frozen
class InternalAddress:
    name: str


@frozen
class NoAddress:
    """The request names a service that is not here; `what` is the name, `protocol` how to say so."""

    what: str
    protocol: str


Address = ServiceAddress | WebsiteAddress | InternalAddress | NoAddress


def protocols_of(service: ServiceSigns) -> tuple[str, ...]:
    """What we answer a service's clients in. CBOR has paths of its own, so nearly every RPC service gets it."""
    spoken = service.protocols
    if service.name in _AMZ_CBOR_SERVICES:
        spoken = (*spoken, AMZ_CBOR)
    if service.target_prefix and CBOR not in spoken and service.name not in _JSON_ONLY:
        return (*spoken, CBOR)
    return spoken


class Router:
    def __init__(self, services: Iterable[ServiceSigns]) -> None:
        services = tuple(services)
        self._by_name = {one.name: one for one in services}
        self._by_signing_name = {one.signing_name: one for one in services}
        self._by_target = {one.target_prefix: one for one in services if one.target_prefix}
        self._by_version = {one.api_version: one for one in services if "query" in one.protocols}
        self._by_open_action = {action: one for one in services for action in one.open_actions}
        self._by_segment = {segment: one for one in services for segment in one.path_segments}
        self._hosts: dict[str, HostName] = {}

    def route(self, request: Request) -> Address:
        host = self._host(request.headers.get("host", ""))
        if host.kind is HostKind.WEBSITE:
            return WebsiteAddress(host.name, request.path, "")
        if host.kind is not HostKind.BUCKET and request.path.startswith(INTERNAL_PREFIX):
            return _internal(request.path)
        target = request.headers.get("x-amz-target")
        if target is not None and request.method == "POST":
            return self._by_target_header(target, request)
        if request.path.startswith("/service/") and "smithy-protocol" in request.headers:
            return self._by_cbor_path(request)
        scope = sigv4.scope_of(request)
        if scope is not None and scope[1]:
            return self._by_scope(scope[1], request, host)
        return self._unsigned(request, host)

    def _host(self, header: str) -> HostName:
        host = self._hosts.get(header)
        if host is None:
            host = read_host(header)
            if len(self._hosts) >= _HOSTS_REMEMBERED:
                self._hosts.clear()
            self._hosts[header] = host
        return host

    def _by_target_header(self, target: str, request: Request) -> Address:
        prefix, _, operation = target.rpartition(".")
        service = self._by_target.get(prefix)
        if service is None:
            return NoAddress(target, "json")
        is_cbor = request.headers.get("content-type", "").startswith(_AMZ_CBOR_TYPE)
        protocol = AMZ_CBOR if is_cbor and service.name in _AMZ_CBOR_SERVICES else "json"
        return ServiceAddress(service.name, protocol, operation, request.path)

    def _by_cbor_path(self, request: Request) -> Address:
        """`/service/{target prefix}/operation/{operation}`, as smithy.io's rpc-v2-cbor says and botocore sends."""
        parts = request.path.split("/")
        service = self._by_target.get(parts[2].rpartition(".")[2]) if len(parts) == 5 else None
        if service is None or parts[3] != "operation" or CBOR not in protocols_of(service):
            return NoAddress(request.path, CBOR)
        return ServiceAddress(service.name, CBOR, parts[4], request.path)

    def _by_scope(self, signing_name: str, request: Request, host: HostName) -> Address:
        service = self._by_signing_name.get(signing_name)
        if service is None:
            return NoAddress(signing_name, strangers.protocol_of(signing_name, request))
        if service.protocol == "rest-xml":
            return _path_address(service, request, host)
        if "query" in service.protocols:
            return ServiceAddress(service.name, "query", _query_value(request.query, "Action"), request.path)
        return ServiceAddress(service.name, service.protocol, None, request.path)

    def _unsigned(self, request: Request, host: HostName) -> Address:
        if host.kind is not HostKind.BUCKET:
            service = self._by_segment.get(request.path.partition("?")[0].split("/", 2)[1])
            if service is not None:
                return ServiceAddress(service.name, service.protocol, None, request.path)
            if "sqs" in self._by_name and _is_queue_path(request):
                return ServiceAddress("sqs", "query", _query_value(request.query, "Action"), request.path)
            action = _query_value(request.query, "Action")
            service = self._by_action(action, _query_value(request.query, "Version")) if action else None
            if service is not None:
                return ServiceAddress(service.name, "query", action, request.path)
        s3 = self._by_name.get("s3")
        if s3 is None:
            return NoAddress("s3", "rest-xml")
        return _path_address(s3, request, host)

    def _by_action(self, action: str, version: str | None) -> ServiceSigns | None:
        return self._by_version.get(version) if version else self._by_open_action.get(action)


def _path_address(service: ServiceSigns, request: Request, host: HostName) -> ServiceAddress:
    if host.kind is HostKind.BUCKET:
        return ServiceAddress(service.name, service.protocol, None, f"/{host.name}{request.path}")
    website = host.name if host.kind is HostKind.OTHER else ""
    return ServiceAddress(service.name, service.protocol, None, request.path, website)


def _internal(path: str) -> Address:
    if path.startswith(WEBSITE_PREFIX):
        bucket, slash, rest = path.removeprefix(WEBSITE_PREFIX).partition("/")
        if not bucket:
            return InternalAddress("website")
        return WebsiteAddress(bucket, slash + rest, f"{WEBSITE_PREFIX}{bucket}")
    return InternalAddress(path.removeprefix(INTERNAL_PREFIX))


def _is_queue_path(request: Request) -> bool:
    """`/000000000000/orders` with an Action, in the query or in a form: what curl sends to a queue without signing."""
    account, _, name = request.path[1:].partition("/")
    if not (len(account) == 12 and account.isascii() and account.isdigit() and name):
        return False
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return (request.method == "POST" and is_form) or "Action=" in request.query


def _query_value(query: str, name: str) -> str | None:
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key == name:
            return unquote_to_bytes(value).decode("latin-1")
    return None
