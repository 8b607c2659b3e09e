"""The `NextToken` of listings: after which name to go on."""

from lambent.services import page_tokens
from lambent.services.page_tokens import BadToken
from lambent.services.scheduler.errors import invalid

write_token = page_tokens.write


def read_token(token: str, count: int) -> tuple[str, ...]:
    """`count` names. Raises ValidationError."""
    try:
        return page_tokens.read(token, *[str] * count)
    except BadToken as error:
        raise invalid("Invalid NextToken.") from error
