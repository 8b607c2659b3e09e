"""The `NextToken` of listings (the last ARN or name of a page), and how long a page is."""

from lambent.services import page_tokens
from lambent.services.page_tokens import BadToken
from lambent.services.sns.errors import InvalidParameter

#: ListTopics, ListSubscriptions: "Each call returns a limited list of topics, up to 100".
PAGE = 100

write_token = page_tokens.write


def read_token(token: str) -> str:
    """Raises InvalidParameter."""
    try:
        return str(page_tokens.read(token, str)[0])
    except BadToken as error:
        raise InvalidParameter("NextToken") from error
