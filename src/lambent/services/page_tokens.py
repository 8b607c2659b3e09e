"""The `NextToken` of listings: where to go on, opaque to the client and checked when it comes back.

No secret, and no seal: whoever makes one up is shown what it could have asked for anyway.
"""

import base64
import binascii
from typing import Any

import orjson

#: What a column of the database holds; a longer one was never given out.
_LARGEST = 2**63 - 1


class BadToken(Exception):
    """It was not given out by the operation. Each service says so in its own words."""


def write(*where: str | int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(where)).decode()


def read(token: str, *kinds: type) -> tuple[Any, ...]:
    """Values of these types. Raises BadToken."""
    try:
        where = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadToken from error
    if not isinstance(where, list) or [type(value) for value in where] != list(kinds):
        raise BadToken
    if any(isinstance(value, int) and not 0 <= value <= _LARGEST for value in where):
        raise BadToken
    return tuple(where)
