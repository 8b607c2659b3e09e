"""How many more messages of a queue may be in flight, without counting them each time.

A count is good for as many messages as it left room for; only then is counted again. So a queue with few messages in
flight is hardly ever counted, and one near the limit at every call, which costs 120,000 index entries.
"""

from lambent.services.sqs import message_store
from lambent.services.sqs.errors import OverLimit
from lambent.services.sqs.queues import MAX_IN_FLIGHT, Queue
from lambent.storage.transaction import Transaction

#: Boxes whose room is remembered.
_REMEMBERED = 10_000


class InFlight:
    """Used in the writer's transactions only."""

    def __init__(self, limit: int = MAX_IN_FLIGHT) -> None:
        self._limit = limit
        self._room: dict[int, int] = {}

    def admit(self, tx: Transaction, queue: Queue, wanted: int, now_ms: int) -> int:
        """How many of `wanted` may be received. Raises OverLimit; a FIFO queue just gives none (API reference)."""
        room = self._room.get(queue.box_id, 0)
        if room < wanted:
            room = self._limit - message_store.count_in_flight(tx, queue.box_id, now_ms, self._limit)
        if room <= 0 and not queue.key.is_fifo:
            raise OverLimit("Too many messages in flight: delete messages after they are processed.")
        admitted = min(wanted, room)
        if len(self._room) >= _REMEMBERED:
            self._room.clear()
        self._room[queue.box_id] = room - admitted
        return admitted
