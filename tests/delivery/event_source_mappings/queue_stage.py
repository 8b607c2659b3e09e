"""Mappings over queues on a `stage`: a real queue, virtual time, a function of the test."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from delivery.event_source_mappings.stage import FUNCTION_ARN, Behaviour, Function, Stage, accept, stage
from lambent.delivery.event_source_mappings import mappings
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.services.lambda_ import event_source_store
from lambent.services.lambda_.event_source_mappings import (
    NO_RECORDS,
    EventSourceMapping,
    Options,
    StartingPosition,
    State,
)
from lambent.services.sqs import message_store, receive_store, store
from lambent.services.sqs.contents import Draft
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.services.sqs.receive_store import Wish
from lambent.storage.transaction import Transaction

VISIBILITY_SECONDS = 30


@dataclass
class QueueStage:
    stage: Stage
    key: QueueKey

    @property
    def function(self) -> Function:
        return self.stage.function

    @property
    def clock(self) -> VirtualClock:
        return self.stage.clock

    @property
    def dead_key(self) -> QueueKey:
        return QueueKey(self.key.account_id, self.key.region, f"dead-{self.key.name}")

    async def make_queues(self, *, max_receives: int = 0, **attributes: str) -> None:
        """The queue, and its dead-letter queue if there are receives after which a message is one."""

        def make(tx: Transaction) -> None:
            if store.find_queue(tx, self.key) is not None:
                return
            given = {"VisibilityTimeout": str(VISIBILITY_SECONDS), **attributes}
            if max_receives:
                store.insert_queue(tx, self.dead_key, {}, {}, self.clock.now_ms())
                policy = {"deadLetterTargetArn": self.dead_key.arn, "maxReceiveCount": max_receives}
                given["RedrivePolicy"] = orjson.dumps(policy).decode()
            store.insert_queue(tx, self.key, given, {}, self.clock.now_ms())

        await self.stage.database.write(make)

    async def map(self, *, enabled: bool = True, **options: Any) -> str:
        mapping = EventSourceMapping(
            uuid=RandomIds().uuid(),
            account_id=self.key.account_id,
            region=self.key.region,
            source_arn=self.key.arn,
            function_arn=FUNCTION_ARN,
            generation=1,
            state=State.CREATING if enabled else State.DISABLED,
            last_result=NO_RECORDS,
            modified_ms=self.clock.now_ms(),
            options=Options(StartingPosition.TRIM_HORIZON, **{"batch_size": 10, **options}),
        )

        def insert(tx: Transaction) -> None:
            mappings.begin(tx, mapping, lambda _, __: None)
            event_source_store.insert_mapping(tx, mapping)

        await self.stage.database.write(insert)
        return mapping.uuid

    async def send(self, *bodies: str, group: str | None = None, trace: str = "", delay: int | None = None) -> None:
        drafts = [Draft(body, "me", trace=trace, group_id=group, delay_seconds=delay) for body in bodies]

        def send(tx: Transaction) -> None:
            queue = self.present(tx)
            for draft in drafts:
                message_store.send(tx, queue, draft, message_id=RandomIds().uuid(), now_ms=self.clock.now_ms())

        await self.stage.database.write(send)

    async def receive(self, limit: int = 10) -> list[str]:
        """As another consumer would."""
        taken = await self.stage.database.write(
            lambda tx: receive_store.receive(tx, self.present(tx), Wish(limit), self.clock.now_ms())
        )
        return [one.body for one in taken.messages]

    def is_any_visible(self) -> bool:
        now_ms = self.clock.now_ms()
        return self.stage.database.read(lambda tx: message_store.is_any_visible(tx, self.present(tx), now_ms))

    def waiting(self, key: QueueKey | None = None) -> list[str]:
        """Bodies of all messages that are in the queue, visible or not."""

        def look(tx: Transaction) -> list[str]:
            queue = store.find_queue(tx, key or self.key)
            if queue is None:
                return []
            rows = tx.rows("SELECT body FROM sqs_content WHERE box_id = ? ORDER BY position", (queue.box_id,))
            return [body for (body,) in rows]

        return self.stage.database.read(look)

    @property
    def dead(self) -> list[str]:
        return self.waiting(self.dead_key)

    @property
    def batches(self) -> list[list[str]]:
        """Bodies of every invocation's messages."""
        return [[record["body"] for record in event["Records"]] for event in self.function.events]

    @property
    def standing(self) -> dict[str, Any]:
        found: dict[str, Any] = self.stage.mappings.standings(self.key.account_id)[0]["queue"]
        return found

    def present(self, tx: Transaction) -> Queue:
        queue = store.find_queue(tx, self.key)
        assert queue is not None
        return queue


@contextlib.asynccontextmanager
async def queue_stage(
    directory: Path,
    behaviour: Behaviour = accept,
    *,
    fifo: bool = False,
    function: Function | None = None,
    clock: VirtualClock | None = None,
    max_receives: int = 0,
    **attributes: str,
) -> AsyncIterator[QueueStage]:
    """At the end everything is cancelled where it stands."""
    key = QueueKey("000000000000", "us-east-1", "q.fifo" if fifo else "q")
    function = function or Function(behaviour)
    function.source = f"sqs:{key.name}"
    async with stage(directory, function=function, clock=clock) as scene:
        found = QueueStage(scene, key)
        if fifo:
            attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes}
        await found.make_queues(max_receives=max_receives, **attributes)
        yield found


def failing_on(*bad: str) -> Behaviour:
    """Fails if one of these bodies is among the messages."""

    async def behaviour(event: dict[str, Any]) -> None:
        if any(record["body"] in bad for record in event["Records"]):
            raise ValueError("a bad message")

    return behaviour


def reporting(*bad: str) -> Behaviour:
    """Reports the messages with these bodies as failed."""

    async def behaviour(event: dict[str, Any]) -> Any:
        failed = [record["messageId"] for record in event["Records"] if record["body"] in bad]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    return behaviour
