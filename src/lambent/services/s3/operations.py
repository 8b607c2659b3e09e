"""S3's operations by AWS's names: the class that dispatch calls.

Each family of operations stands in a module of its own (`object_operations`, `upload_operations`, ...); this one builds
them and shows them to the gateway as one object. `sweep` is called once at start, `site` serves the buckets' websites,
and `read_object` and `stream_object` are how other parts of the platform fetch an object for a caller.
"""

from collections.abc import Mapping
from typing import Any

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.s3.access_operations import AccessOperations
from lambent.services.s3.admission import Admission
from lambent.services.s3.bucket_operations import BucketOperations
from lambent.services.s3.changes import Changes
from lambent.services.s3.copy_operations import CopyOperations
from lambent.services.s3.data_plane import DataPlane
from lambent.services.s3.listing_operations import ListingOperations
from lambent.services.s3.notification_operations import NotificationOperations, Tell
from lambent.services.s3.object_operations import ObjectOperations
from lambent.services.s3.tagging_operations import TaggingOperations
from lambent.services.s3.upload_operations import UploadOperations
from lambent.services.s3.website_operations import PublicSite, WebsiteOperations
from lambent.storage.blobs import BlobStore
from lambent.storage.database import Database


class S3Operations:
    SERVED = frozenset(
        {
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateBucket",
            "CreateMultipartUpload",
            "DeleteBucket",
            "DeleteBucketOwnershipControls",
            "DeleteBucketPolicy",
            "DeleteBucketTagging",
            "DeleteBucketWebsite",
            "DeleteObject",
            "DeleteObjectTagging",
            "DeleteObjects",
            "DeletePublicAccessBlock",
            "GetBucketAcl",
            "GetBucketLocation",
            "GetBucketNotification",
            "GetBucketNotificationConfiguration",
            "GetBucketOwnershipControls",
            "GetBucketPolicy",
            "GetBucketPolicyStatus",
            "GetBucketTagging",
            "GetBucketVersioning",
            "GetBucketWebsite",
            "GetObject",
            "GetObjectAcl",
            "GetObjectAttributes",
            "GetObjectTagging",
            "GetPublicAccessBlock",
            "HeadBucket",
            "HeadObject",
            "ListBuckets",
            "ListMultipartUploads",
            "ListObjects",
            "ListObjectsV2",
            "ListParts",
            "PutBucketAcl",
            "PutBucketNotification",
            "PutBucketNotificationConfiguration",
            "PutBucketOwnershipControls",
            "PutBucketPolicy",
            "PutBucketTagging",
            "PutBucketWebsite",
            "PutObject",
            "PutObjectAcl",
            "PutObjectTagging",
            "PutPublicAccessBlock",
            "UploadPart",
            "UploadPartCopy",
        }
    )

    #: PutBucketNotification of 2015 and PutBucketNotificationConfiguration are one request on the wire; today's model,
    #: which both are decoded by, has forgotten the role that S3 invoked functions with.
    AMENDMENTS: Mapping[str, Any] = {
        "shapes": {
            "LambdaFunctionConfiguration": {"members": {"InvocationRole": {"shape": "CloudFunctionInvocationRole"}}}
        }
    }

    def __init__(self, *, database: Database, blobs: BlobStore, clock: Clock, ids: Ids, tell: Tell) -> None:
        admission = Admission(database, clock)
        data_plane = DataPlane(database, blobs)
        changes = Changes(database, data_plane, clock)
        self.sweep = data_plane.sweep
        self._add_buckets(
            BucketOperations(database, admission, data_plane, clock), ListingOperations(database, admission)
        )
        objects = ObjectOperations(database, admission, data_plane, changes)
        copies = CopyOperations(admission, data_plane, changes, objects)
        self._add_objects(objects, copies)
        self._add_uploads(UploadOperations(database, admission, data_plane, changes, objects, copies, clock, ids))
        self._add_access(AccessOperations(database, admission))
        self._add_tagging(TaggingOperations(database, admission))
        self._add_websites(WebsiteOperations(database, admission))
        self._add_notifications(NotificationOperations(database, admission, tell, clock, ids))
        self.site = PublicSite(database, admission, objects)

    def _add_buckets(self, buckets: BucketOperations, listings: ListingOperations) -> None:
        self.create_bucket = buckets.create_bucket
        self.head_bucket = buckets.head_bucket
        self.delete_bucket = buckets.delete_bucket
        self.list_buckets = buckets.list_buckets
        self.get_bucket_location = buckets.get_bucket_location
        self.get_bucket_versioning = buckets.get_bucket_versioning
        self.list_objects = listings.list_objects
        self.list_objects_v2 = listings.list_objects_v2

    def _add_objects(self, objects: ObjectOperations, copies: CopyOperations) -> None:
        self.put_object = objects.put_object
        self.get_object = objects.get_object
        self.head_object = objects.head_object
        self.get_object_attributes = objects.get_object_attributes
        self.delete_object = objects.delete_object
        self.delete_objects = objects.delete_objects
        self.read_object = objects.read_object
        self.stream_object = objects.stream_object
        self.copy_object = copies.copy_object

    def _add_uploads(self, uploads: UploadOperations) -> None:
        self.create_multipart_upload = uploads.create_multipart_upload
        self.upload_part = uploads.upload_part
        self.upload_part_copy = uploads.upload_part_copy
        self.complete_multipart_upload = uploads.complete_multipart_upload
        self.abort_multipart_upload = uploads.abort_multipart_upload
        self.list_parts = uploads.list_parts
        self.list_multipart_uploads = uploads.list_multipart_uploads

    def _add_access(self, access: AccessOperations) -> None:
        self.get_bucket_acl = access.get_bucket_acl
        self.put_bucket_acl = access.put_bucket_acl
        self.get_object_acl = access.get_object_acl
        self.put_object_acl = access.put_object_acl
        self.get_bucket_policy = access.get_bucket_policy
        self.put_bucket_policy = access.put_bucket_policy
        self.delete_bucket_policy = access.delete_bucket_policy
        self.get_bucket_policy_status = access.get_bucket_policy_status
        self.get_public_access_block = access.get_public_access_block
        self.put_public_access_block = access.put_public_access_block
        self.delete_public_access_block = access.delete_public_access_block
        self.get_bucket_ownership_controls = access.get_bucket_ownership_controls
        self.put_bucket_ownership_controls = access.put_bucket_ownership_controls
        self.delete_bucket_ownership_controls = access.delete_bucket_ownership_controls

    def _add_tagging(self, tagging: TaggingOperations) -> None:
        self.get_bucket_tagging = tagging.get_bucket_tagging
        self.put_bucket_tagging = tagging.put_bucket_tagging
        self.delete_bucket_tagging = tagging.delete_bucket_tagging
        self.get_object_tagging = tagging.get_object_tagging
        self.put_object_tagging = tagging.put_object_tagging
        self.delete_object_tagging = tagging.delete_object_tagging

    def _add_websites(self, websites: WebsiteOperations) -> None:
        self.get_bucket_website = websites.get_bucket_website
        self.put_bucket_website = websites.put_bucket_website
        self.delete_bucket_website = websites.delete_bucket_website

    def _add_notifications(self, notifications: NotificationOperations) -> None:
        self.get_bucket_notification = notifications.get_bucket_notification
        self.put_bucket_notification = notifications.put_bucket_notification
        self.get_bucket_notification_configuration = notifications.get_bucket_notification_configuration
        self.put_bucket_notification_configuration = notifications.put_bucket_notification_configuration
