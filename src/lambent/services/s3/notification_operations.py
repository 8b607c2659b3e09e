"""Operations on a bucket's notification configuration, in today's form and in that of 2015; both keep the same rows."""

from collections.abc import Awaitable, Callable
from typing import Any

from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.s3 import errors, notification_rules, store
from lambent.services.s3.admission import Admission
from lambent.services.s3.notifications import NotificationConfiguration
from lambent.services.s3.records import Bucket
from lambent.storage.database import Database

Request = dict[str, Any]
Result = dict[str, Any]

MayNotify = Callable[[str, str, str], Awaitable[bool]]
"""(function ARN, bucket ARN, bucket owner's account id) -> whether the function is there and lets S3 invoke it."""


class NotificationOperations:
    def __init__(self, database: Database, admission: Admission, may_notify: MayNotify, ids: Ids) -> None:
        self._database = database
        self._admission = admission
        self._may_notify = may_notify
        self._ids = ids

    async def put_bucket_notification_configuration(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketNotification")
        document = request["NotificationConfiguration"]
        configuration = notification_rules.parse(document, self._ids.uuid)
        skips = bool(request.get("SkipDestinationValidation"))
        await self._put(bucket, configuration, skips_validation=skips)
        return {}

    async def get_bucket_notification_configuration(self, caller: Caller, request: Request) -> Result:
        return notification_rules.to_document(self._configuration(caller, request))

    async def put_bucket_notification(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketNotification")
        configuration = notification_rules.parse_2015(request["NotificationConfiguration"], self._ids.uuid)
        await self._put(bucket, configuration, skips_validation=False)
        return {}

    async def get_bucket_notification(self, caller: Caller, request: Request) -> Result:
        return notification_rules.to_document_2015(self._configuration(caller, request))

    def _configuration(self, caller: Caller, request: Request) -> NotificationConfiguration:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketNotification")
        return NotificationConfiguration.from_text(bucket.notification or "[]")

    async def _put(self, bucket: Bucket, configuration: NotificationConfiguration, *, skips_validation: bool) -> None:
        if not skips_validation:
            await self._check_destinations(bucket, configuration)
        text = configuration.to_text() if configuration.functions else None
        await self._admission.change_bucket(
            bucket.name, lambda tx: store.update_bucket_notification(tx, bucket.name, text)
        )

    async def _check_destinations(self, bucket: Bucket, configuration: NotificationConfiguration) -> None:
        """Raises InvalidArgument for functions that are not there or do not let S3 invoke them."""
        for arn in dict.fromkeys(function.function_arn for function in configuration.functions):
            if not await self._may_notify(arn, f"arn:aws:s3:::{bucket.name}", bucket.owner):
                raise errors.InvalidArgument(
                    "Unable to validate the following destination configurations", name=arn, value="null"
                )
