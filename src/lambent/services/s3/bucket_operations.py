"""Operations on buckets as such: create, look, list, delete."""

from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.s3 import acl, attributes, errors, listing, naming, public_access, store, tagging
from lambent.services.s3.admission import Admission
from lambent.services.s3.data_plane import DataPlane
from lambent.services.s3.records import Bucket
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction
from lambent.wire.errors import NotImplementedYet

Request = dict[str, Any]
Result = dict[str, Any]

#: S3 user guide, "General purpose bucket quotas".
MAX_BUCKETS = 10_000


class BucketOperations:
    def __init__(self, database: Database, admission: Admission, data_plane: DataPlane, clock: Clock) -> None:
        self._database = database
        self._admission = admission
        self._data_plane = data_plane
        self._clock = clock

    async def create_bucket(self, caller: Caller, request: Request) -> Result:
        if caller.is_anonymous:
            raise errors.AccessDenied
        attributes.check_served(request)
        bucket = self._new_bucket(caller, request)

        def work(tx: Transaction) -> None:
            existing = store.find_bucket(tx, bucket.name)
            if existing is None:
                store.insert_bucket(tx, bucket)
            else:
                _create_again(tx, existing, bucket)

        await self._admission.change_bucket(bucket.name, work)
        is_global = bucket.region == naming.DEFAULT_REGION
        location = f"/{bucket.name}" if is_global else f"{caller.endpoint}/{bucket.name}"
        return {"Location": location, "BucketArn": f"arn:aws:s3:::{bucket.name}"}

    async def head_bucket(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:ListBucket", permission="READ")
        return {
            "BucketArn": f"arn:aws:s3:::{bucket.name}",
            "BucketRegion": bucket.region,
            "AccessPointAlias": False,
        }

    async def delete_bucket(self, caller: Caller, request: Request) -> Result:
        name = self._admission.bucket(caller, request, "s3:DeleteBucket").name

        def work(tx: Transaction) -> list[str]:
            if store.find_bucket(tx, name) is None:
                raise errors.NoSuchBucket(name)
            if store.bucket_has_objects(tx, name):
                raise errors.BucketNotEmpty(name)
            return store.delete_bucket(tx, name)

        self._data_plane.forget(await self._admission.change_bucket(name, work))
        return {}

    async def get_bucket_location(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketLocation")
        # us-east-1 is shown as an empty element, for historical reasons (GetBucketLocation in the API reference).
        return {"LocationConstraint": "" if bucket.region == naming.DEFAULT_REGION else bucket.region}

    async def get_bucket_versioning(self, caller: Caller, request: Request) -> Result:
        """Never versioned: an empty document."""
        self._admission.bucket(caller, request, "s3:GetBucketVersioning")
        return {}

    async def list_buckets(self, caller: Caller, request: Request) -> Result:
        if caller.is_anonymous:
            raise errors.AccessDenied
        limit = _bucket_limit(request.get("MaxBuckets"))
        prefix = request.get("Prefix", "")
        token = request.get("ContinuationToken")
        after = listing.after_token(token).decode(errors="replace") if token else ""
        found = await self._database.scan(
            lambda tx: store.list_buckets(
                tx, owner=caller.account_id, prefix=prefix, after=after, limit=MAX_BUCKETS + 1
            )
        )
        region = request.get("BucketRegion")
        chosen = [bucket for bucket in found if region in (None, bucket.region)]
        page = chosen[:limit]
        shows_region = not {"MaxBuckets", "Prefix", "ContinuationToken", "BucketRegion"}.isdisjoint(request)
        result: Result = {
            "Buckets": [_listed(bucket, shows_region=shows_region) for bucket in page],
            "Owner": {"ID": naming.canonical_user_id(caller.account_id)},
        }
        if "Prefix" in request:
            result["Prefix"] = prefix
        if len(chosen) > limit:
            result["ContinuationToken"] = listing.token_of(page[-1].name.encode())
        return result

    def _new_bucket(self, caller: Caller, request: Request) -> Bucket:
        """Raises InvalidBucketName, location errors, InvalidBucketAclWithObjectOwnership."""
        name = request["Bucket"]
        naming.check_bucket_name(name)
        configuration = request.get("CreateBucketConfiguration") or {}
        if configuration.get("Location") or configuration.get("Bucket"):
            raise NotImplementedYet("Directory buckets are not implemented.")
        if request.get("ObjectLockEnabledForBucket"):
            raise errors.UnsupportedHeader("x-amz-bucket-object-lock-enabled")
        if request.get("BucketNamespace") not in (None, "global"):
            raise errors.UnsupportedHeader("x-amz-bucket-namespace")
        owner_id = naming.canonical_user_id(caller.account_id)
        grants = acl.of_headers(request, owner_id=owner_id, bucket_owner_id=owner_id)
        ownership = public_access.check_ownership(request.get("ObjectOwnership") or public_access.OWNER_ENFORCED)
        if grants is not None and ownership == public_access.OWNER_ENFORCED:
            if not acl.suits_enforced_owner(grants, owner_id=owner_id):
                raise errors.InvalidBucketAclWithObjectOwnership
        elif grants is not None and acl.is_public(grants):
            # The new bucket's public access block is on, and it blocks public ACLs.
            raise errors.AccessDenied
        return Bucket(
            name=name,
            owner=caller.account_id,
            region=naming.bucket_region(configuration.get("LocationConstraint"), signed_for=caller.region),
            created_ms=self._clock.now_ms(),
            ownership=ownership,
            acl=acl.dump(grants, owner_id=owner_id) if grants else "",
            public_access_block=public_access.EVERYTHING.value,
            policy=None,
            tags=tagging.for_bucket(tagging.from_tag_set({"TagSet": configuration.get("Tags")})) or None,
            website=None,
            notification=None,
        )


def _create_again(tx: Transaction, existing: Bucket, wanted: Bucket) -> None:
    """In us-east-1 an owner may create a bucket twice: it succeeds and resets the ACL (CreateBucket, errors)."""
    if existing.owner != wanted.owner:
        raise errors.BucketAlreadyExists(wanted.name)
    if not existing.region == wanted.region == naming.DEFAULT_REGION:
        raise errors.BucketAlreadyOwnedByYou(wanted.name)
    store.update_bucket_acl(tx, wanted.name, wanted.acl)


def _bucket_limit(value: int | None) -> int:
    if value is None:
        return MAX_BUCKETS
    if not 1 <= value <= MAX_BUCKETS:
        raise errors.InvalidArgument(
            f"Argument max-buckets must be an integer between 1 and {MAX_BUCKETS}",
            name="max-buckets",
            value=str(value),
        )
    return value


def _listed(bucket: Bucket, *, shows_region: bool) -> Result:
    shown: Result = {
        "Name": bucket.name,
        "CreationDate": bucket.created_ms / 1000,
        "BucketArn": f"arn:aws:s3:::{bucket.name}",
    }
    if shows_region:
        shown["BucketRegion"] = bucket.region
    return shown
