"""NextToken of ListMetrics and GetMetricData: where to go on, opaque to the client and checked when it comes back."""

import base64
import binascii
from typing import Any

import orjson

from lambent.services.cloudwatch.errors import InvalidNextToken


def write_token(*where: str | int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(where)).decode()


def read_token(token: str, *kinds: type) -> tuple[Any, ...]:
    """Raises InvalidNextToken if `token` does not hold values of these types."""
    try:
        where = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidNextToken("The token specified is invalid.") from error
    if not isinstance(where, list) or [type(value) for value in where] != list(kinds):
        raise InvalidNextToken("The token specified is invalid.")
    return tuple(where)
