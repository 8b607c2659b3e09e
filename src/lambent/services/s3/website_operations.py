"""Website hosting: the operations that configure it, and the site that anonymous visitors see.

`PublicSite` is what the gateway's website shell works with: it decides on one snapshot of the bucket, and reads the
object that the decision names as nobody in particular, so that nothing is ever served that is not public.
"""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.s3 import attributes, errors, naming, store, website
from lambent.services.s3.access import Acl, Wish
from lambent.services.s3.admission import Admission
from lambent.services.s3.object_operations import ObjectOperations
from lambent.services.s3.records import Bucket
from lambent.services.s3.website import Address, Decision, Found, LookedUp, WebsiteConfiguration
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class WebsiteOperations:
    def __init__(self, database: Database, admission: Admission) -> None:
        self._database = database
        self._admission = admission

    async def get_bucket_website(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketWebsite")
        if bucket.website is None:
            raise errors.NoSuchWebsiteConfiguration(bucket.name)
        return website.to_document(WebsiteConfiguration.from_text(bucket.website))

    async def put_bucket_website(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketWebsite")
        text = website.parse(request["WebsiteConfiguration"]).to_text()
        await self._admission.change_bucket(bucket.name, lambda tx: store.update_bucket_website(tx, bucket.name, text))
        return {}

    async def delete_bucket_website(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:DeleteBucketWebsite")
        await self._admission.change_bucket(bucket.name, lambda tx: store.update_bucket_website(tx, bucket.name, None))
        return {}


class PublicSite:
    """The websites of all buckets, as visitors see them."""

    def __init__(self, database: Database, admission: Admission, objects: ObjectOperations) -> None:
        self._database = database
        self._admission = admission
        self._objects = objects

    def exists(self, bucket: str) -> bool:
        """Whether there is a bucket of that name with a website configuration."""
        found = self._admission.find_bucket(bucket)
        return found is not None and found.website is not None

    def decide(self, bucket: str, key: str, address: Address, visitor: Caller) -> Decision:
        """What to answer to the path `key` (decoded, without its first slash); `visitor` is an anonymous caller.

        Raises NoSuchBucket, NoSuchWebsiteConfiguration.
        """
        found = self._admission.find_bucket(bucket)
        if found is None:
            raise errors.NoSuchBucket(bucket)
        if found.website is None:
            raise errors.NoSuchWebsiteConfiguration(bucket)
        configuration = WebsiteConfiguration.from_text(found.website)

        def work(tx: Transaction) -> Decision:
            wanted = website.candidates(configuration, key)
            objects = {candidate: self._look_up(tx, found, candidate, visitor) for candidate in wanted}
            return website.decide(configuration, key, objects, address)

        return self._database.read(work)

    async def read(self, bucket: str, key: str, visitor: Caller, conditions: Request) -> Result:
        """The object of a `Serve` decision as GetObject's result (Body included).

        `conditions` may have Range, IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince as GetObject takes them.
        Raises what GetObject raises.
        """
        result = await self._objects.get_object(visitor, {"Bucket": bucket, "Key": key, **conditions})
        result.pop("WebsiteRedirectLocation", None)
        return result

    def _look_up(self, tx: Transaction, bucket: Bucket, key: str, visitor: Caller) -> LookedUp:
        try:
            stored = store.find_object(tx, bucket.name, naming.key_bytes(key))
        except (errors.KeyTooLong, errors.InvalidArgument):
            return website.MISSING
        if stored is None:
            return website.MISSING
        wish = Wish("s3:GetObject", key, Acl(stored.acl, stored.owner, "READ"))
        if not self._admission.is_allowed(visitor, bucket, wish):
            return LookedUp(Found.PRIVATE)
        return LookedUp(Found.PUBLIC, attributes.load(stored.attributes).get("WebsiteRedirectLocation", ""))
