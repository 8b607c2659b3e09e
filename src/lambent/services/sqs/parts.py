"""What SQS's operations share: the database, who asks for which queue, the receiver, what is counted."""

from collections.abc import Callable
from typing import TypeVar

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.sqs import access, queues, store
from lambent.services.sqs.errors import QueueDoesNotExist
from lambent.services.sqs.queue_meters import QueueMeters
from lambent.services.sqs.queues import Queue
from lambent.services.sqs.receiving import Receiver
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

T = TypeVar("T")


@frozen
class QueueParts:
    database: Database
    receiver: Receiver
    meters: QueueMeters
    clock: Clock
    ids: Ids

    def finder(self, caller: Caller, url: str, action: str) -> Callable[[Transaction], Queue]:
        """Looks the queue up for an operation. It raises QueueDoesNotExist, AccessDenied; this InvalidAddress."""
        key, now = queues.parse_url(url, caller.region), self.clock.now()

        def find(tx: Transaction) -> Queue:
            queue = store.find_queue(tx, key)
            if queue is None:
                raise QueueDoesNotExist
            access.check(caller, queue, action, now)
            return queue

        return find

    def find(self, caller: Caller, url: str, action: str) -> Queue:
        """Raises QueueDoesNotExist, AccessDenied, InvalidAddress."""
        return self.database.read(self.finder(caller, url, action))

    async def change(self, caller: Caller, url: str, action: str, work: Callable[[Transaction, Queue], T]) -> T:
        """`work` on a queue, in one transaction with looking it up."""
        find = self.finder(caller, url, action)
        return await self.database.write(lambda tx: work(tx, find(tx)))
