"""How many messages queues hold, all of them at once. Reads the whole index: for a thread, and not often."""

from typing import NamedTuple

from lambent.services.sqs.queues import QueueKey
from lambent.storage.transaction import Transaction


class Depth(NamedTuple):
    """Of one queue."""

    visible: int = 0
    in_flight: int = 0
    delayed: int = 0
    oldest_ms: int | None = None
    """When the oldest message that is not delayed was sent."""
    groups_in_flight: int = 0
    """Of a FIFO queue."""


def depths(tx: Transaction, now_ms: int) -> dict[QueueKey, Depth]:
    """Of the queues that hold messages."""
    rows = tx.rows(
        "SELECT q.account_id, q.region, q.name, COUNT(*),"
        " SUM(CASE WHEN m.visible_ms <= ? THEN 1 ELSE 0 END),"
        " SUM(CASE WHEN m.visible_ms > ? AND m.receive_count > 0 THEN 1 ELSE 0 END),"
        " MIN(CASE WHEN m.visible_ms <= ? OR m.receive_count > 0 THEN m.sent_ms END),"
        " COUNT(DISTINCT CASE WHEN m.group_id <> '' AND m.visible_ms > ? AND m.receive_count > 0 THEN m.group_id END)"
        " FROM sqs_queue AS q JOIN sqs_message AS m ON m.box_id = q.box_id GROUP BY q.account_id, q.region, q.name",
        (now_ms, now_ms, now_ms, now_ms),
    )
    return {
        QueueKey(account_id, region, name): Depth(visible, in_flight, total - visible - in_flight, oldest_ms, groups)
        for account_id, region, name, total, visible, in_flight, oldest_ms, groups in rows
    }
