"""The `nextToken` of listings and searches: where to go on."""

from typing import Any

from lambent.services import page_tokens
from lambent.services.logs.errors import InvalidParameter
from lambent.services.page_tokens import BadToken

write_token = page_tokens.write


def read_token(token: str, *kinds: type) -> tuple[Any, ...]:
    """Raises InvalidParameter if `token` does not hold values of these types."""
    try:
        return page_tokens.read(token, *kinds)
    except BadToken as error:
        raise invalid_token() from error


def invalid_token() -> InvalidParameter:
    return InvalidParameter("The specified nextToken is invalid.")
