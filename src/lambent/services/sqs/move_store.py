"""All SQL on message move tasks."""

from lambent.kit.ids import Ids
from lambent.services.sqs import fifo_store, message_store, queues, redrive_store, store
from lambent.services.sqs.message_store import Found
from lambent.services.sqs.moves import ACTIVE, KEPT_TASKS, MoveStatus, MoveTask
from lambent.services.sqs.queues import Queue
from lambent.storage.transaction import Row, Transaction

#: Announced when a task starts or is cancelled.
TOPIC = "sqs_move_task"

_COLUMNS = "task_id, handle, source_arn, destination_arn, per_second, status, started_ms, moved, to_move, failure"


def insert_task(
    tx: Transaction, *, handle: str, source: Queue, destination_arn: str, per_second: int, now_ms: int
) -> None:
    to_move = message_store.count_messages(tx, source.box_id, now_ms)["ApproximateNumberOfMessages"]
    tx.execute(
        "INSERT INTO sqs_move_task (handle, source_arn, destination_arn, per_second, status, started_ms, moved, "
        "to_move, failure) VALUES (?, ?, ?, ?, ?, ?, 0, ?, '')",
        (handle, source.key.arn, destination_arn, per_second, MoveStatus.RUNNING.value, now_ms, to_move),
    )
    tx.execute(
        "DELETE FROM sqs_move_task WHERE source_arn = ? AND task_id NOT IN (SELECT task_id FROM sqs_move_task "
        "WHERE source_arn = ? ORDER BY task_id DESC LIMIT ?)",
        (source.key.arn, source.key.arn, KEPT_TASKS),
    )
    tx.announce(TOPIC)


def list_tasks(tx: Transaction, source_arn: str, limit: int) -> list[MoveTask]:
    """The latest first."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM sqs_move_task WHERE source_arn = ? ORDER BY task_id DESC LIMIT ?",  # noqa: S608
        (source_arn, limit),
    )
    return [_task(row) for row in rows]


def find_task(tx: Transaction, handle: str) -> MoveTask | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM sqs_move_task WHERE handle = ?", (handle,))  # noqa: S608 - constants
    return _task(row) if row else None


def active_tasks(tx: Transaction) -> list[MoveTask]:
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM sqs_move_task WHERE status IN (?, ?) ORDER BY task_id",  # noqa: S608 - constants
        tuple(status.value for status in ACTIVE),
    )
    return [_task(row) for row in rows]


def set_status(tx: Transaction, task: MoveTask, status: MoveStatus, failure: str = "") -> None:
    tx.execute(
        "UPDATE sqs_move_task SET status = ?, failure = ? WHERE task_id = ?", (status.value, failure, task.task_id)
    )
    tx.announce(TOPIC)


def move_portion(tx: Transaction, handle: str, portion: int, now_ms: int, ids: Ids) -> MoveTask | None:
    """Move what may be moved now; the task as it is then, None if it has come to its end."""
    task = find_task(tx, handle)
    if task is None or task.status not in ACTIVE:
        return None
    if task.status is MoveStatus.CANCELLING:
        set_status(tx, task, MoveStatus.CANCELLED)
        return None
    key = queues.parse_arn(task.source_arn)
    source = store.find_queue(tx, key) if key else None
    if source is None:
        set_status(tx, task, MoveStatus.FAILED, "AWS.SimpleQueueService.NonExistentQueue")
        return None
    allowance = task.allowance(now_ms, portion)
    found = _movable(tx, source, now_ms, allowance) if allowance else []
    for one in found:
        failure = _move(tx, task, source, one, now_ms, ids)
        if failure:
            set_status(tx, task, MoveStatus.FAILED, failure)
            return None
        tx.execute("UPDATE sqs_move_task SET moved = moved + 1 WHERE task_id = ?", (task.task_id,))
    if allowance and not found:
        set_status(tx, task, MoveStatus.COMPLETED)
        return None
    return find_task(tx, handle)


def _movable(tx: Transaction, source: Queue, now_ms: int, limit: int) -> list[Found]:
    """Messages that could be received; of FIFO queues the head of a group each time."""
    if not source.key.is_fifo:
        return message_store.find_visible(tx, source.box_id, now_ms, limit)
    heads = [
        member
        for group_id in fifo_store.ready_groups(tx, source.box_id, now_ms, limit)
        for member in fifo_store.members(tx, source.box_id, group_id, after=0, limit=1)
    ]
    return [Found(one.position, one.receive_count, one.carried_count, one.sent_ms, one.first_ms) for one in heads]


def _move(tx: Transaction, task: MoveTask, source: Queue, found: Found, now_ms: int, ids: Ids) -> str:
    """Why it could not be done; "" if it was."""
    *_, details = message_store.read_content(tx, source.box_id, found.position)
    key = queues.parse_arn(task.destination_arn or details.dead_letter_source)
    target = store.find_queue(tx, key) if key else None
    if target is None:
        return "CouldNotDetermineMessageSource" if not key else "AWS.SimpleQueueService.NonExistentQueue"
    redrive_store.move(tx, source, target, found, message_id=ids.uuid(), now_ms=now_ms)
    if details.group_id and source.key.is_fifo:
        fifo_store.refresh(tx, source.box_id, details.group_id)
    return ""


def _task(row: Row) -> MoveTask:
    task_id, handle, source_arn, destination_arn, per_second, status, *rest = row
    return MoveTask(task_id, handle, source_arn, destination_arn, per_second, MoveStatus(status), *rest)
