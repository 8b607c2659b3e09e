"""Access: may this caller do this to this stream or consumer?

The account that owns a stream may do everything that the stream's policy does not deny; another account, or an AWS
service, what the policy allows. "Sharing your data stream with another account",
https://docs.aws.amazon.com/streams/latest/dev/resource-based-policy-examples.html
"""

from datetime import UTC, datetime

from lambent.services import policies
from lambent.services.caller import Caller
from lambent.services.kinesis.errors import AccessDenied, InvalidArgument
from lambent.services.policies import Asked, Effect
from lambent.services.policy_conditions import InvalidPolicy


def check(caller: Caller, owner: str, arn: str, policy: str, operation: str, *, now: float) -> None:
    """`policy` is the resource's own, "" if it has none. Raises AccessDenied."""
    is_owner = caller.account_id == owner
    if is_owner and not policy:
        return
    said = _ask(caller, arn, policy, operation, now=now) if policy else Effect.NONE
    if said is Effect.DENY or (said is Effect.NONE and not is_owner):
        why = "with an explicit deny in" if said is Effect.DENY else "because no"
        raise AccessDenied(
            f"User: {caller.arn} is not authorized to perform: kinesis:{operation} on resource: {arn} "
            f"{why} a resource-based policy"
            + ("" if said is Effect.DENY else f" that allows the kinesis:{operation} action")
        )


def lets_service(policy: str, arn: str, service: str, *, source_arn: str, source_account: str) -> bool:
    """May an AWS service put records into the stream on behalf of somebody's rule, schedule or topic?"""
    if not policy:
        return False
    asked = Asked(
        action="kinesis:PutRecord",
        resource=arn,
        principal_arn="",
        account_id="",
        context={"aws:sourcearn": (source_arn,), "aws:sourceaccount": (source_account,)},
        service=service,
    )
    return policies.parse(policy).evaluate(asked) is Effect.ALLOW


def lets_account(policy: str, arn: str, account_id: str, principal_arn: str, operation: str) -> bool:
    """May a role of another account do this?"""
    if not policy:
        return False
    asked = Asked(
        action=f"kinesis:{operation}",
        resource=arn,
        principal_arn=principal_arn,
        account_id=account_id,
        context={"aws:principalarn": (principal_arn,), "aws:principalaccount": (account_id,)},
    )
    return policies.parse(policy).evaluate(asked) is Effect.ALLOW


def check_policy(text: str) -> None:
    """A policy that somebody wants to attach. Raises InvalidArgument."""
    try:
        policies.parse(text)
    except InvalidPolicy as error:
        raise InvalidArgument(f"Invalid policy: {error}") from error


def _ask(caller: Caller, arn: str, policy: str, operation: str, *, now: float) -> Effect:
    context = {
        "aws:sourceip": caller.source_ip,
        "aws:securetransport": str(caller.endpoint.startswith("https:")).lower(),
        "aws:currenttime": datetime.fromtimestamp(now, UTC).isoformat(),
        "aws:epochtime": str(int(now)),
        "aws:principalarn": caller.arn,
        "aws:principalaccount": caller.account_id,
    }
    asked = Asked(
        action=f"kinesis:{operation}",
        resource=arn,
        principal_arn=caller.arn,
        account_id=caller.account_id,
        context={key: (value,) for key, value in context.items()},
    )
    return policies.parse(policy).evaluate(asked)
