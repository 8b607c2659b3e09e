"""Publishing: one transaction appends a message to the log, and for FIFO topics gives it its number, once.

Everything that publishes ends here: the operations, and `delivery.topic_target` for other services.
"""

from lambent.kit.frozen import frozen
from lambent.services.sns import messages
from lambent.services.sns.messages import Draft, Kind, Published
from lambent.services.sns.topics import Topic
from lambent.storage import log
from lambent.storage.transaction import Transaction

#: "the 5 minute minimum deduplication interval" (Publish).
DEDUPLICATION_MS = 5 * 60 * 1_000

#: Expired ids that one publish forgets: more than it adds.
_FORGOTTEN_AT_ONCE = 16


@frozen
class Receipt:
    message_id: str
    sequence_number: str
    """FIFO topics only."""


def publish(tx: Transaction, topic: Topic, draft: Draft, *, message_id: str, now_ms: int) -> Receipt:
    """What the topic has checked (`messages.check_for_topic`). A duplicate gets the first one's receipt."""
    if not topic.is_fifo:
        _append(tx, topic, draft, Receipt(message_id, ""), "", now_ms)
        return Receipt(message_id, "")
    deduplication_id = messages.deduplication_id(draft)
    scope = draft.group_id if topic.attribute("FifoThroughputScope") == "MessageGroup" else ""
    _forget_expired(tx, topic.arn, now_ms)
    known = _find_receipt(tx, topic.arn, scope, deduplication_id, now_ms)
    if known is not None:
        return known
    receipt = Receipt(message_id, messages.sequence_number(_next_number(tx, topic.arn)))
    tx.execute(
        "INSERT INTO sns_deduplication (topic_arn, scope, deduplication_id, message_id, sequence_number, expires_ms) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (topic_arn, scope, deduplication_id) DO UPDATE SET "
        "message_id = excluded.message_id, sequence_number = excluded.sequence_number, "
        "expires_ms = excluded.expires_ms",
        (topic.arn, scope, deduplication_id, message_id, receipt.sequence_number, now_ms + DEDUPLICATION_MS),
    )
    _append(tx, topic, draft, receipt, deduplication_id, now_ms)
    return receipt


def ask_for_confirmation(tx: Transaction, request: Published) -> None:
    """Send one of the two kinds that go to one subscription."""
    log.append(tx, messages.LOG, request.to_bytes(), request.time_ms)


def _append(tx: Transaction, topic: Topic, draft: Draft, receipt: Receipt, deduplication_id: str, now_ms: int) -> None:
    published = Published(
        kind=Kind.NOTIFICATION,
        topic_arn=topic.arn,
        message_id=receipt.message_id,
        time_ms=now_ms,
        message=draft.message if not draft.texts else "",
        texts=draft.texts,
        subject=draft.subject,
        attributes=draft.attributes,
        group_id=draft.group_id,
        deduplication_id=deduplication_id,
        sequence_number=receipt.sequence_number,
        trace=draft.trace,
    )
    log.append(tx, messages.LOG, published.to_bytes(), now_ms)


def _find_receipt(tx: Transaction, topic_arn: str, scope: str, deduplication_id: str, now_ms: int) -> Receipt | None:
    row = tx.row(
        "SELECT message_id, sequence_number FROM sns_deduplication "
        "WHERE topic_arn = ? AND scope = ? AND deduplication_id = ? AND expires_ms > ?",
        (topic_arn, scope, deduplication_id, now_ms),
    )
    return Receipt(*row) if row is not None else None


def _next_number(tx: Transaction, topic_arn: str) -> int:
    row = tx.row("UPDATE sns_topic SET sequence = sequence + 1 WHERE topic_arn = ? RETURNING sequence", (topic_arn,))
    assert row is not None
    number: int = row[0]
    return number


def _forget_expired(tx: Transaction, topic_arn: str, now_ms: int) -> None:
    tx.execute(
        "DELETE FROM sns_deduplication WHERE (topic_arn, scope, deduplication_id) IN "
        "(SELECT topic_arn, scope, deduplication_id FROM sns_deduplication WHERE topic_arn = ? AND expires_ms <= ? "
        "ORDER BY expires_ms LIMIT ?)",
        (topic_arn, now_ms, _FORGOTTEN_AT_ONCE),
    )
