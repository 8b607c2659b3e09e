"""A function's resource policy: who else may invoke it, as statements that AddPermission adds and GetPolicy shows.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

import fnmatch
from collections.abc import Sequence
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services.lambda_.errors import InvalidParameterValue, PolicyLengthExceeded, ResourceConflict

#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, "Function resource-based policy".
MAX_POLICY_BYTES = 20 * 1024

Statement = dict[str, Any]

_INVOKES = ("lambda:InvokeFunction", "lambda:*", "*")


@frozen
class Permission:
    """What AddPermission asks for; "" where nothing was said."""

    statement_id: str
    action: str
    principal: str
    source_arn: str = ""
    source_account: str = ""
    organization_id: str = ""
    event_source_token: str = ""
    url_auth_type: str = ""
    via_function_url: bool | None = None


def make_statement(permission: Permission, resource: str) -> Statement:
    """The statement AWS makes of a permission. Raises InvalidParameterValue."""
    made: Statement = {
        "Sid": permission.statement_id,
        "Effect": "Allow",
        "Principal": _principal(permission.principal),
        "Action": permission.action,
        "Resource": resource,
    }
    condition = _condition(permission)
    if condition:
        made["Condition"] = condition
    return made


def add_statement(statements: Sequence[Statement], added: Statement) -> list[Statement]:
    """Raises ResourceConflict, PolicyLengthExceeded."""
    if any(present["Sid"] == added["Sid"] for present in statements):
        raise ResourceConflict(
            f"The statement id ({added['Sid']}) provided already exists. Please provide a new statement id, "
            "or remove the existing statement."
        )
    grown = [*statements, added]
    size = len(document(grown))
    if size > MAX_POLICY_BYTES:
        raise PolicyLengthExceeded(f"The final policy size ({size}) is bigger than the limit ({MAX_POLICY_BYTES}).")
    return grown


def permits(statements: Sequence[Statement], service: str, *, source_arn: str, source_account: str) -> bool:
    """Whether an AWS service (`s3.amazonaws.com`) may invoke the function on behalf of a resource."""
    return any(
        _is_service(statement["Principal"], service, source_arn)
        and statement["Action"] in _INVOKES
        and _holds(statement.get("Condition", {}), source_arn, source_account)
        for statement in statements
    )


def _is_service(principal: Any, service: str, source_arn: str) -> bool:
    """Services of a region are also named for it: `logs.eu-west-1.amazonaws.com`."""
    if principal in ("*", {"Service": service}):
        return True
    region = source_arn.split(":")[3:4]
    return bool(region) and principal == {"Service": service.replace(".", f".{region[0]}.", 1)}


def permits_account(statements: Sequence[Statement], account_id: str) -> bool:
    """Whether another account may invoke the function."""
    return any(
        statement["Principal"] in ("*", {"AWS": f"arn:aws:iam::{account_id}:root"})
        and statement["Action"] in _INVOKES
        and _holds(statement.get("Condition", {}), "", account_id)
        for statement in statements
    )


def _holds(condition: dict[str, Any], source_arn: str, source_account: str) -> bool:
    """The conditions that a service invocation can meet; any other (an organization, a URL) it cannot."""
    known = {"AWS:SourceAccount": source_account, "AWS:SourceArn": source_arn}
    return all(
        key in known and fnmatch.fnmatchcase(known[key], pattern.replace("[", "[[]"))
        for operator in condition.values()
        for key, pattern in operator.items()
    )


def encode(statement: Statement) -> str:
    """A statement as AddPermission returns it."""
    return orjson.dumps(statement).decode()


def document(statements: Sequence[Statement]) -> str:
    """The policy as GetPolicy returns it."""
    return orjson.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements}).decode()


def _principal(principal: str) -> Any:
    if principal == "*":
        return "*"
    if principal.isdecimal() and len(principal) == 12:
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    if principal.startswith("arn:"):
        return {"AWS": principal}
    if principal.endswith((".amazonaws.com", ".amazon.com", ".amazonaws.com.cn")):
        return {"Service": principal}
    raise InvalidParameterValue("The provided principal was invalid. Please check the principal and try again.")


def _condition(permission: Permission) -> dict[str, Any]:
    equals = {
        key: value
        for key, value in (
            ("AWS:SourceAccount", permission.source_account),
            ("lambda:EventSourceToken", permission.event_source_token),
            ("lambda:FunctionUrlAuthType", permission.url_auth_type),
            ("aws:PrincipalOrgID", permission.organization_id),
        )
        if value
    }
    condition: dict[str, Any] = {}
    if equals:
        condition["StringEquals"] = equals
    if permission.source_arn:
        condition["ArnLike"] = {"AWS:SourceArn": permission.source_arn}
    if permission.via_function_url is not None:
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": str(permission.via_function_url).lower()}
    return condition
