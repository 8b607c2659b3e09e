"""Requests as SDKs send them, signed by botocore, without a network; and small services to answer them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.gateway.auth import Authenticator
from lambent.gateway.credentials import CredentialStore
from lambent.gateway.dispatch import Gateway
from lambent.gateway.endpoints import Offer, ServedService
from lambent.gateway.routing import ServiceSigns
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import CountedIds
from lambent.services.caller import Caller
from lambent.settings import BUILT_IN_CREDENTIAL, Credential
from lambent.wire.http import Body, BytesBody, Request, Response
from lambent.wire.model import ServiceModel, load_service

ENDPOINT = "http://localhost:4566"
OTHER = Credential("AKIAOTHER", "other-secret", "123456789012")
Given = dict[str, Any]


class Parties:
    """The clock and the credentials that a gateway and the test share."""

    def __init__(self) -> None:
        self.clock = VirtualClock(time.time())
        self.ids = CountedIds()
        self.credentials = CredentialStore([BUILT_IN_CREDENTIAL, OTHER], clock=self.clock, ids=self.ids)

    def gateway(self, *services: ServedService, is_open: bool = False) -> Gateway:
        authenticator = Authenticator(
            self.credentials, clock=self.clock, region="us-east-1", account_id="000000000000", is_open=is_open
        )
        return Gateway([offer(one) for one in services], authenticator=authenticator, ids=self.ids)


def unsigned(
    method: str, target: str, *, body: Body | bytes = b"", headers: Mapping[str, str] | None = None
) -> Request:
    given = {"host": "localhost:4566", **(headers or {})}
    return Request(method, target, given, BytesBody(body) if isinstance(body, bytes) else body)


def signed(
    method: str,
    target: str,
    service: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    credentials: Credentials | None = None,
    region: str = "us-east-1",
) -> Request:
    """Header authentication. A given x-amz-content-sha256 is kept."""
    wire = AWSRequest(method, ENDPOINT + target, headers=dict(headers or {}), data=body)
    digest = wire.headers.get("x-amz-content-sha256")
    who = credentials or Credentials("test", "test")
    if service != "s3":
        SigV4Auth(who, service, region).add_auth(wire)
    elif digest is None:
        S3SigV4Auth(who, service, region).add_auth(wire)
    else:
        _GivenDigest(who, service, region, digest).add_auth(wire)
    return unsigned(method, target, body=body, headers={name.lower(): value for name, value in wire.headers.items()})


def presigned(method: str, target: str, *, seconds: int = 60, credentials: Credentials | None = None) -> Request:
    wire = AWSRequest(method, ENDPOINT + target)
    S3SigV4QueryAuth(credentials or Credentials("test", "test"), "s3", "us-east-1", expires=seconds).add_auth(wire)
    assert wire.url is not None
    return unsigned(method, wire.url.removeprefix(ENDPOINT))


class _GivenDigest(S3SigV4Auth):
    def __init__(self, credentials: Credentials, service: str, region: str, digest: str) -> None:
        super().__init__(credentials, service, region)
        self._digest = digest

    def payload(self, request: Any) -> Any:  # noqa: ARG002 (botocore's signature)
        return self._digest


Method = Callable[[Caller, Given], Awaitable[Given]]


class Echo:
    """Answers each of its operations with what a given function makes of (caller, input)."""

    def __init__(self, **methods: Method) -> None:
        for name, method in methods.items():
            setattr(self, name, method)


def serving(name: str, *, allows_anonymous: bool = False, **methods: Method) -> ServedService:
    """`GetCallerIdentity=method` and so on."""
    model = load_service(name, methods)
    by_python_name = {model.operations[one].python_name: method for one, method in methods.items()}
    return ServedService(model, Echo(**by_python_name), allows_anonymous)


def offer(service: ServedService) -> Offer:
    return Offer(signs_of(service.model), lambda: service)


def signs_of(model: ServiceModel) -> ServiceSigns:
    """What its model says of a service, as far as requests can be told by it."""
    speaks_query = "query" in model.protocols
    return ServiceSigns(
        name=model.name,
        protocols=tuple(dict.fromkeys((model.protocol, *model.protocols))),
        signing_name=model.signing_name,
        target_prefix=model.target_prefix,
        api_version=model.api_version if speaks_query else "",
        path_segments=tuple(sorted(segments_of(model, model.operation_names))),
        open_actions=tuple(one.name for one in model.operations.values() if speaks_query and one.is_anonymous),
    )


def segments_of(model: ServiceModel, operations: Collection[str]) -> set[str]:
    """First segments of the paths of `operations`, where they are one service's alone."""
    if model.protocol != "rest-json":
        return set()
    first = {route.uri.split("/", 2)[1] for route in model.routes if route.operation in operations}
    return {segment for segment in first if segment and "{" not in segment}


def ask(gateway: Gateway, request: Request) -> Response:
    return asyncio.run(_ask(gateway, request))


async def _ask(gateway: Gateway, request: Request) -> Response:
    return await gateway.handle(request)
