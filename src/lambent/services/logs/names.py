"""Names of log groups: the key they are stored under, their ARNs, and the two ways a request may name one."""

from typing import Any, NamedTuple

from lambent.kit.arn import Arn
from lambent.services.logs.errors import InvalidParameter, ValidationFailed, group_not_found


class GroupKey(NamedTuple):
    """Where a log group lives. A NamedTuple: it is hashed once per line that a function prints."""

    account_id: str
    region: str
    name: str


def group_arn(key: GroupKey) -> str:
    """Without the `:*` that DescribeLogGroups adds in its `arn` member."""
    return f"arn:aws:logs:{key.region}:{key.account_id}:log-group:{key.name}"


def stream_arn(key: GroupKey, stream: str) -> str:
    return f"{group_arn(key)}:log-stream:{stream}"


def requested_group(account_id: str, region: str, request: dict[str, Any]) -> GroupKey:
    """`logGroupName` or `logGroupIdentifier` (a name or an ARN), of which exactly one is allowed."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if name and identifier:
        raise ValidationFailed("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    if not name and not identifier:
        raise InvalidParameter("Expected at least one of logGroupName or logGroupIdentifier.")
    return identified_group(account_id, region, name or str(identifier))


def identified_group(account_id: str, region: str, identifier: str) -> GroupKey:
    """A name, or an ARN with or without `:*`. Another account's or region's group does not exist for the caller."""
    if not identifier.startswith("arn:"):
        return GroupKey(account_id, region, identifier)
    try:
        arn = Arn.parse(identifier)
    except ValueError as error:
        raise InvalidParameter(f"Invalid log group identifier: {identifier}") from error
    kind, _, rest = arn.resource.partition(":")
    if arn.service != "logs" or kind != "log-group" or not rest:
        raise InvalidParameter(f"Invalid log group identifier: {identifier}")
    if (arn.account_id, arn.region) != (account_id, region):
        raise group_not_found()
    return GroupKey(account_id, region, rest.removesuffix(":*"))
