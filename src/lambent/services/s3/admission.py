"""Admission: the first step of every operation. Is there such a bucket, and may this caller do this to it?

What it hands out is a bucket row or an object row as it stood a moment ago; what an operation changes, it looks up
again inside its own transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.s3 import access, acl, errors, naming, public_access, store
from lambent.services.s3.access import Acl, Wish
from lambent.services.s3.records import NULL_VERSION, Bucket, StoredObject
from lambent.storage.database import Database

Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    bucket: Bucket
    stored: StoredObject
    data: bytes | None
    """The bytes of a small object."""


class Admission:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def bucket(
        self,
        caller: Caller,
        request: Request,
        action: str,
        *,
        permission: str | None = None,
        key: str | None = None,
        context: Mapping[str, str] | None = None,
    ) -> Bucket:
        """The bucket, if the caller may do `action` to it (or to `key` in it).

        `permission` is what the bucket's ACL would have to grant. Raises NoSuchBucket, AccessDenied.
        """
        bucket = self.bucket_alone(request)
        granted_by = Acl(bucket.acl, bucket.owner, permission) if permission else None
        self.check(caller, bucket, Wish(action, key, granted_by, context or {}))
        return bucket

    def bucket_alone(self, request: Request) -> Bucket:
        """The bucket, for an operation that asks `check` by itself. Raises NoSuchBucket."""
        name = request["Bucket"]
        bucket = self._database.read(lambda tx: store.find_bucket(tx, name))
        if bucket is None:
            raise errors.NoSuchBucket(name)
        check_expected_owner(bucket, request)
        return bucket

    def object(self, caller: Caller, request: Request, action: str, *, permission: str | None = "READ") -> Found:
        """The object, if the caller may do `action` to it; `permission` is what its ACL would have to grant.

        Raises NoSuchBucket, NoSuchKey, NoSuchVersion, AccessDenied (also for a key that is not there, to callers who
        may not list the bucket: they shall not learn which keys exist).
        """
        name, key = request["Bucket"], request["Key"]
        key_bytes = naming.key_bytes(key)
        row = self._database.read(lambda tx: store.find_bucket_and_object(tx, name, key_bytes))
        if row is None:
            raise errors.NoSuchBucket(name)
        bucket, stored, data = row
        check_expected_owner(bucket, request)
        granted_by = Acl(stored.acl, stored.owner, permission) if stored is not None and permission else None
        self.check(caller, bucket, Wish(action, key, granted_by))
        check_version(request, key)
        if stored is None:
            list_acl = Acl(bucket.acl, bucket.owner, "READ")
            self.check(caller, bucket, Wish("s3:ListBucket", None, list_acl))
            raise errors.NoSuchKey(key)
        return Found(bucket, stored, data)

    def check(self, caller: Caller, bucket: Bucket, wish: Wish) -> None:
        """Raises AccessDenied."""
        access.check(caller, bucket, wish, now=self._clock.now())

    def is_allowed(self, caller: Caller, bucket: Bucket, wish: Wish) -> bool:
        return access.is_allowed(caller, bucket, wish, now=self._clock.now())

    def acl_of_new_object(self, caller: Caller, bucket: Bucket, request: Request) -> tuple[str, str]:
        """(ACL as stored, owner's account id) of an object about to be written.

        Raises AccessControlListNotSupported, AccessDenied, InvalidArgument.
        """
        bucket_owner_id = naming.canonical_user_id(bucket.owner)
        owner = bucket.owner if _goes_to_bucket_owner(caller, bucket, request) else caller.account_id
        owner_id = naming.canonical_user_id(owner)
        grants = acl.of_headers(request, owner_id=owner_id, bucket_owner_id=bucket_owner_id)
        if grants is None:
            return "", owner
        public_access.check_acl(bucket, grants, owner_id=owner_id)
        wish = Wish("s3:PutObjectAcl", request["Key"], Acl(bucket.acl, bucket.owner, "WRITE"))
        self.check(caller, bucket, wish)
        return acl.dump(grants, owner_id=owner_id), owner


def _goes_to_bucket_owner(caller: Caller, bucket: Bucket, request: Request) -> bool:
    """Who owns a new object: without ownership controls, and for ObjectWriter, whoever writes it."""
    if caller.is_anonymous or bucket.ownership == public_access.OWNER_ENFORCED:
        return True
    given_away = request.get("ACL") == acl.BUCKET_OWNER_FULL_CONTROL
    return bucket.ownership == public_access.OWNER_PREFERRED and given_away


def check_expected_owner(bucket: Bucket, request: Request, member: str = "ExpectedBucketOwner") -> None:
    """Raises AccessDenied."""
    if request.get(member, bucket.owner) != bucket.owner:
        raise errors.AccessDenied


def check_version(request: Request, key: str) -> None:
    """Until buckets are versioned there is one version, `null`. Raises NoSuchVersion."""
    wanted = request.get("VersionId", NULL_VERSION)
    if wanted != NULL_VERSION:
        raise errors.NoSuchVersion(key, wanted)
