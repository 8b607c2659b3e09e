"""AddPermission and RemovePermission: statements of the queue's policy by their label.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from lambent.services.sqs.errors import InvalidParameterValue, MissingParameter, OverLimit, invalid_parameter
from lambent.services.sqs.queues import QueueKey

MAX_ACTIONS = 7
MAX_STATEMENTS = 20

ACTIONS = frozenset(
    {
        "*",
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
        "ChangeMessageVisibility",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
    }
)
#: "Cross-account permissions don't apply to the following actions" (API reference).
_OF_THE_OWNER = frozenset(
    {
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueues",
        "ListQueueTags",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    }
)
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")


def added(policy: str, key: QueueKey, label: str, accounts: Sequence[str], actions: Sequence[str]) -> str:
    """The policy with one statement more. Raises ServiceError."""
    _check_present(Label=label, AWSAccountId=accounts, ActionName=actions)
    if not _LABEL.match(label):
        raise invalid_parameter(
            "Label", label[:100], "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
    if len(actions) > MAX_ACTIONS:
        raise OverLimit(f"{len(actions)} Actions were found, maximum allowed is {MAX_ACTIONS}.")
    for account in accounts:
        if not _ACCOUNT.match(account):
            raise InvalidParameterValue(
                f"Value {[*accounts]} for parameter PrincipalId is invalid. Reason: Unable to verify."
            )
    for action in actions:
        _check_action(action)
    document = _document(policy, key)
    if any(one.get("Sid") == label for one in document["Statement"]):
        raise invalid_parameter("Label", label, "Already exists.")
    statements = len(document["Statement"]) + 1
    if statements > MAX_STATEMENTS:
        raise OverLimit(f"{statements} Statements were found, maximum allowed is {MAX_STATEMENTS}.")
    document["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": _one_or_all([f"arn:aws:iam::{account}:root" for account in accounts])},
            "Action": _one_or_all([f"SQS:{action}" for action in actions]),
            "Resource": key.arn,
        }
    )
    return orjson.dumps(document).decode()


def removed(policy: str, key: QueueKey, label: str) -> str:
    """The policy without a statement; "" if it was the last. Raises InvalidParameterValue, MissingParameter."""
    _check_present(Label=label)
    document = _document(policy, key)
    left = [one for one in document["Statement"] if one.get("Sid") != label]
    if len(left) == len(document["Statement"]):
        where = " on existing policy" if policy else ""
        raise invalid_parameter("Label", label[:100], f"can't find label{where}.")
    return orjson.dumps({**document, "Statement": left}).decode() if left else ""


def _check_present(**given: str | Sequence[str]) -> None:
    for name, value in given.items():
        if not value:
            raise MissingParameter(f"The request must contain the parameter {name}.")


def _check_action(action: str) -> None:
    if action in _OF_THE_OWNER:
        raise invalid_parameter("ActionName", f"SQS:{action}", "Only the queue owner is allowed to invoke this action.")
    if action not in ACTIONS:
        raise invalid_parameter(
            "ActionName", f"SQS:{action}", "Please refer to the appropriate WSDL for a list of valid actions."
        )


def _document(policy: str, key: QueueKey) -> dict[str, Any]:
    if not policy:
        return {"Version": "2008-10-17", "Id": f"{key.arn}/SQSDefaultPolicy", "Statement": []}
    document: dict[str, Any] = orjson.loads(policy)
    statements = document["Statement"]
    return {**document, "Statement": statements if isinstance(statements, list) else [statements]}


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
