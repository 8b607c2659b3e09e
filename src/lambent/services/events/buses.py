"""Buses: what one is, and who may put events onto it.

An account puts events onto its own buses; others need the bus's policy. https://docs.aws.amazon.com/eventbridge/latest/
userguide/eb-event-bus-perms.html.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services import policies
from lambent.services.events.errors import PolicyLengthExceeded, ResourceNotFound, ValidationException
from lambent.services.events.names import BusKey
from lambent.services.policies import Asked, Effect
from lambent.services.policy_conditions import InvalidPolicy

#: PutPermission: "The permission policy on the event bus cannot exceed 10 KB in size".
MAX_POLICY_BYTES = 10 * 1024
#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
MAX_BUSES = 100

PUT_EVENTS = "events:PutEvents"


@frozen
class Bus:
    key: BusKey
    description: str = ""
    policy: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """KmsKeyIdentifier, DeadLetterConfig and LogConfig, as they were put."""
    tags: Mapping[str, str] = field(default_factory=dict)
    created_ms: int = 0
    """0 for a default bus, which is as old as the installation."""
    modified_ms: int = 0
    """0 for a default bus that nobody has changed."""


def may_put(bus: Bus, *, account_id: str, principal_arn: str, source: str, detail_type: str) -> bool:
    """Whether a principal may put such an event onto the bus."""
    is_owner = account_id == bus.key.account_id
    if not bus.policy:
        return is_owner
    asked = Asked(
        action=PUT_EVENTS,
        resource=bus.key.arn,
        principal_arn=principal_arn,
        account_id=account_id,
        context={
            "events:source": (source,),
            "events:detail-type": (detail_type,),
            "aws:principalaccount": (account_id,),
            "aws:principalarn": (principal_arn,),
            "aws:sourceaccount": (account_id,),
        },
    )
    said = policies.parse(bus.policy).evaluate(asked)
    return said is Effect.ALLOW or (is_owner and said is Effect.NONE)


def checked_policy(text: str) -> str:
    """Raises ValidationException, PolicyLengthExceeded."""
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise PolicyLengthExceeded("The resource policy exceeds the maximum length allowed.")
    try:
        policies.parse(text)
    except InvalidPolicy as error:
        raise ValidationException(f"Parameter Policy is not valid. Reason: {error}") from error
    return text


def with_statement(bus: Bus, request: Mapping[str, Any]) -> str:
    """The policy with the statement that a PutPermission of the short form describes, in place of its namesake."""
    for name in ("StatementId", "Action", "Principal"):
        if not request.get(name):
            raise ValidationException(f"Parameter {name} must be specified.")
    if request["Action"] != PUT_EVENTS:
        raise ValidationException("Provided value in parameter 'action' is not supported.")
    principal = request["Principal"]
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": PUT_EVENTS,
        "Resource": bus.key.arn,
    }
    if "Condition" in request:
        condition = request["Condition"]
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    others = [one for one in _statements(bus) if one.get("Sid") != statement["Sid"]]
    return checked_policy(_document([*others, statement]))


def without_statement(bus: Bus, statement_id: str) -> str:
    """Raises ResourceNotFound."""
    statements = _statements(bus)
    kept = [one for one in statements if one.get("Sid") != statement_id]
    if len(kept) == len(statements):
        raise ResourceNotFound("Statement with the provided id does not exist.")
    return _document(kept) if kept else ""


def _statements(bus: Bus) -> list[dict[str, Any]]:
    if not bus.policy:
        return []
    statements = orjson.loads(bus.policy)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _document(statements: list[dict[str, Any]]) -> str:
    return orjson.dumps({"Version": "2012-10-17", "Statement": statements}).decode()
