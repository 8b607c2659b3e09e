"""The SQL of clearing away: boxes without a queue, messages that are too old; a portion per transaction."""

from lambent.services.sqs import fifo_store, message_store, store
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.storage.transaction import Transaction

#: Rows of one portion, so that no request waits for long behind one.
PORTION = 500


def clear_garbage(tx: Transaction) -> bool:
    """One portion of one box. False: there is none left."""
    row = tx.row("SELECT box_id FROM sqs_garbage ORDER BY box_id LIMIT 1")
    if row is None:
        return False
    box_id: int = row[0]
    positions = tx.rows(
        "SELECT position FROM sqs_content WHERE box_id = ? ORDER BY position LIMIT ?", (box_id, PORTION)
    )
    for (position,) in positions:
        message_store.remove(tx, box_id, position)
    groups = tx.rows("SELECT group_id FROM sqs_group WHERE box_id = ? LIMIT ?", (box_id, PORTION))
    for (group_id,) in groups:
        tx.execute("DELETE FROM sqs_group WHERE box_id = ? AND group_id = ?", (box_id, group_id))
    if not positions and not groups:
        tx.execute("DELETE FROM sqs_garbage WHERE box_id = ?", (box_id,))
    return True


def all_queues(tx: Transaction) -> list[QueueKey]:
    rows = tx.rows("SELECT account_id, region, name FROM sqs_queue ORDER BY queue_id")
    return [QueueKey(*row) for row in rows]


def trim(tx: Transaction, key: QueueKey, now_ms: int) -> bool:
    """Delete the oldest messages, as far as they are too old. False: the rest is not, or nothing is left.

    A dead letter keeps its age and may stand behind younger messages; those that are left are dropped when they would
    be received.
    """
    queue = store.find_queue(tx, key)
    if queue is None:
        return False
    before_ms = now_ms - queue.settings.retention_seconds * 1000
    rows = tx.rows(
        "SELECT position, sent_ms, group_id FROM sqs_message WHERE box_id = ? ORDER BY position LIMIT ?",
        (queue.box_id, PORTION),
    )
    groups: set[str] = set()
    for position, sent_ms, group_id in rows:
        if sent_ms > before_ms:
            _refresh(tx, queue, groups)
            return False
        message_store.remove(tx, queue.box_id, position)
        groups.add(group_id)
    _refresh(tx, queue, groups)
    return bool(rows)


def _refresh(tx: Transaction, queue: Queue, groups: set[str]) -> None:
    for group_id in groups - {""}:
        fifo_store.refresh(tx, queue.box_id, group_id)
