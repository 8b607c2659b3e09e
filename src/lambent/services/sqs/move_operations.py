"""Operations on message move tasks: dead letters back to their queues, or to another one. `upkeep` does the moving."""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.sqs import access, move_store, moves, queues, store
from lambent.services.sqs.errors import (
    InvalidParameterValue,
    ResourceNotFound,
    UnsupportedOperation,
    invalid_parameter,
)
from lambent.services.sqs.moves import ACTIVE, MAX_PER_SECOND, MoveStatus, MoveTask
from lambent.services.sqs.parts import QueueParts
from lambent.services.sqs.queues import Queue
from lambent.storage.transaction import Transaction

Document = dict[str, Any]

MAX_LISTED = 10


class MoveOperations:
    SERVED = frozenset({"CancelMessageMoveTask", "ListMessageMoveTasks", "StartMessageMoveTask"})

    def __init__(self, parts: QueueParts) -> None:
        self._parts = parts
        self._database = parts.database

    async def start_message_move_task(self, caller: Caller, request: Document) -> Document:
        source_arn, destination_arn = request["SourceArn"], request.get("DestinationArn") or ""
        per_second = request.get("MaxNumberOfMessagesPerSecond")
        if per_second is not None and not 1 <= per_second <= MAX_PER_SECOND:
            raise invalid_parameter(
                "MaxNumberOfMessagesPerSecond", per_second, f"Must be between 1 and {MAX_PER_SECOND}, if provided."
            )
        now_ms = self._parts.clock.now_ms()
        handle = moves.handle_of(self._parts.ids.uuid(), source_arn)

        def start(tx: Transaction) -> None:
            source = self._find(tx, caller, source_arn, "StartMessageMoveTask")
            if not store.list_sources(tx, source.key.arn, after="", limit=1):
                raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
            if destination_arn:
                target = self._find(tx, caller, destination_arn, "StartMessageMoveTask", named="DestinationArn")
                if target.key == source.key or target.key.is_fifo != source.key.is_fifo:
                    raise invalid_parameter(
                        "DestinationArn", destination_arn, "It must be another queue of the same type as the source."
                    )
            if any(task.status in ACTIVE for task in move_store.list_tasks(tx, source_arn, MAX_LISTED)):
                raise InvalidParameterValue(
                    "There is already a task running. Only one active task is allowed for a source queue arn at a "
                    "given time."
                )
            move_store.insert_task(
                tx,
                handle=handle,
                source=source,
                destination_arn=destination_arn,
                per_second=per_second or 0,
                now_ms=now_ms,
            )

        await self._database.write(start)
        return {"TaskHandle": handle}

    async def cancel_message_move_task(self, caller: Caller, request: Document) -> Document:
        handle = request["TaskHandle"]
        source_arn = moves.source_of(handle)

        def cancel(tx: Transaction) -> int:
            self._find(tx, caller, source_arn, "CancelMessageMoveTask")
            task = move_store.find_task(tx, handle)
            if task is None:
                raise ResourceNotFound("Task does not exist.")
            if task.status is not MoveStatus.RUNNING:
                raise UnsupportedOperation("Only active tasks can be cancelled.")
            move_store.set_status(tx, task, MoveStatus.CANCELLING)
            return task.moved

        return {"ApproximateNumberOfMessagesMoved": await self._database.write(cancel)}

    async def list_message_move_tasks(self, caller: Caller, request: Document) -> Document:
        source_arn, limit = request["SourceArn"], request.get("MaxResults")
        if limit is not None and not 1 <= limit <= MAX_LISTED:
            raise invalid_parameter("MaxResults", limit, "Value for parameter MaxResults must be between 1 and 10.")

        def look(tx: Transaction) -> list[MoveTask]:
            self._find(tx, caller, source_arn, "ListMessageMoveTasks")
            return move_store.list_tasks(tx, source_arn, limit or 1)

        return {"Results": [_describe(task) for task in self._database.read(look)]}

    def _find(self, tx: Transaction, caller: Caller, arn: str, action: str, *, named: str = "SourceArn") -> Queue:
        """`named`: the parameter that says which. Raises ResourceNotFound, AccessDenied."""
        key = queues.parse_arn(arn)
        queue = store.find_queue(tx, key) if key else None
        if queue is None:
            raise ResourceNotFound(f"The resource that you specified for the {named} parameter doesn't exist.")
        access.check(caller, queue, action, self._parts.clock.now())
        return queue


def _describe(task: MoveTask) -> Document:
    document: Document = {
        "Status": task.status.value,
        "SourceArn": task.source_arn,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started_ms,
    }
    optional = {
        "TaskHandle": task.handle if task.status is MoveStatus.RUNNING else "",
        "DestinationArn": task.destination_arn,
        "MaxNumberOfMessagesPerSecond": task.per_second,
        "FailureReason": task.failure,
    }
    return {**document, **{name: value for name, value in optional.items() if value}}
