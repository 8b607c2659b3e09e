"""NextToken of ListMetrics and GetMetricData: where to go on."""

from typing import Any

from lambent.services import page_tokens
from lambent.services.cloudwatch.errors import InvalidNextToken
from lambent.services.page_tokens import BadToken

write_token = page_tokens.write


def read_token(token: str, *kinds: type) -> tuple[Any, ...]:
    """Raises InvalidNextToken if `token` does not hold values of these types."""
    try:
        return page_tokens.read(token, *kinds)
    except BadToken as error:
        raise InvalidNextToken("The token specified is invalid.") from error
