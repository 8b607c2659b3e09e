"""SQL of FIFO queues: message groups, deduplication, attempts at receiving.

A group is in order because it is received from its head on: `sqs_group` says when that is visible. It gives nothing
that stands behind a message in flight; messages that were received before always stand in front of those that were not.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

import orjson

from lambent.kit.frozen import frozen
from lambent.services.sqs.queues import Queue
from lambent.storage.transaction import Transaction

#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html
DEDUPLICATION_MS = 5 * 60 * 1000

#: Expired rows that each new one takes with it, so that there are never many more than live ones.
_FORGOTTEN_AT_ONCE = 4


@frozen
class GroupMember:
    position: int
    receive_count: int
    carried_count: int
    sent_ms: int
    first_ms: int
    visible_ms: int


@frozen
class Attempt:
    """A message that a ReceiveMessage returned, as it was left then."""

    position: int
    receive_count: int
    visible_ms: int


def find_original(
    tx: Transaction, queue: Queue, group_id: str, deduplication_id: str, now_ms: int
) -> tuple[str, int] | None:
    """(message id, position) of the message that a new one would repeat."""
    row = tx.row(
        "SELECT message_id, position, expires_ms FROM sqs_deduplication WHERE queue_id = ? AND scope = ? AND id = ?",
        (queue.queue_id, _scope(queue, group_id), deduplication_id),
    )
    return (row[0], row[1]) if row and row[2] > now_ms else None


def note_original(
    tx: Transaction,
    queue: Queue,
    group_id: str,
    deduplication_id: str,
    *,
    message_id: str,
    position: int,
    now_ms: int,
) -> None:
    tx.execute(
        "DELETE FROM sqs_deduplication WHERE queue_id = ? AND (scope, id) IN (SELECT scope, id FROM sqs_deduplication "
        "WHERE queue_id = ? AND expires_ms <= ? ORDER BY expires_ms LIMIT ?)",
        (queue.queue_id, queue.queue_id, now_ms, _FORGOTTEN_AT_ONCE),
    )
    tx.execute(
        "INSERT INTO sqs_deduplication (queue_id, scope, id, expires_ms, message_id, position) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (queue_id, scope, id) DO UPDATE SET "
        "expires_ms = excluded.expires_ms, message_id = excluded.message_id, position = excluded.position",
        (
            *(queue.queue_id, _scope(queue, group_id), deduplication_id, now_ms + DEDUPLICATION_MS),
            *(message_id, position),
        ),
    )


def _scope(queue: Queue, group_id: str) -> str:
    return group_id if queue.settings.deduplicates_by_group else ""


def note_arrival(tx: Transaction, box_id: int, group_id: str, *, position: int, visible_ms: int) -> None:
    """A message behind all others of its group: only the first one changes anything."""
    tx.execute(
        "INSERT INTO sqs_group (box_id, group_id, ready_ms, head) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (box_id, group_id) DO NOTHING",
        (box_id, group_id, visible_ms, position),
    )


def ready_groups(tx: Transaction, box_id: int, now_ms: int, limit: int) -> list[str]:
    """Those that have waited longest."""
    rows = tx.rows(
        "SELECT group_id FROM sqs_group WHERE box_id = ? AND ready_ms <= ? ORDER BY ready_ms, head LIMIT ?",
        (box_id, now_ms, limit),
    )
    return [group_id for (group_id,) in rows]


def members(tx: Transaction, box_id: int, group_id: str, *, after: int, limit: int) -> list[GroupMember]:
    """In order, from the first behind position `after`."""
    rows = tx.rows(
        "SELECT position, receive_count, carried_count, sent_ms, first_ms, visible_ms FROM sqs_message "
        "WHERE box_id = ? AND group_id = ? AND group_id <> '' AND position > ? ORDER BY position LIMIT ?",
        (box_id, group_id, after, limit),
    )
    return [GroupMember(*row) for row in rows]


def refresh(tx: Transaction, box_id: int, group_id: str) -> None:
    """After its messages have changed: when is the group ready, and with which message first?"""
    first = members(tx, box_id, group_id, after=0, limit=1)
    if not first:
        tx.execute("DELETE FROM sqs_group WHERE box_id = ? AND group_id = ?", (box_id, group_id))
        return
    [head] = first
    tx.execute(
        "INSERT INTO sqs_group (box_id, group_id, ready_ms, head) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (box_id, group_id) DO UPDATE SET ready_ms = excluded.ready_ms, head = excluded.head",
        (box_id, group_id, head.visible_ms, head.position),
    )


def refresh_all(tx: Transaction, box_id: int) -> None:
    for (group_id,) in tx.rows("SELECT group_id FROM sqs_group WHERE box_id = ?", (box_id,)):
        refresh(tx, box_id, group_id)


def next_ready_ms(tx: Transaction, box_id: int) -> int | None:
    row = tx.row("SELECT ready_ms FROM sqs_group WHERE box_id = ? ORDER BY ready_ms, head LIMIT 1", (box_id,))
    return row[0] if row else None


def find_attempt(tx: Transaction, queue: Queue, attempt_id: str, now_ms: int) -> list[Attempt]:
    row = tx.row(
        "SELECT receipts, expires_ms FROM sqs_receive_attempt WHERE queue_id = ? AND attempt_id = ?",
        (queue.queue_id, attempt_id),
    )
    if row is None or row[1] <= now_ms:
        return []
    return [Attempt(*one) for one in orjson.loads(row[0])]


def note_attempt(tx: Transaction, queue: Queue, attempt_id: str, receipts: list[Attempt], now_ms: int) -> None:
    tx.execute(
        "DELETE FROM sqs_receive_attempt WHERE queue_id = ? AND attempt_id IN (SELECT attempt_id FROM "
        "sqs_receive_attempt WHERE queue_id = ? AND expires_ms <= ? ORDER BY expires_ms LIMIT ?)",
        (queue.queue_id, queue.queue_id, now_ms, _FORGOTTEN_AT_ONCE),
    )
    dumped = orjson.dumps([[one.position, one.receive_count, one.visible_ms] for one in receipts]).decode()
    tx.execute(
        "INSERT INTO sqs_receive_attempt (queue_id, attempt_id, expires_ms, receipts) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (queue_id, attempt_id) DO UPDATE SET expires_ms = excluded.expires_ms, "
        "receipts = excluded.receipts",
        (queue.queue_id, attempt_id, now_ms + DEDUPLICATION_MS, dumped),
    )


def is_untouched(tx: Transaction, box_id: int, attempt: Attempt, now_ms: int) -> bool:
    """Still in flight, neither deleted nor changed in its visibility nor received anew."""
    row = tx.row(
        "SELECT receive_count, visible_ms FROM sqs_message WHERE box_id = ? AND position = ?",
        (box_id, attempt.position),
    )
    return row is not None and row[0] == attempt.receive_count and row[1] == attempt.visible_ms > now_ms
