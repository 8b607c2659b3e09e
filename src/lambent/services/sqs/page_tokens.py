"""The `NextToken` of listings: the last name of a page, opaque to the client."""

import base64
import binascii

from lambent.services.sqs.errors import invalid_parameter

#: "The response includes a maximum of 1,000 results" (API reference, ListQueues).
MAX_PAGE = 1_000


def write_token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def read_token(token: str | None) -> str:
    """The name to go on behind, empty for the first page. Raises InvalidParameterValue."""
    try:
        return base64.b64decode(token or "", altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid_parameter("NextToken", token, "Invalid token.") from error


def page_size(asked: int | None) -> int:
    """Raises InvalidParameterValue."""
    if asked is not None and not 1 <= asked <= MAX_PAGE:
        raise invalid_parameter("MaxResults", asked, "MaxResults must be an integer between 1 and 1000.")
    return asked or MAX_PAGE
