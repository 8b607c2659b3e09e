"""The `NextToken` of listings (the last name of a page), and how long a page may be."""

from lambent.services import page_tokens
from lambent.services.page_tokens import BadToken
from lambent.services.sqs.errors import InvalidParameterValue

#: "The response includes a maximum of 1,000 results" (API reference, ListQueues).
MAX_PAGE = 1_000

write_token = page_tokens.write


def read_token(token: str | None) -> str:
    """The name to go on behind, empty for the first page. Raises InvalidParameterValue."""
    try:
        return str(page_tokens.read(token, str)[0]) if token else ""
    except BadToken as error:
        raise InvalidParameterValue("Invalid or expired next token.") from error


def page_size(asked: int | None) -> int:
    """Raises InvalidParameterValue."""
    if asked is not None and not 1 <= asked <= MAX_PAGE:
        raise InvalidParameterValue(
            "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000."
        )
    return asked or MAX_PAGE
