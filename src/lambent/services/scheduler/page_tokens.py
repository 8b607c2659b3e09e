"""The `NextToken` of listings: after which name to go on, opaque to the client and checked when it comes back."""

import base64
import binascii

import orjson

from lambent.services.scheduler.errors import invalid


def write_token(*names: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(names)).decode()


def read_token(token: str, count: int) -> tuple[str, ...]:
    """`count` names. Raises ValidationError."""
    try:
        names = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid("Invalid NextToken.") from error
    if not isinstance(names, list) or len(names) != count or not all(isinstance(name, str) for name in names):
        raise invalid("Invalid NextToken.")
    return tuple(names)
