"""All SQL on messages: sending, receiving, deleting, and when they are visible.

Receiving costs what it returns, whatever waits: visible messages stand first in an index by the time from which they
may be received, and receiving moves them behind that of their timeout. FIFO queues go through their message groups
(`fifo_store`). Who is received too often goes to the dead-letter queue (`redrive_store`) in the same transaction.
"""

from collections.abc import Iterable, Iterator, Sequence

from lambent.kit.frozen import frozen
from lambent.services.sqs import contents, fifo_store, queues
from lambent.services.sqs.contents import Details, Draft
from lambent.services.sqs.errors import InvalidParameterValue, MessageNotInflight, invalid_parameter
from lambent.services.sqs.queues import Queue
from lambent.services.sqs.receipts import Receipt
from lambent.storage.transaction import Transaction


@frozen
class Sent:
    message_id: str
    body_md5: str
    position: int = 0
    """Of a message in a FIFO queue; of others nobody asks for it."""


@frozen
class Received:
    position: int
    receive_count: int
    sent_ms: int
    first_ms: int
    message_id: str
    body: str
    body_md5: str
    details: Details

    def receipt(self, box_id: int) -> Receipt:
        return Receipt(box_id, self.position, self.receive_count)


@frozen
class Found:
    """A message that may be received."""

    position: int
    receive_count: int
    carried_count: int
    sent_ms: int
    first_ms: int


@frozen
class Incoming:
    """A message on its way into a queue: a new one, or one from another queue."""

    message_id: str
    body: str
    body_md5: str
    details: Details
    sent_ms: int
    visible_ms: int
    receive_count: int = 0
    first_ms: int = 0


Content = tuple[str, str, str, Details]
"""Message id, body, its MD5, details."""

#: Contents read by one statement: who may take so many bytes and no more has read at most so many messages too many.
_READ_AT_ONCE = 16


def send(tx: Transaction, queue: Queue, draft: Draft, *, message_id: str, now_ms: int) -> Sent:
    """Of a FIFO queue's duplicate, what its original was answered. Raises ServiceError."""
    incoming = draw_up(draft, queue, message_id=message_id, now_ms=now_ms)
    details = incoming.details
    if not queue.key.is_fifo:
        return Sent(message_id, incoming.body_md5, insert_messages(tx, queue, (incoming,)))
    original = fifo_store.find_original(tx, queue, details.group_id, details.deduplication_id, now_ms)
    if original is not None:
        original_id, position = original
        return Sent(original_id, incoming.body_md5, position)
    position = insert_messages(tx, queue, (incoming,))
    fifo_store.note_original(
        tx, queue, details.group_id, details.deduplication_id, message_id=message_id, position=position, now_ms=now_ms
    )
    return Sent(message_id, incoming.body_md5, position)


def draw_up(draft: Draft, queue: Queue, *, message_id: str, now_ms: int) -> Incoming:
    """The message as the queue will have it. Raises ServiceError."""
    contents.check_against(draft, queue)
    details = Details(
        sender_id=draft.sender_id,
        attributes=draft.attributes,
        trace=draft.trace,
        group_id=draft.group_id or "",
        deduplication_id=contents.deduplication_id(draft) if queue.key.is_fifo else "",
    )
    delay = draft.delay_seconds if draft.delay_seconds is not None else queue.settings.delay_seconds
    visible_ms = now_ms + delay * 1000
    return Incoming(message_id, draft.body, contents.body_md5(draft.body), details, now_ms, visible_ms)


def insert_messages(tx: Transaction, queue: Queue, incoming: Sequence[Incoming]) -> int:
    """Behind all others of the queue, in this order; returns the position of the first."""
    row = tx.row(
        "UPDATE sqs_head SET position = position + ? WHERE queue_id = ? RETURNING position",
        (len(incoming), queue.queue_id),
    )
    assert row is not None
    first: int = row[0] - len(incoming) + 1
    is_fifo, box_id = queue.key.is_fifo, queue.box_id
    tx.execute_rows(
        "INSERT INTO sqs_message (box_id, position, visible_ms, receive_count, carried_count, group_id, sent_ms, "
        "first_ms, received_ms) VALUES (*)",
        [
            (
                *(box_id, position, one.visible_ms, one.receive_count, one.receive_count),
                *(one.details.group_id if is_fifo else "", one.sent_ms, one.first_ms, 0),
            )
            for position, one in enumerate(incoming, first)
        ],
    )
    tx.execute_rows(
        "INSERT INTO sqs_content (box_id, position, message_id, body, body_md5, details) VALUES (*)",
        [
            (box_id, position, one.message_id, one.body, one.body_md5, contents.dump(one.details))
            for position, one in enumerate(incoming, first)
        ],
    )
    if is_fifo:
        for position, one in enumerate(incoming, first):
            group_id, visible_ms = one.details.group_id, one.visible_ms
            fifo_store.note_arrival(tx, box_id, group_id, position=position, visible_ms=visible_ms)
    tx.announce(queue.topic)
    return first


def find_visible(tx: Transaction, box_id: int, now_ms: int, limit: int) -> list[Found]:
    """Of a standard queue, those that have waited longest."""
    rows = tx.rows(
        "SELECT position, receive_count, carried_count, sent_ms, first_ms FROM sqs_message "
        "WHERE box_id = ? AND visible_ms <= ? ORDER BY visible_ms, position LIMIT ?",
        (box_id, now_ms, limit),
    )
    return [Found(*row) for row in rows]


def take(
    tx: Transaction, box_id: int, found: Sequence[Found], *, visible_ms: int, now_ms: int, max_bytes: int | None = None
) -> list[Received]:
    """Make messages invisible until then, and read them: as many as have no more bytes together, but at least one."""
    received = list(_fitting(_read(tx, box_id, found, now_ms), max_bytes))
    tx.execute_rows(
        "UPDATE sqs_message SET visible_ms = ?, receive_count = receive_count + 1, "
        "first_ms = CASE WHEN first_ms = 0 THEN ? ELSE first_ms END, received_ms = ? "
        "WHERE box_id = ? AND position IN (VALUES (*))",
        [(one.position,) for one in received],
        (visible_ms, now_ms, now_ms, box_id),
    )
    return received


def _read(tx: Transaction, box_id: int, found: Sequence[Found], now_ms: int) -> Iterator[Received]:
    """As they are once they are received now, in their order."""
    for start in range(0, len(found), _READ_AT_ONCE):
        portion = found[start : start + _READ_AT_ONCE]
        content = _read_contents(tx, box_id, [one.position for one in portion])
        for one in portion:
            first_ms = one.first_ms or now_ms
            yield Received(one.position, one.receive_count + 1, one.sent_ms, first_ms, *content[one.position])


def _fitting(messages: Iterable[Received], max_bytes: int | None) -> Iterator[Received]:
    total = 0
    for number, one in enumerate(messages):
        total += len(one.body)
        if max_bytes is not None and number and total > max_bytes:
            return
        yield one


def read_content(tx: Transaction, box_id: int, position: int) -> Content:
    return _read_contents(tx, box_id, (position,))[position]


def _read_contents(tx: Transaction, box_id: int, positions: Sequence[int]) -> dict[int, Content]:
    """By position; every message has a content."""
    rows = tx.find_rows(
        "SELECT position, message_id, body, body_md5, details FROM sqs_content "
        "WHERE box_id = ? AND position IN (VALUES (*))",
        (box_id,),
        [(position,) for position in positions],
    )
    return {
        position: (message_id, body, body_md5, contents.load(details))
        for position, message_id, body, body_md5, details in rows
    }


def read_received(tx: Transaction, box_id: int, position: int) -> Received:
    """A message in flight, as it was received."""
    row = tx.row(
        "SELECT receive_count, sent_ms, first_ms FROM sqs_message WHERE box_id = ? AND position = ?", (box_id, position)
    )
    assert row is not None
    receive_count, sent_ms, first_ms = row
    return Received(position, receive_count, sent_ms, first_ms, *read_content(tx, box_id, position))


def remove(tx: Transaction, box_id: int, position: int) -> None:
    """Whoever removes a message of a FIFO queue looks after its group."""
    tx.execute("DELETE FROM sqs_message WHERE box_id = ? AND position = ?", (box_id, position))
    tx.execute("DELETE FROM sqs_content WHERE box_id = ? AND position = ?", (box_id, position))


def delete(tx: Transaction, queue: Queue, receipt: Receipt, *, handle: str, now_ms: int) -> bool:
    """False: nothing was deleted, because it is gone already or was received again since.

    "If you receive a message more than once, the ReceiptHandle is different each time [...] otherwise, the request
    succeeds, but the message will not be deleted" (API reference, DeleteMessage). Of a FIFO queue a handle whose
    timeout has run out is refused. Raises InvalidParameterValue.
    """
    row = tx.row(
        "SELECT visible_ms, receive_count, group_id FROM sqs_message WHERE box_id = ? AND position = ?",
        (queue.box_id, receipt.position),
    )
    if receipt.box_id != queue.box_id or row is None:
        return False
    visible_ms, receive_count, group_id = row
    is_latest = receive_count == receipt.receive_count
    if group_id and (not is_latest or visible_ms <= now_ms):
        raise invalid_parameter("ReceiptHandle", handle, "The receipt handle has expired.")
    if not is_latest:
        return False
    remove(tx, queue.box_id, receipt.position)
    if group_id:
        fifo_store.refresh(tx, queue.box_id, group_id)
        tx.announce(queue.topic)
    return True


def delete_latest(tx: Transaction, receipts: Sequence[Receipt]) -> int:
    """Those of many messages that have not been received again since; how many."""
    deleted = tx.find_rows(
        "DELETE FROM sqs_message WHERE (box_id, position, receive_count) IN (VALUES (*)) "
        "RETURNING box_id, position, group_id",
        (),
        [(one.box_id, one.position, one.receive_count) for one in receipts],
    )
    places = [(box_id, position) for box_id, position, _ in deleted]
    tx.execute_rows("DELETE FROM sqs_content WHERE (box_id, position) IN (VALUES (*))", places)
    for box_id, group_id in {(box_id, group_id) for box_id, _, group_id in deleted if group_id}:
        fifo_store.refresh(tx, box_id, group_id)
    return len(deleted)


def release_received(tx: Transaction, box_id: int, position: int, receive_count: int, now_ms: int) -> None:
    """What a poller of ours has received and will not handle: visible at once, as if it had not been."""
    row = tx.row(
        "UPDATE sqs_message SET visible_ms = ?, receive_count = receive_count - 1 "
        "WHERE box_id = ? AND position = ? AND receive_count = ? RETURNING group_id",
        (now_ms, box_id, position, receive_count),
    )
    if row is not None and row[0]:
        fifo_store.refresh(tx, box_id, row[0])


def change_visibility(
    tx: Transaction, queue: Queue, receipt: Receipt, *, handle: str, seconds: int, now_ms: int
) -> None:
    """Raises InvalidParameterValue, MessageNotInflight.

    Of a standard queue any handle of a message serves, whether its timeout has run out or the message was received
    again since (measured: AWS takes both); of a FIFO queue the latest one, as long as the message is in flight.
    """
    row = tx.row(
        "SELECT visible_ms, receive_count, received_ms, group_id FROM sqs_message WHERE box_id = ? AND position = ?",
        (queue.box_id, receipt.position),
    )
    is_late = queue.key.is_fifo and row is not None and row[1] != receipt.receive_count
    if receipt.box_id != queue.box_id or row is None or is_late:
        raise invalid_parameter(
            "ReceiptHandle",
            handle,
            "Message does not exist or is not available for visibility timeout change.",
        )
    visible_ms, _, received_ms, group_id = row
    if group_id and visible_ms <= now_ms:
        raise MessageNotInflight(f"Message with the receipt handle {handle} is not in flight.")
    if now_ms + seconds * 1000 > received_ms + queues.MAX_VISIBILITY_SECONDS * 1000:
        raise InvalidParameterValue(
            f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the "
            f"message is beyond the limit [{queues.MAX_VISIBILITY_SECONDS} seconds]."
        )
    set_visible(tx, queue.box_id, receipt.position, now_ms + seconds * 1000)
    if group_id:
        fifo_store.refresh(tx, queue.box_id, group_id)
    tx.announce(queue.topic)


def set_visible(tx: Transaction, box_id: int, position: int, visible_ms: int) -> None:
    tx.execute(
        "UPDATE sqs_message SET visible_ms = ? WHERE box_id = ? AND position = ?", (visible_ms, box_id, position)
    )


def is_any_visible(tx: Transaction, queue: Queue, now_ms: int) -> bool:
    due = next_visible_ms(tx, queue)
    return due is not None and due <= now_ms


def next_visible_ms(tx: Transaction, queue: Queue) -> int | None:
    """When a message may be received next, as far as one knows now; None: there is none at all."""
    if queue.key.is_fifo:
        return fifo_store.next_ready_ms(tx, queue.box_id)
    row = tx.row(
        "SELECT visible_ms FROM sqs_message WHERE box_id = ? ORDER BY visible_ms, position LIMIT 1", (queue.box_id,)
    )
    return row[0] if row else None


def count_in_flight(tx: Transaction, box_id: int, now_ms: int, limit: int) -> int:
    """At most `limit`."""
    row = tx.row(
        "SELECT COUNT(*) FROM (SELECT 1 FROM sqs_message WHERE box_id = ? AND visible_ms > ? AND receive_count > 0 "
        "LIMIT ?) AS found",
        (box_id, now_ms, limit),
    )
    assert row is not None
    return int(row[0])


def count_messages(tx: Transaction, box_id: int, now_ms: int) -> dict[str, int]:
    """The approximate numbers of GetQueueAttributes. Reads the whole index."""
    row = tx.row(
        "SELECT COUNT(*), SUM(visible_ms <= ?), SUM(visible_ms > ? AND receive_count > 0) FROM sqs_message "
        "WHERE box_id = ?",
        (now_ms, now_ms, box_id),
    )
    assert row is not None
    total, visible, in_flight = row[0], row[1] or 0, row[2] or 0
    return {
        "ApproximateNumberOfMessages": visible,
        "ApproximateNumberOfMessagesNotVisible": in_flight,
        "ApproximateNumberOfMessagesDelayed": total - visible - in_flight,
    }


def set_delay_of_waiting(tx: Transaction, queue: Queue, delay_seconds: int) -> None:
    """FIFO: "the queue delay [...] change is retroactive, affecting the delay of messages already in the queue"."""
    tx.execute(
        "UPDATE sqs_message SET visible_ms = sent_ms + ? WHERE box_id = ? AND receive_count = 0",
        (delay_seconds * 1000, queue.box_id),
    )
    fifo_store.refresh_all(tx, queue.box_id)
    tx.announce(queue.topic)
