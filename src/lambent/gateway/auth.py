"""Who asks? SigV4 -> Identity, or AWS's refusal in the service's own words.

With `--auth off` nothing is verified: whoever asks, signed or not, is the root of the default account, or of account
123456789012 if that is the access key id (a custom of local AWS tools, for tests that need several accounts); only
temporary credentials of execution environments keep their role. Where signatures are checked, an access key id means
nothing but itself.
"""

import base64
import hmac
import secrets
from typing import NamedTuple

from lambent.gateway.credentials import CredentialStore, Principal
from lambent.kit import trace
from lambent.kit.arn import Arn
from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.wire import sigv2, sigv4
from lambent.wire.errors import ServiceError
from lambent.wire.http import Request
from lambent.wire.signature_errors import Dialect
from lambent.wire.sigv4 import Payload, Secret, Signed, Verifier

#: Compared with when there is no such key, so that it takes as long.
_NOBODYS = Secret(secrets.token_hex(20))

_STREAMED = {one.value: one for one in Payload if one is not Payload.DIGEST}


class Identity(NamedTuple):
    principal: Principal | None
    """None: anonymous."""
    region: str
    payload: Payload
    """What the request says about its body; `bodies.guard` holds it to that."""
    payload_sha256: str = ""
    signed: Signed | None = None
    """What chunk signatures hang on; None if signatures are not checked."""


class Authenticator:
    def __init__(
        self, credentials: CredentialStore, *, clock: Clock, region: str, account_id: str, is_open: bool = False
    ) -> None:
        """`is_open`: check no signatures. `region`, `account_id`: of whoever names none."""
        self._credentials = credentials
        self._clock = clock
        self._region = region
        self._account_id = account_id
        self._is_open = is_open
        self._verifier = Verifier(credentials.secret)

    def knows(self, request: Request) -> bool:
        """Whether its key is one of ours, so that it is worth reading a body in order to verify its signature."""
        return self._is_open or self._credentials.lookup(_claimed_key(request)) is not None

    def visitor(self, request: Request, request_id: str) -> Caller:
        """Somebody who is nobody in particular, signed or not."""
        return caller_of(request, Identity(None, self._region, Payload.UNSIGNED), request_id)

    def identify(
        self, request: Request, *, dialect: Dialect, service: str | None, body: bytes | None, resource: str = ""
    ) -> Identity:
        """`body` if it had to be read first: most services do not send its digest. Raises ServiceError.

        `resource`: for S3, the path with the bucket in front, wherever the request names it.
        """
        if self._is_open:
            return self._believe(request)
        now = self._clock.now()
        if dialect.is_s3 and sigv2.is_presigned(request):
            lookup = self._credentials.secret
            access_key_id = sigv2.verify(request, resource=resource, dialect=dialect, lookup=lookup, now=now)
            return Identity(self._principal(access_key_id, dialect, now), self._region, _claimed_payload(request))
        verdict = self._verifier.verify(request, dialect=dialect, now=now, service=service, body=body)
        if isinstance(verdict, Signed):
            principal = self._principal(verdict.access_key_id, dialect, now)
            return Identity(principal, verdict.region, verdict.payload, verdict.payload_sha256, verdict)
        if isinstance(verdict, sigv4.Refused):
            raise verdict.error
        return Identity(None, self._region, _claimed_payload(request))

    def by_password(self, request: Request, dialect: Dialect) -> Identity | None:
        """Who gives an access key and its secret as user and password (RFC 7617); None: nobody does.

        Only permanent keys: temporary ones are no good without their token. Raises ServiceError.
        """
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or self._is_open:
            return None
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            user = password = ""
        principal = self._credentials.lookup(user)
        secret = principal.secret if principal is not None else _NOBODYS
        is_right = hmac.compare_digest(secret.secret_access_key.encode(), password.encode())
        if principal is None or secret.session_token or not is_right:
            raise ServiceError(
                "User and password are not an access key and its secret.",
                code=dialect.unknown_key,
                status=401,
                headers={"www-authenticate": 'Basic realm="lambent"'},
            )
        return Identity(principal, self._region, Payload.UNSIGNED)

    def _principal(self, access_key_id: str, dialect: Dialect, now: float) -> Principal:
        principal = self._credentials.lookup(access_key_id)
        if principal is None or (principal.expires_at is not None and principal.expires_at <= now):
            raise _expired_token(dialect)
        return principal

    def _believe(self, request: Request) -> Identity:
        access_key_id, scope = _claimed_key(request), sigv4.scope_of(request)
        principal = self._credentials.lookup(access_key_id)
        if principal is None:
            is_account = len(access_key_id) == 12 and access_key_id.isascii() and access_key_id.isdigit()
            account_id = access_key_id if is_account else self._account_id
            principal = Principal(
                access_key_id or "anything", account_id, str(Arn("iam", "", account_id, "root")), Secret("")
            )
        return Identity(principal, (scope and scope[0]) or self._region, _claimed_payload(request))


def caller_of(request: Request, identity: Identity, request_id: str) -> Caller:
    principal = identity.principal
    endpoint = f"http://{request.headers.get('host', 'localhost')}"
    traced = trace.accepted(request.headers.get("x-amzn-trace-id", ""))
    if principal is None:
        return Caller("", identity.region, "", "", request_id, request.peer, endpoint, traced, request.has_left)
    return Caller(
        principal.account_id,
        identity.region,
        principal.arn,
        principal.access_key_id,
        request_id,
        request.peer,
        endpoint,
        traced,
        request.has_left,
    )


def _claimed_payload(request: Request) -> Payload:
    """How the body is framed, where no signature speaks of it."""
    return _STREAMED.get(request.headers.get("x-amz-content-sha256", ""), Payload.UNSIGNED)


def _claimed_key(request: Request) -> str:
    """Access key id; "" if not said."""
    header = request.headers.get("authorization", "")
    credential = header.partition("Credential=")[2].partition(",")[0]
    if not credential:
        credential = request.query.partition("X-Amz-Credential=")[2].partition("&")[0]
    return credential.replace("%2F", "/").strip().partition("/")[0]


def _expired_token(dialect: Dialect) -> ServiceError:
    if dialect.is_s3:
        return ServiceError("The provided token has expired.", code="ExpiredToken", status=400)
    return ServiceError(
        "The security token included in the request is expired", code="ExpiredTokenException", status=dialect.status
    )
