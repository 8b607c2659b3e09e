"""What the listener itself answers when there is no request to hand on: S3's own words for bad HTTP.

Nobody knows yet which service was meant, and S3 is what an unsigned request gets; every SDK at least shows the status.
Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from lambent.kit.frozen import frozen
from lambent.wire.http import Response


@frozen
class Refusal:
    status: int
    code: str
    message: str

    def response(self) -> Response:
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        )
        return Response(self.status, {"content-type": "application/xml"}, body.encode(), close=True)


class Refused(Exception):
    """The bytes that came in are not a request that we take."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


BAD_REQUEST = Refusal(400, "BadRequest", "An error occurred when parsing the HTTP request.")
HEAD_TOO_LARGE = Refusal(
    431,
    "RequestHeaderSectionTooLarge",
    "Your request header section exceeds the maximum allowed size.",
)
UNKNOWN_CODING = Refusal(501, "NotImplemented", "The only transfer coding that is understood here is chunked.")
REQUEST_TIMEOUT = Refusal(
    400,
    "RequestTimeout",
    "Your socket connection to the server was not read from or written to within the timeout period.",
)
INTERNAL_ERROR = Refusal(500, "InternalError", "We encountered an internal error. Please try again.")
