"""Operations on who may do what: ACLs, bucket policy, public access block, ownership controls."""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.s3 import access, acl, errors, naming, policy, public_access, store
from lambent.services.s3.admission import Admission, check_version
from lambent.services.s3.public_access import Block
from lambent.services.s3.records import Bucket
from lambent.storage.database import Database
from lambent.wire.errors import MalformedXML

Request = dict[str, Any]
Result = dict[str, Any]


class AccessOperations:
    def __init__(self, database: Database, admission: Admission) -> None:
        self._database = database
        self._admission = admission

    # ACLs

    async def get_bucket_acl(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketAcl", permission="READ_ACP")
        return _shown_acl(bucket, bucket.acl, bucket.owner)

    async def put_bucket_acl(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketAcl", permission="WRITE_ACP")
        stored = _requested_acl(bucket, request, owner=bucket.owner)
        await self._admission.change_bucket(bucket.name, lambda tx: store.update_bucket_acl(tx, bucket.name, stored))
        return {}

    async def get_object_acl(self, caller: Caller, request: Request) -> Result:
        found = self._admission.object(caller, request, "s3:GetObjectAcl", permission="READ_ACP")
        return _shown_acl(found.bucket, found.stored.acl, found.stored.owner)

    async def put_object_acl(self, caller: Caller, request: Request) -> Result:
        found = self._admission.object(caller, request, "s3:PutObjectAcl", permission="WRITE_ACP")
        check_version(request, request["Key"])
        stored = _requested_acl(found.bucket, request, owner=found.stored.owner)
        name, key = found.bucket.name, found.stored.key
        await self._database.write(lambda tx: store.update_object_acl(tx, name, key, stored))
        return {}

    # Bucket policy

    async def get_bucket_policy(self, caller: Caller, request: Request) -> Result:
        bucket = self._policy_bucket(caller, request, "s3:GetBucketPolicy")
        if bucket.policy is None:
            raise errors.NoSuchBucketPolicy(bucket.name)
        return {"Policy": bucket.policy}

    async def put_bucket_policy(self, caller: Caller, request: Request) -> Result:
        bucket = self._policy_bucket(caller, request, "s3:PutBucketPolicy")
        text = request.get("Policy", "")  # an empty body is no member
        parsed = policy.parse_for_bucket(text, bucket.name)
        if parsed.is_public and public_access.blocks(bucket, Block.BLOCK_POLICY):
            raise errors.AccessDenied
        await self._admission.change_bucket(bucket.name, lambda tx: store.update_bucket_policy(tx, bucket.name, text))
        return {"__status__": 204}

    async def delete_bucket_policy(self, caller: Caller, request: Request) -> Result:
        bucket = self._policy_bucket(caller, request, "s3:DeleteBucketPolicy")
        await self._admission.change_bucket(bucket.name, lambda tx: store.update_bucket_policy(tx, bucket.name, None))
        return {}

    async def get_bucket_policy_status(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketPolicyStatus")
        if bucket.policy is None:
            raise errors.NoSuchBucketPolicy(bucket.name)
        is_public = policy.parse(bucket.policy).is_public and not public_access.blocks(bucket, Block.RESTRICT)
        return {"PolicyStatus": {"IsPublic": is_public}}

    def _policy_bucket(self, caller: Caller, request: Request, action: str) -> Bucket:
        """The account's root gets at the policy whatever the policy says; nobody locks themselves out for good."""
        bucket = self._admission.bucket_alone(request)
        if access.is_account_root(caller, bucket):
            return bucket
        bucket = self._admission.bucket(caller, request, action)
        if not access.is_owner(caller, bucket):
            raise errors.MethodNotAllowed("The specified method is not allowed against this resource.")
        return bucket

    # Public access block

    async def get_public_access_block(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketPublicAccessBlock")
        if bucket.public_access_block is None:
            raise errors.NoSuchPublicAccessBlockConfiguration(bucket.name)
        return {"PublicAccessBlockConfiguration": public_access.to_document(bucket.public_access_block)}

    async def put_public_access_block(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketPublicAccessBlock")
        bits = public_access.of_document(request["PublicAccessBlockConfiguration"]).value
        await self._admission.change_bucket(
            bucket.name, lambda tx: store.update_public_access_block(tx, bucket.name, bits)
        )
        return {}

    async def delete_public_access_block(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketPublicAccessBlock")
        await self._admission.change_bucket(
            bucket.name, lambda tx: store.update_public_access_block(tx, bucket.name, None)
        )
        return {}

    # Ownership controls

    async def get_bucket_ownership_controls(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketOwnershipControls")
        if bucket.ownership is None:
            raise errors.OwnershipControlsNotFound(bucket.name)
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": bucket.ownership}]}}

    async def put_bucket_ownership_controls(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketOwnershipControls")
        rules = request["OwnershipControls"].get("Rules") or []
        if len(rules) != 1:
            raise MalformedXML(
                "The XML you provided was not well-formed or did not validate against our published schema"
            )
        ownership = public_access.check_ownership(rules[0]["ObjectOwnership"])
        if ownership == public_access.OWNER_ENFORCED and bucket.acl:
            owner_id = naming.canonical_user_id(bucket.owner)
            if not acl.suits_enforced_owner(acl.load(bucket.acl, owner_id=owner_id), owner_id=owner_id):
                raise errors.InvalidBucketAclWithObjectOwnership
        await self._admission.change_bucket(
            bucket.name, lambda tx: store.update_bucket_ownership(tx, bucket.name, ownership)
        )
        return {}

    async def delete_bucket_ownership_controls(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketOwnershipControls")
        await self._admission.change_bucket(
            bucket.name, lambda tx: store.update_bucket_ownership(tx, bucket.name, None)
        )
        return {}


def _requested_acl(bucket: Bucket, request: Request, *, owner: str) -> str:
    """Of PutBucketAcl and PutObjectAcl, headers or document. Raises MalformedACL and what the bucket refuses."""
    owner_id = naming.canonical_user_id(owner)
    grants = acl.of_headers(request, owner_id=owner_id, bucket_owner_id=naming.canonical_user_id(bucket.owner))
    document = request.get("AccessControlPolicy")
    if grants is not None and document:
        raise errors.InvalidRequest("This request does not support content")
    if grants is None:
        if not document:
            raise errors.MissingSecurityHeader
        grants = acl.of_document(document, owner_id=owner_id)
    public_access.check_acl(bucket, grants, owner_id=owner_id)
    return acl.dump(grants, owner_id=owner_id)


def _shown_acl(bucket: Bucket, stored: str, owner: str) -> Result:
    """With ACLs disabled a list is shown as what counts: the owner's full control."""
    owner_id = naming.canonical_user_id(owner)
    if bucket.ownership == public_access.OWNER_ENFORCED:
        stored = ""
    return {"Owner": {"ID": owner_id}, "Grants": acl.to_document(acl.load(stored, owner_id=owner_id))}
