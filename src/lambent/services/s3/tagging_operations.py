"""Operations on the tags of buckets and objects."""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.s3 import errors, store, tagging
from lambent.services.s3.admission import Admission
from lambent.storage.database import Database

Request = dict[str, Any]
Result = dict[str, Any]


class TaggingOperations:
    def __init__(self, database: Database, admission: Admission) -> None:
        self._database = database
        self._admission = admission

    async def get_bucket_tagging(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketTagging")
        if bucket.tags is None:
            raise errors.NoSuchTagSet(bucket.name)
        return {"TagSet": tagging.to_tag_set(bucket.tags)}

    async def put_bucket_tagging(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketTagging")
        tags = tagging.for_bucket(tagging.from_tag_set(request["Tagging"])) or None
        await self._admission.change_bucket(bucket.name, lambda tx: store.update_bucket_tags(tx, bucket.name, tags))
        return {"__status__": 204}

    async def delete_bucket_tagging(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketTagging")
        await self._admission.change_bucket(bucket.name, lambda tx: store.update_bucket_tags(tx, bucket.name, None))
        return {}

    async def get_object_tagging(self, caller: Caller, request: Request) -> Result:
        found = self._admission.object(caller, request, "s3:GetObjectTagging", permission=None)
        return {"TagSet": tagging.to_tag_set(found.stored.tags)}

    async def put_object_tagging(self, caller: Caller, request: Request) -> Result:
        tags = tagging.for_object(tagging.from_tag_set(request["Tagging"]))
        await self._replace(caller, request, "s3:PutObjectTagging", tags)
        return {}

    async def delete_object_tagging(self, caller: Caller, request: Request) -> Result:
        await self._replace(caller, request, "s3:DeleteObjectTagging", "")
        return {}

    async def _replace(self, caller: Caller, request: Request, action: str, tags: str) -> None:
        found = self._admission.object(caller, request, action, permission=None)
        name, key = found.bucket.name, found.stored.key
        await self._database.write(lambda tx: store.update_object_tags(tx, name, key, tags))
