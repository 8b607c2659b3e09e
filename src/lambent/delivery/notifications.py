"""Object notifications: changes of objects become asynchronous invocations, in one transaction with the checkpoint.

The changes are committed, so their functions need not wait until the invocations are as well: `start_early` may begin
with them at once. Should that commit fail, the same changes are decided on again, and the functions run twice.
"""

from collections.abc import Callable, Sequence

import orjson

from lambent.delivery.consumer import Consumer, Effects
from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.lambda_ import queue_store
from lambent.services.lambda_.queue_store import NewInvocation
from lambent.services.s3 import notifications as rules
from lambent.services.s3 import store
from lambent.services.s3.notifications import ChangeRecord
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

CONSUMER = "s3-notifications"

StartEarly = Callable[[Sequence[NewInvocation]], None]
"""`AsyncInvocations.start_early`."""


class Notifications:
    """The consumer of the log of object changes."""

    def __init__(self, *, database: Database, clock: Clock, ids: Ids, start_early: StartEarly) -> None:
        self._start_early = start_early
        self._database = database
        self._clock = clock
        self._ids = ids
        self._consumer = Consumer(database=database, clock=clock, log=rules.LOG, name=CONSUMER, decide=self._decide)

    async def run(self) -> None:
        await self._consumer.run()

    def _decide(self, records: Sequence[LogRecord]) -> Effects:
        changes = [ChangeRecord.from_bytes(record.payload) for record in records]
        wanted = self._database.read(lambda tx: self._invocations(tx, changes))
        now_ms = self._clock.now_ms()
        self._start_early(wanted)
        return lambda tx: queue_store.enqueue(tx, wanted, now_ms)

    def _invocations(self, tx: Transaction, changes: Sequence[ChangeRecord]) -> list[NewInvocation]:
        """By the configurations as they are now: what a bucket no longer wants is not sent."""
        wanted: list[NewInvocation] = []
        for change in changes:
            configuration = store.notification_configuration(tx, change.bucket)
            if configuration is None:
                continue
            wanted += [
                NewInvocation(
                    request_id=self._ids.uuid(),
                    function_arn=function.function_arn,
                    payload=orjson.dumps(rules.event(change, function.configuration_id)),
                    source=f"s3:{change.bucket}",
                    trace_id=change.trace_header,
                )
                for function in rules.matching(configuration, change)
            ]
        return wanted
