"""What browsers ask before they call from another site's page (CORS).

There is no configuration of it yet (PutBucketCors is not served), and the safe answer without one is no: a page
anywhere on the web could otherwise drive a platform on the loopback of whoever opens it. The refusals are S3's.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors-troubleshooting.html
"""

from collections.abc import Mapping

from lambent.wire.errors import ServiceError


def refuse_preflight(headers: Mapping[str, str]) -> ServiceError:
    if "origin" not in headers:
        message = "Insufficient information. Origin request header needed."
        return ServiceError(message, code="BadRequest", status=400)
    method = headers.get("access-control-request-method")
    if method is None:
        message = "Insufficient information. Access-Control-Request-Method request header needed."
        return ServiceError(message, code="BadRequest", status=400)
    return ServiceError(
        "CORSResponse: CORS is not enabled for this bucket.",
        code="AccessForbidden",
        status=403,
        members={"Method": method, "ResourceType": "BUCKET"},
    )
