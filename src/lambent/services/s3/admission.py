"""Admission: the first step of every operation. Is there such a bucket, and may this caller do this to it?

What it hands out is a bucket row or an object row as it stood a moment ago; what an operation changes, it looks up
again inside its own transaction.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.services.caller import Caller
from lambent.services.s3 import access, acl, errors, naming, public_access, store
from lambent.services.s3.access import Acl, Wish
from lambent.services.s3.records import NULL_VERSION, Bucket, StoredObject
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

T = TypeVar("T")

Request = Mapping[str, Any]

#: Rows of buckets kept in memory; one takes about a kilobyte, more with a policy (at most 20).
BUCKETS_REMEMBERED = 4096


@frozen
class Found:
    bucket: Bucket
    stored: StoredObject
    data: bytes | None
    """The bytes of a small object."""


class Admission:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._remembered: dict[str, Bucket] = {}
        self._changing: Counter[str] = Counter()

    async def change_bucket(self, name: str, work: Callable[[Transaction], T]) -> T:
        """Every change of a bucket row goes through here; while it is under way the row is not remembered.

        A request that is cancelled meanwhile leaves the bucket marked as changing: whether its change was committed
        nobody knows, and looking the row up each time is always right.
        """
        self._changing[name] += 1
        self._remembered.pop(name, None)
        try:
            result = await self._database.write(work)
        except Exception:
            self._changed(name)
            raise
        self._changed(name)
        return result

    def _changed(self, name: str) -> None:
        self._changing[name] -= 1
        if self._changing[name] == 0:
            del self._changing[name]

    def find_bucket(self, name: str) -> Bucket | None:
        """Remembered, because every request asks."""
        bucket = self._remembered.get(name)
        if bucket is None:
            bucket = self._database.read(lambda tx: store.find_bucket(tx, name))
            if bucket is not None and name not in self._changing:
                if len(self._remembered) >= BUCKETS_REMEMBERED:
                    self._remembered.clear()
                self._remembered[name] = bucket
        return bucket

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
        bucket = self.find_bucket(request["Bucket"])
        if bucket is None:
            raise errors.NoSuchBucket(request["Bucket"])
        check_expected_owner(bucket, request)
        return bucket

    def object(self, caller: Caller, request: Request, action: str, *, permission: str | None = "READ") -> Found:
        """The object, if the caller may do `action` to it; `permission` is what its ACL would have to grant.

        Raises NoSuchBucket, NoSuchKey, NoSuchVersion, AccessDenied (also for a key that is not there, to callers who
        may not list the bucket: they shall not learn which keys exist).
        """
        bucket, key = self.bucket_alone(request), request["Key"]
        key_bytes = naming.key_bytes(key)
        stored, data = self._database.look_up(lambda tx: store.find_object_and_data(tx, bucket.name, key_bytes))
        if stored is None:
            self._check_may_miss(caller, bucket, Wish(action, key))
            check_version(request, key)
            raise errors.NoSuchKey(key)
        granted_by = Acl(stored.acl, stored.owner, permission) if permission else None
        self.check(caller, bucket, Wish(action, key, granted_by))
        check_version(request, key)
        return Found(bucket, stored, data)

    def _check_may_miss(self, caller: Caller, bucket: Bucket, wish: Wish) -> None:
        """Only who may list a bucket may learn that a key is not in it. Raises AccessDenied."""
        self.check(caller, bucket, Wish("s3:ListBucket", None, Acl(bucket.acl, bucket.owner, "READ")))
        if access.is_denied(caller, bucket, wish, now=self._clock.now()):
            raise errors.AccessDenied

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
