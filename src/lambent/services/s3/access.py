"""Access: may this caller do this to this bucket or object?

In order: an explicit deny of the bucket policy ends it; the account that owns the bucket may do everything (its users'
and roles' own policies will be asked here); an allow of the policy, unless public policies are restricted; a grant of
the ACL, unless ACLs are disabled or public ones ignored. Otherwise no.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

from lambent.kit.frozen import frozen
from lambent.services.caller import Caller
from lambent.services.policies import Asked, Effect
from lambent.services.s3 import acl, errors, naming, policy, public_access
from lambent.services.s3.public_access import Block
from lambent.services.s3.records import Bucket


@frozen
class Acl:
    """The list that may grant what is asked, and the permission it would have to give."""

    stored: str
    owner: str
    """Account id of the bucket's or object's owner."""
    permission: str
    """`READ`, `WRITE`, `READ_ACP`, `WRITE_ACP`."""


@frozen
class Wish:
    action: str
    """`s3:GetObject`."""
    key: str | None = None
    """None when the bucket itself is meant."""
    granted_by: Acl | None = None
    """None: no ACL ever grants this."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys of this operation in lower case, `s3:prefix`."""


def check(caller: Caller, bucket: Bucket, wish: Wish, *, now: float) -> None:
    """Raises AccessDenied."""
    if not is_allowed(caller, bucket, wish, now=now):
        raise errors.AccessDenied


def is_allowed(caller: Caller, bucket: Bucket, wish: Wish, *, now: float) -> bool:
    said = Effect.NONE if bucket.policy is None else _ask_policy(bucket.policy, caller, bucket, wish, now=now)
    if said is Effect.DENY:
        return False
    if is_owner(caller, bucket):
        return True
    if said is Effect.ALLOW and not _is_restricted(bucket):
        return True
    return wish.granted_by is not None and _acl_grants(wish.granted_by, caller, bucket)


def is_denied(caller: Caller, bucket: Bucket, wish: Wish, *, now: float) -> bool:
    """Whether the policy denies it explicitly."""
    return bucket.policy is not None and _ask_policy(bucket.policy, caller, bucket, wish, now=now) is Effect.DENY


def is_owner(caller: Caller, bucket: Bucket) -> bool:
    return not caller.is_anonymous and caller.account_id == bucket.owner


def is_account_root(caller: Caller, bucket: Bucket) -> bool:
    """The root of the owning account can always repair a policy that locks everybody out."""
    return is_owner(caller, bucket) and caller.arn.endswith(":root")


def _ask_policy(text: str, caller: Caller, bucket: Bucket, wish: Wish, *, now: float) -> Effect:
    arn = f"arn:aws:s3:::{bucket.name}"
    asked = Asked(
        action=wish.action,
        resource=arn if wish.key is None else f"{arn}/{wish.key}",
        principal_arn=caller.arn,
        account_id="" if caller.is_anonymous else caller.account_id,
        canonical_id="" if caller.is_anonymous else naming.canonical_user_id(caller.account_id),
        context=_context(caller, wish.context, now),
    )
    return policy.parse(text).evaluate(asked)


def _context(caller: Caller, more: Mapping[str, str], now: float) -> dict[str, tuple[str, ...]]:
    facts = {
        "aws:sourceip": caller.source_ip,
        "aws:securetransport": str(caller.endpoint.startswith("https:")).lower(),
        "aws:currenttime": datetime.fromtimestamp(now, UTC).isoformat(),
        "aws:epochtime": str(int(now)),
        "aws:principaltype": "Anonymous" if caller.is_anonymous else "Account",
        **more,
    }
    if not caller.is_anonymous:
        facts |= {"aws:principalarn": caller.arn, "aws:principalaccount": caller.account_id}
        facts |= {"aws:userid": caller.account_id}
    return {key: (value,) for key, value in facts.items()}


def _is_restricted(bucket: Bucket) -> bool:
    if not public_access.blocks(bucket, Block.RESTRICT):
        return False
    return bucket.policy is not None and policy.parse(bucket.policy).is_public


def _acl_grants(granted_by: Acl, caller: Caller, bucket: Bucket) -> bool:
    if bucket.ownership == public_access.OWNER_ENFORCED or not granted_by.stored:
        return False
    return acl.permits(
        acl.load(granted_by.stored, owner_id=naming.canonical_user_id(granted_by.owner)),
        granted_by.permission,
        canonical_id=None if caller.is_anonymous else naming.canonical_user_id(caller.account_id),
        ignore_public=public_access.blocks(bucket, Block.IGNORE_ACLS),
    )
