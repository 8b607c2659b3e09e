"""The `NextToken` of listings (the name to go on from), and how long a page may be."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services import page_tokens
from lambent.services.events.errors import ValidationException
from lambent.services.page_tokens import BadToken

#: "The maximum number of results per page for requests is 100."
MAX_PAGE = 100


def start_of(request: Mapping[str, Any]) -> str:
    """The first name of the page that is asked for; "" at the beginning. Raises ValidationException."""
    token = request.get("NextToken")
    if token is None:
        return ""
    try:
        return str(page_tokens.read(token, str)[0])
    except BadToken as error:
        raise ValidationException("Parameter NextToken is not valid.") from error


def page(request: Mapping[str, Any], found: Sequence[tuple[str, Any]]) -> tuple[list[Any], dict[str, str]]:
    """`found` are (name, entry) in order, one more than the limit if there are more -> entries, and the token."""
    limit = limit_of(request)
    entries = [entry for _, entry in found[:limit]]
    if len(found) <= limit:
        return entries, {}
    return entries, {"NextToken": page_tokens.write(found[limit][0])}


def limit_of(request: Mapping[str, Any]) -> int:
    return int(request.get("Limit", MAX_PAGE))
