"""Operations on messages: send, receive, delete, change visibility, singly and in batches.

A batch is one transaction whose entries fail each by itself: what is wrong with one is told in its place.
"""

from collections.abc import Callable
from typing import Any

from lambent.services.caller import Caller
from lambent.services.sqs import batches, contents, documents, message_store, queues, receipts, shared_store
from lambent.services.sqs.contents import Draft
from lambent.services.sqs.errors import invalid_parameter
from lambent.services.sqs.parts import QueueParts
from lambent.services.sqs.queues import Queue
from lambent.services.sqs.receipts import Receipt
from lambent.services.sqs.receive_store import Wish
from lambent.services.sqs.senders import sender_id
from lambent.services.sqs.shared_store import Deletion, Sending
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

Document = dict[str, Any]

MAX_RECEIVED = 10
MAX_WAIT_SECONDS = 20


class MessageOperations:
    SERVED = frozenset(
        {
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
        }
    )

    def __init__(self, parts: QueueParts) -> None:
        self._parts = parts

    async def send_message(self, caller: Caller, request: Document) -> Document:
        draft = self._draft(caller, request)
        approach = self._parts.approach(caller, request["QueueUrl"], "SendMessage")
        sending = Sending(approach, (draft,), (self._parts.ids.uuid(),), self._parts.clock.now_ms())
        queue, (sent,) = await self._parts.database.write_shared(shared_store.send_all, sending)
        if isinstance(sent, ServiceError):
            raise sent
        self._parts.meters.of(queue.key).sent(contents.size(draft))
        return documents.describe_sent(queue, draft, sent)

    async def send_message_batch(self, caller: Caller, request: Document) -> Document:
        entries: list[Document] = request["Entries"]
        self._parts.find(caller, request["QueueUrl"], "SendMessageBatch")
        batches.check_entries(entries, "SendMessageBatchRequestEntry")
        drafts = [self._drafted(caller, entry) for entry in entries]
        sizes = [contents.size(draft) if isinstance(draft, Draft) else 0 for draft in drafts]
        batches.check_size(sizes)
        approach = self._parts.approach(caller, request["QueueUrl"], "SendMessageBatch")
        message_ids = [self._parts.ids.uuid() for _ in entries]
        sending = Sending(approach, drafts, message_ids, self._parts.clock.now_ms(), is_batch=True)
        queue, outcomes = await self._parts.database.write_shared(shared_store.send_all, sending)

        def describe(place: int) -> Document:
            draft, sent = drafts[place], outcomes[place]
            if isinstance(draft, ServiceError):
                raise draft
            if isinstance(sent, ServiceError):
                raise sent
            return documents.describe_sent(queue, draft, sent)

        answer = _each(entries, describe)
        size_of = {entry["Id"]: size for entry, size in zip(entries, sizes, strict=True)}
        for one in answer["Successful"]:
            self._parts.meters.of(queue.key).sent(size_of[one["Id"]])
        return answer

    async def receive_message(self, caller: Caller, request: Document) -> Document:
        system = documents.asked_system_attributes(request)
        names: list[str] = request.get("MessageAttributeNames") or []
        attempt_id = request.get("ReceiveRequestAttemptId") or ""
        if attempt_id and not contents.is_token(attempt_id):
            raise invalid_parameter(
                "ReceiveRequestAttemptId",
                attempt_id[:200],
                "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
            )
        wish = Wish(
            limit=_within(request, "MaxNumberOfMessages", 1, MAX_RECEIVED, "Must be between 1 and 10, if provided.")
            or 1,
            visibility_seconds=_visibility(request, "Must be >= 0 and <= 43200, if provided."),
            attempt_id=attempt_id if queues.parse_url(request["QueueUrl"], caller.region).is_fifo else "",
        )
        wait = _within(request, "WaitTimeSeconds", 0, MAX_WAIT_SECONDS, "Must be >= 0 and <= 20, if provided.")
        approach = self._parts.approach(caller, request["QueueUrl"], "ReceiveMessage")
        delivery = await self._parts.receiver.receive(approach, wish, wait, has_left=caller.has_left)
        self._parts.meters.of(delivery.queue.key).received(len(delivery.messages))
        messages = [
            documents.describe_received(delivery.queue, one, system=system, names=names) for one in delivery.messages
        ]
        return {"Messages": messages} if messages else {}

    async def delete_message(self, caller: Caller, request: Document) -> Document:
        handle = request["ReceiptHandle"]
        receipt = receipts.read(handle)
        approach = self._parts.approach(caller, request["QueueUrl"], "DeleteMessage")
        deletion = Deletion(approach, (handle,), (receipt,), self._parts.clock.now_ms())
        queue, (refusal,) = await self._parts.database.write_shared(shared_store.delete_all, deletion)
        if refusal is not None:
            raise refusal
        self._parts.meters.of(queue.key).deleted()
        return {}

    async def delete_message_batch(self, caller: Caller, request: Document) -> Document:
        entries: list[Document] = request["Entries"]
        batches.check_entries(entries, "DeleteMessageBatchRequestEntry")
        handles = [entry["ReceiptHandle"] for entry in entries]
        approach = self._parts.approach(caller, request["QueueUrl"], "DeleteMessageBatch")
        deletion = Deletion(approach, handles, [_receipt(one) for one in handles], self._parts.clock.now_ms())
        queue, refusals = await self._parts.database.write_shared(shared_store.delete_all, deletion)

        def describe(place: int) -> Document:
            refusal = refusals[place]
            if refusal is not None:
                raise refusal
            return {}

        answer = _each(entries, describe)
        self._parts.meters.of(queue.key).deleted(len(answer["Successful"]))
        return answer

    async def change_message_visibility(self, caller: Caller, request: Document) -> Document:
        now_ms = self._parts.clock.now_ms()
        await self._parts.change(
            caller,
            request["QueueUrl"],
            "ChangeMessageVisibility",
            lambda tx, queue: _change_visibility(tx, queue, request, now_ms),
        )
        return {}

    async def change_message_visibility_batch(self, caller: Caller, request: Document) -> Document:
        entries: list[Document] = request["Entries"]
        batches.check_entries(entries, "ChangeMessageVisibilityBatchRequestEntry")
        now_ms = self._parts.clock.now_ms()

        def change(tx: Transaction, queue: Queue) -> Document:
            def change_one(place: int) -> Document:
                _change_visibility(tx, queue, entries[place], now_ms, _BATCH_VISIBILITY)
                return {}

            return _each(entries, change_one)

        return await self._parts.change(caller, request["QueueUrl"], "ChangeMessageVisibilityBatch", change)

    def _draft(self, caller: Caller, request: Document) -> Draft:
        return contents.draft_of(request, sender_id=sender_id(caller), trace=caller.trace)

    def _drafted(self, caller: Caller, entry: Document) -> Draft | ServiceError:
        try:
            return self._draft(caller, entry)
        except ServiceError as error:
            return error


def _receipt(handle: str) -> Receipt | ServiceError:
    try:
        return receipts.read(handle)
    except ServiceError as error:
        return error


#: AWS says it in two ways.
_ONE_VISIBILITY = "Must be between 0 and 43200."
_BATCH_VISIBILITY = "VisibilityTimeout must be an integer between 0 and 43200."


def _change_visibility(
    tx: Transaction, queue: Queue, request: Document, now_ms: int, reason: str = _ONE_VISIBILITY
) -> None:
    handle, seconds = request["ReceiptHandle"], _visibility(request, reason)
    receipt = receipts.read(handle)
    message_store.change_visibility(tx, queue, receipt, handle=handle, seconds=seconds or 0, now_ms=now_ms)


def _each(entries: list[Document], work: Callable[[int], Document]) -> Document:
    """The answer to a batch. What `work` raises it raises before it has written anything."""
    successful, failed = [], []
    for place, entry in enumerate(entries):
        try:
            successful.append({"Id": entry["Id"], **work(place)})
        except ServiceError as error:
            failed.append(batches.failure(entry["Id"], error))
    return {"Successful": successful, "Failed": failed}


def _visibility(request: Document, reason: str) -> int | None:
    return _within(request, "VisibilityTimeout", 0, queues.MAX_VISIBILITY_SECONDS, reason)


def _within(request: Document, name: str, low: int, high: int, reason: str) -> int | None:
    value: int | None = request.get(name)
    if value is not None and not low <= value <= high:
        raise invalid_parameter(name, value, reason)
    return value
