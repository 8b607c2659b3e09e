"""Burials: who looks at what happens is told of each message that was received too often.

Whoever receives moves such a message to the dead-letter queue (`sqs.redrive_store`), which no answer says: without it
the chain that `lambent events` shows would just end.
"""

from collections.abc import Sequence

from lambent.delivery.consumer import AfterCommit, Consumer, Effects
from lambent.kit import trace
from lambent.kit.arn import Arn
from lambent.kit.clock import Clock
from lambent.services.happenings import HappeningKind, Happenings
from lambent.services.sqs import redrive_store
from lambent.services.sqs.redrive_store import Burial
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

CONSUMER = "burials"


class Burials:
    """The consumer of the log of burials."""

    def __init__(self, *, database: Database, happenings: Happenings, clock: Clock) -> None:
        self._happenings = happenings
        self._consumer = Consumer(
            database=database, clock=clock, log=redrive_store.BURIALS, name=CONSUMER, decide=self._decide
        )

    async def run(self) -> None:
        await self._consumer.run()

    def _decide(self, records: Sequence[LogRecord]) -> Effects:
        def tell() -> None:
            for record in records:
                self._tell(Burial.from_bytes(record.payload), record.time_ms)

        def effects(_: Transaction) -> AfterCommit:
            return tell

        return effects

    def _tell(self, burial: Burial, time_ms: int) -> None:
        queue = Arn.parse(burial.queue_arn)
        times = "once" if burial.receive_count == 1 else f"{burial.receive_count} times"
        self._happenings.record_sent(
            HappeningKind.DISCARDED,
            time_ms=time_ms,
            source=f"sqs:{queue.resource}",
            target_arn=burial.dead_letter_arn,
            account_id=queue.account_id,
            detail=f"message {burial.message_id} was received {times} and never deleted (maxReceiveCount): it is now "
            f"in the dead-letter queue {burial.dead_letter_arn}",
            trace=burial.trace or trace.begin(burial.message_id, burial.sent_ms / 1000),
        )
