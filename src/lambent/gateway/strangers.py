"""Services that AWS has and we do not: what to answer, in the protocol their clients read.

Without the service's model the request itself must tell the protocol. A REST request does not: of the services with
REST protocols nearly all speak JSON, those that speak XML are listed.
"""

from lambent import __version__
from lambent.wire.errors import NotImplementedYet, ServiceError, UnknownOperation
from lambent.wire.http import Request, Response
from lambent.wire.model import ServiceModel
from lambent.wire.protocols import CODECS, build_codec

_REST_XML = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts", "cloudfront", "route53"})
_FORM = "application/x-www-form-urlencoded"

_NOBODY = ServiceModel(
    name="",
    protocol="json",
    protocols=(),
    json_version="1.1",
    endpoint_prefix="",
    signing_name="",
    target_prefix="",
    api_version="",
    xml_namespace="",
    operations={},
    operation_names=frozenset(),
    routes=(),
)
_CODECS = {protocol: build_codec(_NOBODY, protocol) for protocol in CODECS}


def protocol_of(signing_name: str, request: Request) -> str:
    """What a client of that service probably reads; `X-Amz-Target` and CBOR's paths were looked at before."""
    if request.headers.get("content-type", "").startswith(_FORM) or "Action=" in request.query:
        return "query"
    if request.method == "POST" and request.path == "/":
        return "json"
    return "rest-xml" if signing_name in _REST_XML else "rest-json"


def refuse(what: str, protocol: str, *, served: str, request_id: str) -> Response:
    """501; `what` is the service, or what else the request named."""
    message = f"{what!r} is not served by Lambent {__version__}, which serves {served}."
    error: ServiceError = (
        NotImplementedYet(message) if protocol == "rest-xml" else UnknownOperation(message, status=501)
    )
    return _CODECS[protocol].encode_error(error, request_id)
