"""Access control lists: canned ones, grants in headers, the document, and who they let in.

Stored as JSON triples (type, grantee, permission); the empty text means "the owner alone", which is what nearly every
object has. Source: S3 user guide, "Access control list (ACL) overview".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services.s3 import errors

PRIVATE = "private"
BUCKET_OWNER_FULL_CONTROL = "bucket-owner-full-control"
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"

MAX_GRANTS = 100

_GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
_PUBLIC_GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS})
_PERMISSIONS = frozenset({"READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"})
_HEADER_MEMBERS = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
_HEADER_GRANTEE = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^"]*)"?\s*')


@frozen
class Grant:
    kind: str
    """`CanonicalUser` or `Group`."""
    grantee: str
    """Canonical user id, or the group's URI."""
    permission: str


Grants = tuple[Grant, ...]


def canned(name: str, *, owner_id: str, bucket_owner_id: str) -> Grants:
    """Raises InvalidArgument for a name that S3 does not have."""
    full = Grant("CanonicalUser", owner_id, "FULL_CONTROL")
    also: dict[str, Grants] = {
        PRIVATE: (),
        "public-read": (Grant("Group", ALL_USERS, "READ"),),
        "public-read-write": (Grant("Group", ALL_USERS, "READ"), Grant("Group", ALL_USERS, "WRITE")),
        "authenticated-read": (Grant("Group", AUTHENTICATED_USERS, "READ"),),
        "aws-exec-read": (),
        "bucket-owner-read": (Grant("CanonicalUser", bucket_owner_id, "READ"),),
        BUCKET_OWNER_FULL_CONTROL: (Grant("CanonicalUser", bucket_owner_id, "FULL_CONTROL"),),
        "log-delivery-write": (Grant("Group", LOG_DELIVERY, "WRITE"), Grant("Group", LOG_DELIVERY, "READ_ACP")),
    }
    if name not in also:
        raise errors.InvalidArgument("", name="x-amz-acl", value=name)
    return (full, *(grant for grant in also[name] if grant.grantee != owner_id))


def of_headers(request: Mapping[str, Any], *, owner_id: str, bucket_owner_id: str) -> Grants | None:
    """What `x-amz-acl` or `x-amz-grant-*` ask for; None if the request has neither. Raises InvalidRequest."""
    name = request.get("ACL")
    granted = [member for member in _HEADER_MEMBERS if member in request]
    if name is not None:
        if granted:
            raise errors.InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
        return canned(name, owner_id=owner_id, bucket_owner_id=bucket_owner_id)
    if not granted:
        return None
    return tuple(
        _header_grant(text, _HEADER_MEMBERS[member]) for member in granted for text in request[member].split(",")
    )


def of_document(document: Mapping[str, Any], *, owner_id: str) -> Grants:
    """An AccessControlPolicy. Raises MalformedACL, AccessDenied for another owner."""
    if document.get("Owner", {}).get("ID", owner_id) != owner_id:
        raise errors.AccessDenied
    grants = document.get("Grants")
    if grants is None or len(grants) > MAX_GRANTS:
        raise errors.MalformedACL
    return tuple(_document_grant(grant) for grant in grants)


def to_document(grants: Grants) -> list[dict[str, Any]]:
    """The `Grants` of GetBucketAcl and GetObjectAcl."""
    shown = []
    for grant in grants:
        member = "URI" if grant.kind == "Group" else "ID"
        shown.append({"Grantee": {"Type": grant.kind, member: grant.grantee}, "Permission": grant.permission})
    return shown


def dump(grants: Grants, *, owner_id: str) -> str:
    """As stored."""
    if grants == (Grant("CanonicalUser", owner_id, "FULL_CONTROL"),):
        return ""
    return orjson.dumps([(grant.kind, grant.grantee, grant.permission) for grant in grants]).decode()


def load(stored: str, *, owner_id: str) -> Grants:
    if not stored:
        return (Grant("CanonicalUser", owner_id, "FULL_CONTROL"),)
    return tuple(Grant(*triple) for triple in orjson.loads(stored))


def is_public(grants: Sequence[Grant]) -> bool:
    """Whether everybody, or everybody with an account, is let in to anything."""
    return any(grant.grantee in _PUBLIC_GROUPS for grant in grants)


def permits(grants: Sequence[Grant], permission: str, *, canonical_id: str | None, ignore_public: bool) -> bool:
    """`canonical_id` is the caller's account, None for an anonymous one."""
    known = {ALL_USERS} if canonical_id is None else {ALL_USERS, AUTHENTICATED_USERS, canonical_id}
    return any(
        grant.grantee in known
        and grant.permission in (permission, "FULL_CONTROL")
        and not (ignore_public and grant.grantee in _PUBLIC_GROUPS)
        for grant in grants
    )


def suits_enforced_owner(grants: Grants, *, owner_id: str) -> bool:
    """Whether a bucket with ACLs disabled may be sent this one: full control of its owner and nothing else."""
    return all(grant.grantee == owner_id and grant.permission == "FULL_CONTROL" for grant in grants)


def _header_grant(text: str, permission: str) -> Grant:
    matched = _HEADER_GRANTEE.fullmatch(text)
    if matched is None:
        raise errors.InvalidArgument("Argument format not recognized", name="x-amz-grant", value=text)
    kind, value = matched[1], matched[2]
    if kind == "uri":
        return _group(value, permission)
    if kind == "emailAddress":
        raise _no_such_email(value)
    return Grant("CanonicalUser", value, permission)


def _document_grant(grant: Mapping[str, Any]) -> Grant:
    grantee = grant.get("Grantee") or {}
    permission = grant.get("Permission")
    if permission not in _PERMISSIONS:
        raise errors.MalformedACL
    if grantee.get("Type") == "Group" and grantee.get("URI"):
        return _group(grantee["URI"], permission)
    if grantee.get("Type") == "AmazonCustomerByEmail":
        raise _no_such_email(grantee.get("EmailAddress", ""))
    if not grantee.get("ID"):
        raise errors.MalformedACL
    return Grant("CanonicalUser", grantee["ID"], permission)


def _group(uri: str, permission: str) -> Grant:
    if uri not in _GROUPS:
        raise errors.InvalidArgument("Invalid group uri", name="uri", value=uri)
    return Grant("Group", uri, permission)


def _no_such_email(address: str) -> errors.UnresolvableGrantByEmailAddress:
    return errors.UnresolvableGrantByEmailAddress(address)
