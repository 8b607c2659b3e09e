"""Publish and PublishBatch: check, then one transaction that appends to the log (`publish_store`)."""

import re
from typing import Any

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.sns import authorization, messages, publish_store
from lambent.services.sns.errors import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    InvalidParameter,
    TooManyEntriesInBatchRequest,
)
from lambent.services.sns.publish_store import Receipt
from lambent.services.sns.topic_meters import TopicMeters
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

MAX_BATCH = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")

#: The part of an ARN that a topic has and a device does not: `arn:aws:sns:us-east-1:1:orders` (Publish, TargetArn).
_DEVICE = ":endpoint/"


class PublishOperations:
    def __init__(self, database: Database, clock: Clock, ids: Ids, meters: TopicMeters) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._meters = meters

    async def publish(self, caller: Caller, request: Request) -> Result:
        topic_arn, parameter = _target(request)
        draft = messages.draft(request, caller.trace)
        message_id, now_ms = self._ids.uuid(), self._clock.now_ms()

        def write(tx: Transaction) -> Receipt:
            topic = authorization.topic_for(tx, caller, topic_arn, "Publish", parameter=parameter)
            messages.check_for_topic(draft, topic)
            return publish_store.publish(tx, topic, draft, message_id=message_id, now_ms=now_ms)

        receipt = await self._database.write(write)
        self._meters.published(topic_arn, draft.size)
        return _shown(receipt)

    async def publish_batch(self, caller: Caller, request: Request) -> Result:
        """All or nothing: what is wrong with one entry is wrong with the request, as at AWS."""
        entries = request["PublishBatchRequestEntries"]
        _check_entries(entries)
        drafts = [messages.draft(entry, caller.trace) for entry in entries]
        message_ids, now_ms = [self._ids.uuid() for _ in entries], self._clock.now_ms()

        def write(tx: Transaction) -> list[Receipt]:
            topic = authorization.topic_for(tx, caller, request["TopicArn"], "Publish")
            if sum(draft.size for draft in drafts) > topic.max_message_bytes:
                raise BatchRequestTooLong("The length of all the messages put together is more than the limit.")
            for draft in drafts:
                messages.check_for_topic(draft, topic)
            return [
                publish_store.publish(tx, topic, draft, message_id=message_id, now_ms=now_ms)
                for draft, message_id in zip(drafts, message_ids, strict=True)
            ]

        receipts = await self._database.write(write)
        for draft in drafts:
            self._meters.published(request["TopicArn"], draft.size)
        published = [{"Id": entry["Id"], **_shown(receipt)} for entry, receipt in zip(entries, receipts, strict=True)]
        return {"Successful": published, "Failed": []}


def _target(request: Request) -> tuple[str, str]:
    """(ARN of the topic, the parameter that names it). Raises InvalidParameter."""
    if request.get("PhoneNumber"):
        raise InvalidParameter(f"PhoneNumber Reason: {request['PhoneNumber']} is not valid to publish to")
    named = [(request[name], name) for name in ("TopicArn", "TargetArn") if name in request]
    if len(named) != 1:
        raise InvalidParameter("TopicArn or TargetArn Reason: no value for required parameter" if not named
                               else "TopicArn Reason: Both TopicArn and TargetArn are specified")  # fmt: skip
    [(arn, parameter)] = named
    if _DEVICE in arn:
        raise InvalidParameter(f"{parameter} Reason: No endpoint found for the target arn specified")
    return arn, parameter


def _check_entries(entries: list[Request]) -> None:
    if not entries:
        raise EmptyBatchRequest("The batch request doesn't contain any entries.")
    if len(entries) > MAX_BATCH:
        raise TooManyEntriesInBatchRequest("The batch request contains more entries than permissible.")
    ids = [entry["Id"] for entry in entries]
    if not all(_ENTRY_ID.fullmatch(one) for one in ids):
        raise InvalidBatchEntryId("The Id of a batch entry in a batch request doesn't abide by the specification.")
    if len(set(ids)) != len(ids):
        raise BatchEntryIdsNotDistinct("Two or more batch entries in the request have the same Id.")


def _shown(receipt: Receipt) -> Result:
    shown: Result = {"MessageId": receipt.message_id}
    if receipt.sequence_number:
        shown["SequenceNumber"] = receipt.sequence_number
    return shown
