"""Message move tasks: what one is, and the states it goes through.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import base64
import binascii
from enum import Enum

from lambent.kit.frozen import frozen
from lambent.services.sqs.errors import InvalidParameterValue

#: "The maximum value for messages per second is 500" (API reference).
MAX_PER_SECOND = 500

#: Tasks of a queue that are kept: ListMessageMoveTasks shows ten at most.
KEPT_TASKS = 10


class MoveStatus(Enum):
    """Values are AWS's."""

    #: Messages are on their way.
    RUNNING = "RUNNING"
    #: Cancelled; the portion under way still ends.
    CANCELLING = "CANCELLING"
    #: Stopped before all messages were moved.
    CANCELLED = "CANCELLED"
    #: There was nothing left to move.
    COMPLETED = "COMPLETED"
    #: A message could not be moved; `failure` says why.
    FAILED = "FAILED"


def handle_of(task_id: str, source_arn: str) -> str:
    return base64.b64encode(f"{task_id}:{source_arn}".encode()).decode()


def source_of(handle: str) -> str:
    """The queue that a task handle speaks of. Raises InvalidParameterValue."""
    try:
        task_id, colon, source_arn = base64.b64decode(handle, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        task_id = colon = source_arn = ""
    if not task_id or not colon:
        raise InvalidParameterValue("Value for parameter TaskHandle is invalid.")
    return source_arn


ACTIVE = frozenset({MoveStatus.RUNNING, MoveStatus.CANCELLING})


@frozen
class MoveTask:
    task_id: int
    handle: str
    source_arn: str
    destination_arn: str
    """"": back to the queue each message came from."""
    per_second: int
    """0: as fast as it goes."""
    status: MoveStatus
    started_ms: int
    moved: int
    to_move: int
    failure: str

    def allowance(self, now_ms: int, portion: int) -> int:
        """How many messages may be moved now, so that the rate is kept from the start on."""
        if not self.per_second:
            return portion
        due = (now_ms - self.started_ms) * self.per_second // 1000 + 1
        return max(0, min(portion, due - self.moved))

    def next_due_ms(self) -> int:
        """When the rate allows the next message."""
        return self.started_ms + -(-self.moved * 1000 // self.per_second) if self.per_second else 0
