"""Resource policies (of buckets, queues, topics): parsing, and what one says to a request (allow, deny, nothing).

The language is IAM's ("IAM JSON policy elements reference" in the IAM user guide) as far as resource policies use it.
An explicit deny wins over every allow. Condition keys the request does not carry make a positive operator false and a
negative one (`StringNotEquals`...) true, as IAM has it.
"""

import functools
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services import policy_conditions
from lambent.services.policy_conditions import Condition, Context, InvalidPolicy, like

MAX_POLICY_BYTES = 20 * 1024
_VERSIONS = frozenset({"2012-10-17", "2008-10-17"})
_PARSED_POLICIES = 256
_STATEMENT_MEMBERS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)


class Effect(Enum):
    ALLOW = "Allow"
    DENY = "Deny"
    #: No statement speaks of the request.
    NONE = "None"


@frozen
class Asked:
    """One request, as policies see it."""

    action: str
    """`s3:GetObject`."""
    resource: str
    """`arn:aws:s3:::bucket/key`."""
    principal_arn: str
    """"" for an anonymous caller."""
    account_id: str
    """"" for an anonymous caller, and for an AWS service."""
    context: Context
    canonical_id: str = ""
    """S3 only."""
    service: str = ""
    """`sns.amazonaws.com`, if an AWS service asks on somebody's behalf; the context says whose (`aws:sourcearn`)."""


@frozen
class Patterns:
    """Values with wildcards, and whether matching them includes or excludes."""

    values: tuple[str, ...]
    negated: bool = False


@frozen
class Statement:
    effect: Effect
    principals: tuple[tuple[str, str], ...]
    """Pairs of kind (`AWS`, `Service`, `CanonicalUser`, `Federated`) and value; `("AWS", "*")` is everybody."""
    except_principals: bool
    actions: Patterns
    resources: Patterns
    conditions: tuple[Condition, ...]

    def applies_to(self, asked: Asked) -> bool:
        return (
            _matches(self.actions, asked.action, ignore_case=True)
            and _matches(self.resources, asked.resource)
            and (any(_names(*principal, asked) for principal in self.principals) != self.except_principals)
            and all(policy_conditions.holds(condition, asked.context) for condition in self.conditions)
        )


@frozen
class Policy:
    statements: tuple[Statement, ...]

    def evaluate(self, asked: Asked) -> Effect:
        said = Effect.NONE
        for statement in self.statements:
            if statement.effect is said or not statement.applies_to(asked):
                continue
            if statement.effect is Effect.DENY:
                return Effect.DENY
            said = Effect.ALLOW
        return said

    @property
    def is_public(self) -> bool:
        """AWS's meaning of "public": allows everybody, and no condition narrows that to fixed values."""
        return any(_is_public(statement) for statement in self.statements)


@functools.lru_cache(_PARSED_POLICIES)
def parse(text: str) -> Policy:
    """A stored policy. Raises InvalidPolicy."""
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise InvalidPolicy(f"Policies must be no larger than {MAX_POLICY_BYTES} bytes")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidPolicy("This policy contains invalid Json") from error
    if not isinstance(document, dict):
        raise InvalidPolicy("Policies must be valid JSON and the first byte must be '{'")
    if document.get("Version", "2008-10-17") not in _VERSIONS:
        raise InvalidPolicy("The policy must contain a valid version string")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise InvalidPolicy("Missing required field Statement")
    return Policy(tuple(_statement(statement) for statement in statements))


def _statement(document: Any) -> Statement:
    if not isinstance(document, dict):
        raise InvalidPolicy("Statement must be an object")
    unknown = document.keys() - _STATEMENT_MEMBERS
    if unknown:
        raise InvalidPolicy(f"Unknown field {min(unknown)}")
    effect = document.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise InvalidPolicy(f"Invalid effect: {effect}" if effect else "Missing required field Effect")
    return Statement(
        effect=Effect(effect),
        principals=_principals(document.get("Principal", document.get("NotPrincipal"))),
        except_principals="NotPrincipal" in document,
        actions=_patterns(document, "Action"),
        resources=_patterns(document, "Resource"),
        conditions=policy_conditions.parse(document.get("Condition", {})),
    )


def _patterns(document: Mapping[str, Any], member: str) -> Patterns:
    negated = f"Not{member}" in document
    if not negated and member not in document:
        raise InvalidPolicy(f"Missing required field {member}")
    return Patterns(_strings(document[f"Not{member}" if negated else member], member), negated)


def _principals(document: Any) -> tuple[tuple[str, str], ...]:
    if document is None:
        raise InvalidPolicy("Missing required field Principal")
    if document == "*":
        return (("AWS", "*"),)
    if not isinstance(document, dict) or not document:
        raise InvalidPolicy("Invalid policy syntax.")
    found = [(kind, value) for kind, values in document.items() for value in _strings(values, "Principal")]
    if not all(_is_principal(kind, value) for kind, value in found):
        raise InvalidPolicy("Invalid principal in policy")
    return tuple(found)


def _is_principal(kind: str, value: str) -> bool:
    if kind == "AWS":
        return value == "*" or value.startswith("arn:aws:") or (len(value) == 12 and value.isdigit())
    return kind in ("Service", "CanonicalUser", "Federated") and bool(value)


def _strings(values: Any, member: str) -> tuple[str, ...]:
    listed = values if isinstance(values, list) else [values]
    if not listed or not all(isinstance(value, str) and value for value in listed):
        raise InvalidPolicy(f"Policy has invalid {member.lower()}")
    return tuple(listed)


def _matches(patterns: Patterns, value: str, *, ignore_case: bool = False) -> bool:
    return _any_like(patterns.values, value, ignore_case=ignore_case) != patterns.negated


def _any_like(patterns: Sequence[str], value: str, *, ignore_case: bool) -> bool:
    if ignore_case:
        return any(like(pattern.lower(), value.lower()) for pattern in patterns)
    return any(like(pattern, value) for pattern in patterns)


def _names(kind: str, value: str, asked: Asked) -> bool:
    """Whether a principal element means the caller."""
    if kind == "CanonicalUser":
        return value == asked.canonical_id
    if kind == "Service":
        return bool(asked.service) and value in (asked.service, "*")
    if kind != "AWS":
        return False
    if value == "*":
        return True
    if not asked.account_id:
        return False
    if value in (asked.account_id, f"arn:aws:iam::{asked.account_id}:root", asked.principal_arn):
        return True
    return value == _role_of_session(asked.principal_arn)


def _role_of_session(arn: str) -> str:
    """`arn:aws:sts::1:assumed-role/name/session` -> `arn:aws:iam::1:role/name`"""
    head, _, rest = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}" if rest else arn


def _is_public(statement: Statement) -> bool:
    if statement.effect is not Effect.ALLOW:
        return False
    everybody = statement.except_principals or ("AWS", "*") in statement.principals
    return everybody and not any(policy_conditions.narrows(condition) for condition in statement.conditions)
