"""Public access block and object ownership: whether anything of a bucket may be public at all.

New buckets have all four blocks on and ACLs disabled, as AWS has had it since April 2023 ("Blocking public access to
your Amazon S3 storage", "Controlling ownership of objects" in the S3 user guide): a website's owner turns them off.
"""

from collections.abc import Mapping
from enum import IntFlag
from typing import Any

from lambent.services.s3 import acl, errors
from lambent.services.s3.acl import Grants
from lambent.services.s3.records import Bucket

OWNER_ENFORCED = "BucketOwnerEnforced"
OWNER_PREFERRED = "BucketOwnerPreferred"
OBJECT_WRITER = "ObjectWriter"
_OWNERSHIPS = frozenset({OWNER_ENFORCED, OWNER_PREFERRED, OBJECT_WRITER})


class Block(IntFlag):
    #: Requests that would set a public ACL are refused.
    BLOCK_ACLS = 1
    #: Public grants of ACLs have no effect.
    IGNORE_ACLS = 2
    #: Putting a public policy is refused.
    BLOCK_POLICY = 4
    #: A public policy lets in nobody but the owner's account.
    RESTRICT = 8


EVERYTHING = Block.BLOCK_ACLS | Block.IGNORE_ACLS | Block.BLOCK_POLICY | Block.RESTRICT
_MEMBERS = {
    "BlockPublicAcls": Block.BLOCK_ACLS,
    "IgnorePublicAcls": Block.IGNORE_ACLS,
    "BlockPublicPolicy": Block.BLOCK_POLICY,
    "RestrictPublicBuckets": Block.RESTRICT,
}


def of_document(document: Mapping[str, Any]) -> Block:
    bits = Block(0)
    for member, flag in _MEMBERS.items():
        if document.get(member):
            bits |= flag
    return bits


def to_document(bits: int) -> dict[str, bool]:
    return {member: bool(bits & flag) for member, flag in _MEMBERS.items()}


def blocks(bucket: Bucket, flag: Block) -> bool:
    return bool((bucket.public_access_block or 0) & flag)


def check_ownership(ownership: str) -> str:
    """Raises InvalidArgument."""
    if ownership not in _OWNERSHIPS:
        raise errors.InvalidArgument(
            f"Invalid x-amz-object-ownership header: {ownership}", name="x-amz-object-ownership", value=ownership
        )
    return ownership


def check_acl(bucket: Bucket, grants: Grants, *, owner_id: str) -> None:
    """Does the bucket take this ACL, for itself or an object? Raises AccessControlListNotSupported, AccessDenied."""
    if bucket.ownership == OWNER_ENFORCED and not acl.suits_enforced_owner(grants, owner_id=owner_id):
        raise errors.AccessControlListNotSupported
    if blocks(bucket, Block.BLOCK_ACLS) and acl.is_public(grants):
        raise errors.AccessDenied
