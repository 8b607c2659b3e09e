"""What SQS's operations share: the database, who asks for which queue, the receiver, what is counted."""

from collections.abc import Callable
from typing import TypeVar

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.sqs import queues, store
from lambent.services.sqs.access import Approach
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

    def approach(self, caller: Caller, url: str, action: str) -> Approach:
        """Raises InvalidAddress."""
        return Approach(caller, queues.parse_url(url, caller.region), action, self.clock.now())

    def find(self, caller: Caller, url: str, action: str) -> Queue:
        """Raises QueueDoesNotExist, AccessDenied, InvalidAddress."""
        approach = self.approach(caller, url, action)
        return self.database.look_up(lambda tx: store.enter(tx, approach))

    async def change(self, caller: Caller, url: str, action: str, work: Callable[[Transaction, Queue], T]) -> T:
        """`work` on a queue, in one transaction with looking it up."""
        approach = self.approach(caller, url, action)
        return await self.database.write(lambda tx: work(tx, store.enter(tx, approach)))
