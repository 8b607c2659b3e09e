"""Operations on queues: create, look up, attributes, permissions, tags, purge, delete.

AWS makes a client wait 60 seconds before it may create a queue of the name of a deleted one (QueueDeletedRecently),
because deletions take that long there. Here they are done when they are answered, so nobody has to wait.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from lambent.services.caller import Caller
from lambent.services.sqs import access, attributes, message_store, page_tokens, permissions, store
from lambent.services.sqs.errors import (
    InvalidParameterValue,
    PurgeQueueInProgress,
    QueueNameExists,
    unknown_attribute,
)
from lambent.services.sqs.parts import QueueParts
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.storage.transaction import Transaction

Document = dict[str, Any]

EditPolicy = Callable[[str, QueueKey], str]
"""The policy there is, and whose it is -> the policy there shall be; "" is none."""

#: "Only one PurgeQueue operation is allowed every 60 seconds" (API reference).
PURGE_PAUSE_MS = 60_000

#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html
MAX_TAGS = 50


class QueueOperations:
    SERVED = frozenset(
        {
            "AddPermission",
            "CreateQueue",
            "DeleteQueue",
            "GetQueueAttributes",
            "GetQueueUrl",
            "ListDeadLetterSourceQueues",
            "ListQueueTags",
            "ListQueues",
            "PurgeQueue",
            "RemovePermission",
            "SetQueueAttributes",
            "TagQueue",
            "UntagQueue",
        }
    )

    def __init__(self, parts: QueueParts) -> None:
        self._parts = parts
        self._database = parts.database

    async def create_queue(self, caller: Caller, request: Document) -> Document:
        access.check_known(caller, "CreateQueue")
        key = QueueKey(caller.account_id, caller.region, request["QueueName"])
        given: Mapping[str, str] = request.get("Attributes") or {}
        tags: Mapping[str, str] = request.get("tags") or {}
        wanted = attributes.check_new(key, given)
        _check_tags(tags)
        now_ms = self._parts.clock.now_ms()

        def create(tx: Transaction) -> None:
            present = store.find_queue(tx, key)
            if present is not None:
                differing = attributes.differing(present, given)
                if differing:
                    raise QueueNameExists(
                        "A queue already exists with the same name and a different value for attribute " + differing
                    )
                return
            if "RedrivePolicy" in wanted:
                attributes.check_target(key, wanted, lambda other: store.find_queue(tx, other))
            store.insert_queue(tx, key, wanted, tags, now_ms)

        await self._database.write(create)
        return {"QueueUrl": key.url(caller.endpoint)}

    async def delete_queue(self, caller: Caller, request: Document) -> Document:
        await self._parts.change(caller, request["QueueUrl"], "DeleteQueue", store.delete_queue)
        return {}

    async def get_queue_url(self, caller: Caller, request: Document) -> Document:
        owner = request.get("QueueOwnerAWSAccountId") or caller.account_id
        key = QueueKey(owner, caller.region, request["QueueName"])
        self._parts.find(caller, key.url(""), "GetQueueUrl")
        return {"QueueUrl": key.url(caller.endpoint)}

    async def list_queues(self, caller: Caller, request: Document) -> Document:
        access.check_known(caller, "ListQueues")
        limit = page_tokens.page_size(request.get("MaxResults"))
        after = page_tokens.read_token(request.get("NextToken"))
        found = await self._database.scan(
            lambda tx: store.list_queues(
                tx,
                caller.account_id,
                caller.region,
                prefix=request.get("QueueNamePrefix") or "",
                after=after,
                limit=limit + 1,
            )
        )
        urls = [key.url(caller.endpoint) for key in found[:limit]]
        # "If you do not set MaxResults, the response includes a maximum of 1,000 results" and no token.
        is_paged = request.get("MaxResults") is not None and len(found) > limit
        document: Document = {"QueueUrls": urls} if urls else {}
        return {**document, "NextToken": page_tokens.write_token(found[limit - 1].name)} if is_paged else document

    async def list_dead_letter_source_queues(self, caller: Caller, request: Document) -> Document:
        queue = self._parts.find(caller, request["QueueUrl"], "ListDeadLetterSourceQueues")
        limit = page_tokens.page_size(request.get("MaxResults"))
        after = page_tokens.read_token(request.get("NextToken"))
        found = await self._database.scan(
            lambda tx: store.list_sources(tx, queue.key.arn, after=after, limit=limit + 1)
        )
        document: Document = {"queueUrls": [key.url(caller.endpoint) for key in found[:limit]]}
        if request.get("MaxResults") is not None and len(found) > limit:
            document["NextToken"] = page_tokens.write_token(found[limit - 1].name)
        return document

    async def get_queue_attributes(self, caller: Caller, request: Document) -> Document:
        queue = self._parts.find(caller, request["QueueUrl"], "GetQueueAttributes")
        names: list[str] = request.get("AttributeNames") or []
        for name in names:
            if name != "All" and name not in attributes.KNOWN:
                raise unknown_attribute(name)
        if not names:
            return {}
        counts: Mapping[str, int] = {}
        if "All" in names or any(name.startswith("Approximate") for name in names):
            now_ms = self._parts.clock.now_ms()
            counts = await self._database.scan(lambda tx: message_store.count_messages(tx, queue.box_id, now_ms))
        shown = attributes.shown(queue, counts)
        return {"Attributes": {name: shown[name] for name in shown if "All" in names or name in names}}

    async def set_queue_attributes(self, caller: Caller, request: Document) -> Document:
        given: Mapping[str, str] = request["Attributes"]
        now_ms = self._parts.clock.now_ms()

        def change(tx: Transaction, queue: Queue) -> None:
            is_fifo = queue.key.is_fifo
            attributes.refuse_change_of_kind(given, is_fifo=is_fifo)
            changed = attributes.changed(queue.attributes, given, is_fifo=is_fifo)
            if given.get("RedrivePolicy"):
                attributes.check_target(queue.key, changed, lambda other: store.find_queue(tx, other))
            store.set_attributes(tx, queue, changed, now_ms)
            delay = int(changed.get("DelaySeconds", 0))
            if is_fifo and delay != queue.settings.delay_seconds:
                message_store.set_delay_of_waiting(tx, queue, delay)

        await self._parts.change(caller, request["QueueUrl"], "SetQueueAttributes", change)
        return {}

    async def purge_queue(self, caller: Caller, request: Document) -> Document:
        now_ms = self._parts.clock.now_ms()

        def purge(tx: Transaction, queue: Queue) -> None:
            if queue.purged_ms and now_ms < queue.purged_ms + PURGE_PAUSE_MS:
                raise PurgeQueueInProgress(
                    f"Only one PurgeQueue operation on {queue.key.name} is allowed every 60 seconds."
                )
            store.empty_queue(tx, queue, now_ms)

        await self._parts.change(caller, request["QueueUrl"], "PurgeQueue", purge)
        return {}

    async def add_permission(self, caller: Caller, request: Document) -> Document:
        label, accounts, actions = request["Label"], request["AWSAccountIds"], request["Actions"]
        await self._change_policy(
            caller,
            request["QueueUrl"],
            "AddPermission",
            lambda policy, key: permissions.added(policy, key, label, accounts, actions),
        )
        return {}

    async def remove_permission(self, caller: Caller, request: Document) -> Document:
        await self._change_policy(
            caller,
            request["QueueUrl"],
            "RemovePermission",
            lambda policy, key: permissions.removed(policy, key, request["Label"]),
        )
        return {}

    async def tag_queue(self, caller: Caller, request: Document) -> Document:
        def tag(tx: Transaction, queue: Queue) -> None:
            tags = {**_tags(queue), **request["Tags"]}
            _check_tags(tags)
            store.set_tags(tx, queue, tags)

        await self._parts.change(caller, request["QueueUrl"], "TagQueue", tag)
        return {}

    async def untag_queue(self, caller: Caller, request: Document) -> Document:
        def untag(tx: Transaction, queue: Queue) -> None:
            store.set_tags(tx, queue, {k: v for k, v in _tags(queue).items() if k not in request["TagKeys"]})

        await self._parts.change(caller, request["QueueUrl"], "UntagQueue", untag)
        return {}

    async def list_queue_tags(self, caller: Caller, request: Document) -> Document:
        tags = _tags(self._parts.find(caller, request["QueueUrl"], "ListQueueTags"))
        return {"Tags": tags} if tags else {}

    async def _change_policy(self, caller: Caller, url: str, action: str, edit: EditPolicy) -> None:
        now_ms = self._parts.clock.now_ms()

        def change(tx: Transaction, queue: Queue) -> None:
            policy = edit(queue.policy, queue.key)
            changed = attributes.changed(queue.attributes, {"Policy": policy}, is_fifo=queue.key.is_fifo)
            store.set_attributes(tx, queue, changed, now_ms)

        await self._parts.change(caller, url, action, change)


def _tags(queue: Queue) -> dict[str, str]:
    found: dict[str, str] = orjson.loads(queue.tags)
    return found


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise InvalidParameterValue(f"Too many tags added for queue: {len(tags)}, the limit is {MAX_TAGS}.")
    for name, value in tags.items():
        if not 1 <= len(name) <= 128 or len(value) > 256 or name.lower().startswith("aws:"):
            raise InvalidParameterValue(
                f"Tag {name[:128]!r} is invalid: keys have 1 to 128 characters, values up to 256."
            )
