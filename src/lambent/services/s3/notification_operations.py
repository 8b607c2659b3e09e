"""Operations on a bucket's notification configuration, in today's form and in that of 2015; both keep the same rows.

S3 finds out whether it may tell a queue or topic by sending it a test event, here in the transaction that stores the
configuration; functions are only asked whether they are there and let S3 invoke them.
"""

from collections.abc import Callable
from typing import Any

import orjson

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.s3 import errors, notification_rules, notifications, store
from lambent.services.s3.admission import Admission
from lambent.services.s3.notifications import NotificationConfiguration, TargetKind
from lambent.services.s3.records import Bucket
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction
from lambent.wire import rest_xml

Request = dict[str, Any]
Result = dict[str, Any]


@frozen
class Telling:
    """What S3 wants to tell a target about a bucket."""

    target_arn: str
    bucket: str
    owner: str
    """Account id of the bucket's owner."""
    event: bytes
    """Of a test; b"" asks only whether the target could be told."""
    trace: str


Tell = Callable[[Transaction, Telling], str | None]
"""Sends it; why it cannot be sent, in words, if it cannot."""


class NotificationOperations:
    def __init__(self, database: Database, admission: Admission, tell: Tell, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._admission = admission
        self._tell = tell
        self._clock = clock
        self._ids = ids

    async def put_bucket_notification_configuration(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketNotification")
        document = request["NotificationConfiguration"]
        configuration = notification_rules.parse(document, self._ids.uuid)
        skips = bool(request.get("SkipDestinationValidation"))
        await self._put(caller, bucket, configuration, skips_validation=skips)
        return {}

    async def get_bucket_notification_configuration(self, caller: Caller, request: Request) -> Result:
        return notification_rules.to_document(self._configuration(caller, request))

    async def put_bucket_notification(self, caller: Caller, request: Request) -> Result:
        bucket = self._admission.bucket(caller, request, "s3:PutBucketNotification")
        configuration = notification_rules.parse_2015(request["NotificationConfiguration"], self._ids.uuid)
        await self._put(caller, bucket, configuration, skips_validation=False)
        return {}

    async def get_bucket_notification(self, caller: Caller, request: Request) -> Result:
        return notification_rules.to_document_2015(self._configuration(caller, request))

    def _configuration(self, caller: Caller, request: Request) -> NotificationConfiguration:
        bucket = self._admission.bucket(caller, request, "s3:GetBucketNotification")
        return _stored(bucket)

    async def _put(
        self, caller: Caller, bucket: Bucket, configuration: NotificationConfiguration, *, skips_validation: bool
    ) -> None:
        text = configuration.to_text() if configuration else None

        def put(tx: Transaction) -> None:
            if not skips_validation:
                self._try_targets(tx, caller, bucket, configuration)
            store.update_bucket_notification(tx, bucket.name, text)

        await self._admission.change_bucket(bucket.name, put)

    def _try_targets(
        self, tx: Transaction, caller: Caller, bucket: Bucket, configuration: NotificationConfiguration
    ) -> None:
        """Raises InvalidArgument for targets that are not there or do not let S3 tell them."""
        host_id = rest_xml.host_id(caller.request_id)
        test = notifications.test_event(bucket.name, caller.request_id, host_id, self._clock.now_ms())
        for target in {one.target_arn: one for one in configuration.targets}.values():
            event = b"" if target.kind is TargetKind.FUNCTION else orjson.dumps(test)
            refusal = self._tell(tx, Telling(target.target_arn, bucket.name, bucket.owner, event, caller.trace))
            if refusal is not None:
                raise errors.InvalidArgument(
                    "Unable to validate the following destination configurations",
                    name=target.target_arn,
                    value=refusal,
                )


def _stored(bucket: Bucket) -> NotificationConfiguration:
    return (
        NotificationConfiguration.from_text(bucket.notification) if bucket.notification else NotificationConfiguration()
    )
