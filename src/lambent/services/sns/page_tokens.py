"""The `NextToken` of listings: where to go on, opaque to the client and checked when it comes back."""

import base64
import binascii

from lambent.services.sns.errors import InvalidParameter

#: ListTopics, ListSubscriptions: "Each call returns a limited list of topics, up to 100".
PAGE = 100


def write_token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def read_token(token: str) -> str:
    """Raises InvalidParameter."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidParameter("NextToken") from error
