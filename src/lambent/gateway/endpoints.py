"""One service in one protocol, ready to be called: everything that can be decided once is decided here.

An `Endpoint` finds the `Plan` of the operation a request addresses; the plan holds the bound method, so that nothing
is looked up by name while a request is served. Until a service is asked for it is an `Offer`: reading its model and
loading its operations takes 10 to 40 ms, and the start would pay that for all of them.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import field
from typing import Any

from lambent import __version__
from lambent.gateway import body_limits
from lambent.gateway.routing import ServiceAddress, ServiceSigns, protocols_of
from lambent.kit.frozen import frozen, mutable
from lambent.services.caller import Caller
from lambent.wire import signature_errors
from lambent.wire.codec import Codec
from lambent.wire.errors import NotImplementedYet, ServiceError, UnknownOperation
from lambent.wire.http import Request
from lambent.wire.model import Operation, ServiceModel
from lambent.wire.protocols import CODECS, build_codec
from lambent.wire.uri import UriTable, parse_query

Method = Callable[[Caller, dict[str, Any]], Awaitable[Mapping[str, Any]]]


@frozen
class ServedService:
    """A service as `app.served` hands it over. `operations` has an async method for each operation of the model."""

    model: ServiceModel
    operations: object
    allows_anonymous: bool = False
    """Unsigned requests reach the operations, which decide themselves (S3: policies and ACLs)."""
    load_query: Callable[[], ServiceModel] | None = None
    """The service's description for the query protocol, where today's model has forgotten it (SQS)."""

    def model_for(self, protocol: str) -> ServiceModel:
        return self.load_query() if self.load_query is not None and protocol == "query" else self.model


@frozen
class Offer:
    """A service that requests can address, and what builds it when the first one does."""

    signs: ServiceSigns
    build: Callable[[], ServedService]


@frozen
class Plan:
    operation: Operation
    call: Method
    body_limit: int
    """Of a body that is read before the call; a streaming one has no limit here."""


class MissingMethods(Exception):
    """Operations that a service says it serves and does not; the message lists them."""


class MethodNotAllowed(ServiceError):
    """S3: the resource exists in AWS's model, the HTTP method on it does not."""

    code = "MethodNotAllowed"
    status = 405


@mutable
class Endpoint:
    service: ServedService
    protocol: str
    codec: Codec
    plans: Mapping[str, Plan]
    dialect: signature_errors.Dialect
    uris: UriTable | None
    is_s3: bool = field(init=False)
    signing_name: str = field(init=False)

    def __post_init__(self) -> None:
        self.is_s3 = self.protocol == "rest-xml"
        self.signing_name = self.service.model.signing_name

    def find(self, request: Request, address: ServiceAddress) -> tuple[Plan, Mapping[str, str]]:
        """The plan and the path's labels. Raises ServiceError if there is no such operation, or not here."""
        if self.uris is None:
            return self._plan(address.operation or ""), {}
        match = self.uris.match(request.method, address.path, parse_query(request.query), request.headers)
        if match is None:
            raise self._no_route(request)
        return self._plan(match.operation), match.labels

    def _plan(self, name: str) -> Plan:
        plan = self.plans.get(name)
        if plan is not None:
            return plan
        model = self.service.model
        if name in model.operation_names:
            message = f"The operation {name} of {model.name} is not served by Lambent {__version__}."
            if self.is_s3:
                raise NotImplementedYet(message)
            raise UnknownOperation(message, status=501)
        if self.protocol == "query":
            message = f"Could not find operation {name} for version {model.api_version}"
            raise ServiceError(message, code="InvalidAction", status=400)
        raise UnknownOperation(f"{model.name} has no operation {name!r}.")

    def _no_route(self, request: Request) -> ServiceError:
        if self.is_s3:
            return MethodNotAllowed(
                "The specified method is not allowed against this resource.", members={"Method": request.method}
            )
        return UnknownOperation(f"{self.service.model.name} has no operation at {request.method} {request.path}")


class Endpoints(dict[tuple[str, str], Endpoint]):
    """By (service, protocol) of what is on offer; built when it is first asked for. That raises MissingMethods."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        super().__init__()
        self._offers = {offer.signs.name: offer for offer in offers}
        self._services: dict[str, ServedService] = {}

    def __missing__(self, key: tuple[str, str]) -> Endpoint:
        name, protocol = key
        endpoint = self[key] = _build_endpoint(self.service(name), protocol)
        return endpoint

    def service(self, name: str) -> ServedService:
        service = self._services.get(name)
        if service is None:
            service = self._services[name] = _complete(self._offers[name].build())
        return service

    def offers(self, name: str) -> bool:
        return name in self._offers

    def build(self, name: str) -> None:
        """All that there is to be built for a service."""
        for protocol in protocols_of(self._offers[name].signs):
            if protocol in CODECS:
                self[name, protocol]


def _complete(service: ServedService) -> ServedService:
    missing = _missing_methods(service)
    if missing:
        raise MissingMethods(f"operations of {service.model.name} without a method: {', '.join(missing)}")
    return service


def _missing_methods(service: ServedService) -> list[str]:
    served: Iterable[str] = getattr(service.operations, "SERVED", service.model.operations)
    named = [one.python_name for one in service.model.operations.values()]
    absent = sorted(set(served) - service.model.operations.keys())
    return absent + [name for name in named if not callable(getattr(service.operations, name, None))]


def _build_endpoint(service: ServedService, protocol: str) -> Endpoint:
    model = service.model_for(protocol)
    return Endpoint(
        service=service,
        protocol=protocol,
        codec=build_codec(model, protocol),
        plans={
            name: Plan(operation, getattr(service.operations, operation.python_name), body_limits.of(model.name, name))
            for name, operation in model.operations.items()
        },
        dialect=signature_errors.dialect_of(protocol),
        uris=UriTable(model.routes) if model.routes else None,
    )
