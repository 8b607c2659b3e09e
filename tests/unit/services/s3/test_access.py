"""ACLs, public access block and bucket policy together: who gets in."""

from typing import Any

import orjson
import pytest

from lambent.services.caller import Caller
from lambent.services.s3 import access, acl, naming, public_access
from lambent.services.s3.access import Acl, Wish
from lambent.services.s3.public_access import Block
from lambent.services.s3.records import Bucket
from unit.services.s3.outcomes import code, value_or_code

OWNER = "000000000000"
STRANGER = "111111111111"
OWNER_ID = naming.canonical_user_id(OWNER)
NOW = 1_750_000_000.0

ROOT = Caller(OWNER, "us-east-1", f"arn:aws:iam::{OWNER}:root", "AKIA", "R1")
ROLE = ROOT._replace(arn=f"arn:aws:sts::{OWNER}:assumed-role/site/env-1", access_key_id="ASIA")
FOREIGNER = ROOT._replace(account_id=STRANGER, arn=f"arn:aws:iam::{STRANGER}:root")
NOBODY = Caller("", "us-east-1", "", "", "R1")

CLOSED = Bucket(
    name="b",
    owner=OWNER,
    region="us-east-1",
    created_ms=0,
    ownership=public_access.OWNER_ENFORCED,
    acl="",
    public_access_block=public_access.EVERYTHING.value,
    policy=None,
    tags=None,
    website=None,
    notification=None,
)
OPEN = CLOSED._replace(ownership=public_access.OBJECT_WRITER, public_access_block=None)


def canned(name: str) -> str:
    return acl.dump(acl.canned(name, owner_id=OWNER_ID, bucket_owner_id=OWNER_ID), owner_id=OWNER_ID)


def wish(object_acl: str, action: str = "s3:GetObject") -> Wish:
    return Wish(action, "key", Acl(canned(object_acl), OWNER, "READ"))


def policy(effect: str = "Allow", principal: Any = "*", action: str = "s3:GetObject", **more: Any) -> str:
    statement = {
        "Effect": effect,
        "Principal": principal,
        "Action": action,
        "Resource": "arn:aws:s3:::b/*",
        **more,
    }
    return orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode()


@pytest.mark.parametrize(
    ("bucket", "caller", "object_acl", "expected"),
    [
        # Private is private.
        (OPEN, NOBODY, "private", False),
        (OPEN, FOREIGNER, "private", False),
        (OPEN, ROOT, "private", True),
        (OPEN, ROLE, "private", True),
        # public-read content is readable by everybody, if nothing of the bucket forbids it.
        (OPEN, NOBODY, "public-read", True),
        (OPEN, FOREIGNER, "public-read", True),
        (OPEN, NOBODY, "authenticated-read", False),
        (OPEN, FOREIGNER, "authenticated-read", True),
        (OPEN._replace(ownership=None), NOBODY, "public-read", True),
        (OPEN._replace(public_access_block=Block.IGNORE_ACLS.value), NOBODY, "public-read", False),
        (OPEN._replace(public_access_block=Block.IGNORE_ACLS.value), FOREIGNER, "authenticated-read", False),
        (OPEN._replace(public_access_block=Block.BLOCK_ACLS.value), NOBODY, "public-read", True),
        (OPEN._replace(ownership=public_access.OWNER_ENFORCED), NOBODY, "public-read", False),
        (CLOSED, NOBODY, "public-read", False),
        # Policies.
        (OPEN._replace(policy=policy()), NOBODY, "private", True),
        (OPEN._replace(policy=policy(action="s3:PutObject")), NOBODY, "private", False),
        (OPEN._replace(policy=policy(), public_access_block=Block.RESTRICT.value), NOBODY, "private", False),
        (OPEN._replace(policy=policy(), public_access_block=Block.RESTRICT.value), ROOT, "private", True),
        (OPEN._replace(policy=policy(principal={"AWS": STRANGER})), FOREIGNER, "private", True),
        (OPEN._replace(policy=policy(principal={"AWS": STRANGER})), NOBODY, "private", False),
        (CLOSED._replace(policy=policy(principal={"AWS": STRANGER})), FOREIGNER, "private", True),
        # An explicit deny wins over everything.
        (OPEN._replace(policy=policy("Deny")), NOBODY, "public-read", False),
        (OPEN._replace(policy=policy("Deny")), ROOT, "private", False),
        (
            OPEN._replace(policy=policy("Deny", {"AWS": f"arn:aws:iam::{OWNER}:role/site"})),
            ROLE,
            "private",
            False,
        ),
        (OPEN._replace(policy=policy("Deny", {"AWS": f"arn:aws:iam::{OWNER}:role/site"})), ROOT, "private", True),
    ],
)
def test_reading_an_object(bucket: Bucket, caller: Caller, object_acl: str, expected: bool) -> None:
    assert access.is_allowed(caller, bucket, wish(object_acl), now=NOW) is expected


def test_an_acl_grants_only_its_permission() -> None:
    listing = Wish("s3:ListBucket", None, Acl(canned("public-read"), OWNER, "WRITE"))
    assert not access.is_allowed(NOBODY, OPEN, listing, now=NOW)


def test_what_no_acl_grants_is_the_owners_alone() -> None:
    deletion = Wish("s3:DeleteBucket")
    assert access.is_allowed(ROOT, OPEN, deletion, now=NOW)
    assert not access.is_allowed(NOBODY, OPEN._replace(acl=canned("public-read-write")), deletion, now=NOW)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, False),
        ({"Bool": {"aws:SecureTransport": "false"}}, True),
        ({"Bool": {"aws:SecureTransport": True}}, False),
        ({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, False),
        ({"StringLike": {"aws:Referer": "https://example.com/*"}}, False),
        ({"Null": {"aws:PrincipalArn": "true"}}, True),
    ],
)
def test_conditions_see_the_request(condition: Any, expected: bool) -> None:
    bucket = OPEN._replace(policy=policy(Condition=condition))
    assert access.is_allowed(NOBODY, bucket, wish("private"), now=NOW) is expected


@pytest.mark.parametrize(
    ("bucket", "name", "expected"),
    [
        (OPEN, "public-read", None),
        (CLOSED, "private", None),
        (CLOSED, "bucket-owner-full-control", None),
        (CLOSED, "public-read", "AccessControlListNotSupported"),
        (CLOSED, "authenticated-read", "AccessControlListNotSupported"),
        (OPEN._replace(public_access_block=Block.BLOCK_ACLS.value), "public-read", "AccessDenied"),
        (OPEN._replace(public_access_block=Block.BLOCK_ACLS.value), "private", None),
        (OPEN._replace(public_access_block=Block.IGNORE_ACLS.value), "public-read", None),
    ],
)
def test_which_acls_a_bucket_takes(bucket: Bucket, name: str, expected: str | None) -> None:
    grants = acl.canned(name, owner_id=OWNER_ID, bucket_owner_id=OWNER_ID)
    assert code(lambda: public_access.check_acl(bucket, grants, owner_id=OWNER_ID)) == expected


def test_public_access_block_documents() -> None:
    document = {"BlockPublicAcls": True, "RestrictPublicBuckets": True}
    bits = public_access.of_document(document)
    assert bits == Block.BLOCK_ACLS | Block.RESTRICT
    assert public_access.to_document(bits.value) == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True,
    }


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, None),
        ({"ACL": "private"}, [("CanonicalUser", OWNER_ID, "FULL_CONTROL")]),
        (
            {"ACL": "public-read"},
            [("CanonicalUser", OWNER_ID, "FULL_CONTROL"), ("Group", acl.ALL_USERS, "READ")],
        ),
        (
            {"GrantRead": f'uri="{acl.ALL_USERS}", id="abc"'},
            [("Group", acl.ALL_USERS, "READ"), ("CanonicalUser", "abc", "READ")],
        ),
        ({"ACL": "no-such"}, "InvalidArgument"),
        ({"ACL": "private", "GrantRead": 'id="abc"'}, "InvalidRequest"),
        ({"GrantRead": "whatever"}, "InvalidArgument"),
        ({"GrantRead": 'uri="http://example.com/"'}, "InvalidArgument"),
        ({"GrantRead": 'emailAddress="a@example.com"'}, "UnresolvableGrantByEmailAddress"),
    ],
)
def test_acls_in_headers(request_: dict[str, str], expected: Any) -> None:
    found = value_or_code(lambda: acl.of_headers(request_, owner_id=OWNER_ID, bucket_owner_id=OWNER_ID))
    if isinstance(found, tuple):
        assert [(one.kind, one.grantee, one.permission) for one in found] == expected
    else:
        assert found == expected


def test_acl_documents_come_back_as_they_were_put() -> None:
    document = {
        "Owner": {"ID": OWNER_ID},
        "Grants": [
            {"Grantee": {"Type": "CanonicalUser", "ID": OWNER_ID}, "Permission": "FULL_CONTROL"},
            {"Grantee": {"Type": "Group", "URI": acl.ALL_USERS}, "Permission": "READ"},
        ],
    }
    grants = acl.of_document(document, owner_id=OWNER_ID)
    assert acl.load(acl.dump(grants, owner_id=OWNER_ID), owner_id=OWNER_ID) == grants
    assert acl.to_document(grants) == document["Grants"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "MalformedACLError"),
        ({"Owner": {"ID": "somebody else"}, "Grants": []}, "AccessDenied"),
        (
            {"Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "x"}, "Permission": "ALL"}]},
            "MalformedACLError",
        ),
        ({"Grants": [{"Grantee": {"Type": "CanonicalUser"}, "Permission": "READ"}]}, "MalformedACLError"),
        ({"Grants": [{"Permission": "READ"}] * 101}, "MalformedACLError"),
    ],
)
def test_acl_documents_that_are_none(document: dict[str, Any], expected: str) -> None:
    assert code(lambda: acl.of_document(document, owner_id=OWNER_ID)) == expected
