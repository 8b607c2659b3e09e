"""All SQL about queues themselves; their messages are in `message_store`."""

from collections.abc import Mapping

import orjson

from lambent.services.sqs.access import Approach
from lambent.services.sqs.queues import Queue, QueueKey, settings_of
from lambent.storage.transaction import Row, Transaction

_COLUMNS = "account_id, region, name, queue_id, box_id, attributes, tags, created_ms, modified_ms, purged_ms"


def find_queue(tx: Transaction, key: QueueKey) -> Queue | None:
    row = tx.row(
        f"SELECT {_COLUMNS} FROM sqs_queue WHERE account_id = ? AND region = ? AND name = ?",  # noqa: S608 - constants
        (key.account_id, key.region, key.name),
    )
    return _queue(row) if row else None


def enter(tx: Transaction, approach: Approach) -> Queue:
    """The queue that a request is for. Raises QueueDoesNotExist, AccessDenied."""
    return approach.admitted_to(find_queue(tx, approach.key))


def list_queues(
    tx: Transaction, account_id: str, region: str, *, prefix: str, after: str, limit: int
) -> list[QueueKey]:
    """In the order of their names, from the first behind `after`."""
    rows = tx.rows(
        "SELECT name FROM sqs_queue WHERE account_id = ? AND region = ? AND name > ? AND name >= ? "
        "AND SUBSTR(name, 1, ?) = ? ORDER BY name LIMIT ?",
        (account_id, region, after, prefix, len(prefix), prefix, limit),
    )
    return [QueueKey(account_id, region, name) for (name,) in rows]


def list_sources(tx: Transaction, dead_letter_arn: str, *, after: str, limit: int) -> list[QueueKey]:
    """Queues whose dead letters go to that one."""
    rows = tx.rows(
        "SELECT account_id, region, name FROM sqs_queue WHERE dead_letter_arn = ? AND dead_letter_arn <> '' "
        "AND name > ? ORDER BY name LIMIT ?",
        (dead_letter_arn, after, limit),
    )
    return [QueueKey(*row) for row in rows]


def insert_queue(
    tx: Transaction, key: QueueKey, attributes: Mapping[str, str], tags: Mapping[str, str], now_ms: int
) -> Queue:
    stored, dumped_tags = _dump(attributes), _dump(tags)
    queue_id, box_id = _new_id(tx), _new_id(tx)
    tx.execute(
        f"INSERT INTO sqs_queue ({_COLUMNS}, dead_letter_arn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",  # noqa: S608
        (*key, queue_id, box_id, stored, dumped_tags, now_ms, now_ms, _dead_letter_arn(stored)),
    )
    tx.execute("INSERT INTO sqs_head (queue_id, position) VALUES (?, 0)", (queue_id,))
    tx.announce(key.topic)
    return Queue(key, queue_id, box_id, stored, dumped_tags, now_ms, now_ms, 0)


def set_attributes(tx: Transaction, queue: Queue, attributes: Mapping[str, str], now_ms: int) -> None:
    stored = _dump(attributes)
    tx.execute(
        "UPDATE sqs_queue SET attributes = ?, dead_letter_arn = ?, modified_ms = ? WHERE queue_id = ?",
        (stored, _dead_letter_arn(stored), now_ms, queue.queue_id),
    )
    tx.announce(queue.topic)


def set_tags(tx: Transaction, queue: Queue, tags: Mapping[str, str]) -> None:
    tx.execute("UPDATE sqs_queue SET tags = ? WHERE queue_id = ?", (_dump(tags), queue.queue_id))


def empty_queue(tx: Transaction, queue: Queue, now_ms: int) -> None:
    """All its messages are gone at once: it gets a new box, the old one becomes garbage."""
    tx.execute(
        "UPDATE sqs_queue SET box_id = ?, purged_ms = ? WHERE queue_id = ?", (_new_id(tx), now_ms, queue.queue_id)
    )
    _discard_box(tx, queue)


def delete_queue(tx: Transaction, queue: Queue) -> None:
    tx.execute("DELETE FROM sqs_queue WHERE queue_id = ?", (queue.queue_id,))
    tx.execute("DELETE FROM sqs_head WHERE queue_id = ?", (queue.queue_id,))
    tx.execute("DELETE FROM sqs_deduplication WHERE queue_id = ?", (queue.queue_id,))
    tx.execute("DELETE FROM sqs_receive_attempt WHERE queue_id = ?", (queue.queue_id,))
    tx.execute("DELETE FROM sqs_move_task WHERE source_arn = ?", (queue.key.arn,))
    _discard_box(tx, queue)
    tx.announce(queue.topic)


#: Announced when there is something to clear away.
GARBAGE_TOPIC = "sqs_garbage"


def _discard_box(tx: Transaction, queue: Queue) -> None:
    tx.execute("INSERT INTO sqs_garbage (box_id) VALUES (?)", (queue.box_id,))
    tx.announce(GARBAGE_TOPIC)


def _new_id(tx: Transaction) -> int:
    row = tx.row("UPDATE sqs_identity SET next_id = next_id + 1 RETURNING next_id")
    assert row is not None
    return int(row[0]) - 1


def _dump(document: Mapping[str, str]) -> str:
    return orjson.dumps(dict(document)).decode()


def _dead_letter_arn(stored: str) -> str:
    dead_letters = settings_of(stored).dead_letters
    return dead_letters.target_arn if dead_letters else ""


def _queue(row: Row) -> Queue:
    account_id, region, name, *rest = row
    return Queue(QueueKey(account_id, region, name), *rest)
