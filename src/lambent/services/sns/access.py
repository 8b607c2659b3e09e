"""Who may do what with a topic: its policy, the one it has by default, and the statements of AddPermission.

"Example cases for Amazon SNS access control" in the SNS developer guide. The owner's own account may do everything that
the policy does not deny; others, and AWS services, only what it allows.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambent.services import policies
from lambent.services.policies import Asked, Effect, Policy
from lambent.services.sns.bad_attribute import BadAttribute
from lambent.services.sns.errors import AuthorizationError, InvalidParameter

#: "the default policy": everything that a topic's policy can speak of, for callers of the owner's account.
_ACTIONS = (
    "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
    "ListSubscriptionsByTopic", "Publish",
)  # fmt: skip

_OUT_OF_SCOPE = "Policy statement action out of service scope!"


@functools.lru_cache(1_024)
def default_policy(topic_arn: str, account_id: str) -> str:
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _ACTIONS],
        "Resource": topic_arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account_id}},
    }
    document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return orjson.dumps(document).decode()


def check_scope(policy: Policy) -> None:
    """Raises BadAttribute for a policy that speaks of other services."""
    actions = [action for statement in policy.statements for action in statement.actions.values]
    if not all(action == "*" or action.lower().startswith("sns:") for action in actions):
        raise BadAttribute("Policy", _OUT_OF_SCOPE)


def allows(policy: str, owner_account_id: str, asked: Asked) -> bool:
    """`asked` as `asked_by_account` or `asked_by_service` made it."""
    said = policies.parse(policy).evaluate(asked)
    if asked.account_id == owner_account_id and not asked.service:
        return said is not Effect.DENY
    return said is Effect.ALLOW


def asked_by_account(action: str, topic_arn: str, *, principal_arn: str, account_id: str, source_ip: str = "") -> Asked:
    """`action` without its prefix: `Publish`."""
    context: dict[str, tuple[str, ...]] = {}
    if account_id:
        context |= {
            "aws:sourceowner": (account_id,),
            "aws:principalaccount": (account_id,),
            "aws:principalarn": (principal_arn,),
        }
    if source_ip:
        context["aws:sourceip"] = (source_ip,)
    return Asked(f"SNS:{action}", topic_arn, principal_arn, account_id, context)


def asked_by_service(action: str, topic_arn: str, *, service: str, source_arn: str, source_account: str) -> Asked:
    context = {"aws:sourcearn": (source_arn,), "aws:sourceaccount": (source_account,)}
    return Asked(f"SNS:{action}", topic_arn, "", "", context, service=service)


def refused(action: str, topic_arn: str, principal_arn: str) -> AuthorizationError:
    return AuthorizationError(
        f"User: {principal_arn or 'anonymous'} is not authorized to perform: SNS:{action} on resource: {topic_arn} "
        f"because no resource-based policy allows the SNS:{action} action"
    )


def add_statement(policy: str, topic_arn: str, *, label: str, accounts: Sequence[str], actions: Sequence[str]) -> str:
    """Raises InvalidParameter."""
    if not accounts or not all(len(account) == 12 and account.isdigit() for account in accounts):
        raise InvalidParameter("AWSAccountId")
    if not actions or not all(action in _GRANTABLE for action in actions):
        raise InvalidParameter(_OUT_OF_SCOPE)
    document, statements = _parts(policy)
    if any(statement.get("Sid") == label for statement in statements):
        raise InvalidParameter("Statement already exists")
    principals = [f"arn:aws:iam::{account}:root" for account in accounts]
    granted = [f"SNS:{action}" for action in actions]
    added = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principals if len(principals) > 1 else principals[0]},
        "Action": granted if len(granted) > 1 else granted[0],
        "Resource": topic_arn,
    }
    return orjson.dumps({**document, "Statement": [*statements, added]}).decode()


def remove_statement(policy: str, *, label: str) -> str:
    """Raises InvalidParameter if there is none of that label."""
    document, statements = _parts(policy)
    kept = [statement for statement in statements if statement.get("Sid") != label]
    if len(kept) == len(statements):
        raise InvalidParameter("Label Reason: there is no statement of that label")
    return orjson.dumps({**document, "Statement": kept}).decode() if kept else ""


_GRANTABLE = frozenset((*_ACTIONS, "Receive", "*"))


def _parts(policy: str) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    document = orjson.loads(policy)
    statements = document["Statement"]
    return document, statements if isinstance(statements, list) else [statements]
