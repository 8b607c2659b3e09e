"""Dead letters: messages that were received too often move to another queue, in the transaction that finds out.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html. In a standard
queue a message keeps its age, in a FIFO queue it starts anew; its id stays.
"""

from dataclasses import replace
from typing import Self

import orjson

from lambent.kit import trace
from lambent.kit.frozen import frozen
from lambent.services.sqs import attributes, message_store, queues, store
from lambent.services.sqs.message_store import Found, Incoming
from lambent.services.sqs.queues import Queue
from lambent.storage import log
from lambent.storage.transaction import Transaction

#: The log of what was buried, for people who look.
BURIALS = "sqs-burials"


@frozen
class Burial:
    queue_arn: str
    dead_letter_arn: str
    message_id: str
    receive_count: int
    sent_ms: int
    trace: str

    def to_bytes(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        return cls(**orjson.loads(data))


def find_dead_letter_queue(tx: Transaction, queue: Queue) -> Queue | None:
    """None if the queue has none, or it is gone, or takes nothing from this one: then messages stay where they are."""
    dead_letters = queue.settings.dead_letters
    key = queues.parse_arn(dead_letters.target_arn) if dead_letters else None
    target = store.find_queue(tx, key) if key else None
    if target is None or not attributes.lets_redrive(target.attributes, queue.key.arn):
        return None
    return target


def bury(tx: Transaction, queue: Queue, target: Queue, found: Found, now_ms: int) -> None:
    """Move a message to the dead-letter queue. Of a FIFO queue, whoever calls looks after its group."""
    message_id, body, body_md5, details = message_store.read_content(tx, queue.box_id, found.position)
    message_store.remove(tx, queue.box_id, found.position)
    incoming = Incoming(
        message_id=message_id,
        body=body,
        body_md5=body_md5,
        details=replace(details, dead_letter_source=queue.key.arn),
        sent_ms=now_ms if queue.key.is_fifo else found.sent_ms,
        visible_ms=now_ms,
        receive_count=found.receive_count,
        first_ms=found.first_ms,
    )
    message_store.insert_messages(tx, target, (incoming,))
    burial = Burial(
        queue.key.arn, target.key.arn, message_id, found.receive_count, found.sent_ms, trace.accepted(details.trace)
    )
    log.append(tx, BURIALS, burial.to_bytes(), now_ms)


def move(tx: Transaction, source: Queue, target: Queue, found: Found, *, message_id: str, now_ms: int) -> None:
    """Redrive: "Redriven messages are considered new messages with a new messageID and enqueueTime"."""
    _, body, body_md5, details = message_store.read_content(tx, source.box_id, found.position)
    message_store.remove(tx, source.box_id, found.position)
    fresh = Incoming(
        message_id=message_id,
        body=body,
        body_md5=body_md5,
        details=replace(details, dead_letter_source=""),
        sent_ms=now_ms,
        visible_ms=now_ms + target.settings.delay_seconds * 1000,
    )
    message_store.insert_messages(tx, target, (fresh,))
