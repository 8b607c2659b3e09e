"""Topics: what was published is brought to every subscription that wants it, in one transaction with the checkpoint.

The consumer of the log that `services.sns` appends to. Queues and functions have a message when that transaction is on
disk, in the order in which it was published; URLs get theirs from `parcels`, by `http_posts`. `topic_parcels` has the
rules.
"""

from collections.abc import Sequence

from lambent.delivery import topic_parcels
from lambent.delivery.consumer import AfterCommit, Consumer, Effects
from lambent.delivery.message_signer import MessageSigner
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import Carry, Owner, Parcels
from lambent.delivery.topic_parcels import Delivery
from lambent.kit.clock import Clock
from lambent.services.sns import messages
from lambent.services.sns.envelopes import Signature
from lambent.services.sns.messages import Published
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

CONSUMER = "sns-fan-out"

#: Messages per transaction: each may go to thousands of subscriptions.
MAX_BATCH = 64


class Topics:
    def __init__(
        self,
        *,
        database: Database,
        sending: Parcels,
        carry: Carry,
        signer: MessageSigner,
        clock: Clock,
    ) -> None:
        self._database = database
        self._parcels = sending
        self._signer = signer
        self._clock = clock
        sending.register(Owner(topic_parcels.OWNER, topic_parcels.pause, topic_parcels.dead_letter, carry))
        self._consumer = Consumer(
            database=database, clock=clock, log=messages.LOG, name=CONSUMER, decide=self._decide, max_batch=MAX_BATCH
        )

    async def run(self) -> None:
        await self._consumer.run()

    async def _decide(self, records: Sequence[LogRecord]) -> Effects:
        published = [Published.from_bytes(record.payload) for record in records]
        deliveries = await self._database.scan(lambda tx: topic_parcels.plan(tx, published))
        made = await self._make_parcels(deliveries)
        return lambda tx: self._send(tx, made)

    async def _make_parcels(self, deliveries: Sequence[Delivery]) -> list[Parcel]:
        """A message is signed once, however many get it."""
        to_sign = [delivery.to_sign for delivery in deliveries]
        signed = await self._signer.sign({one for one in to_sign if one is not None})
        return [
            topic_parcels.parcel(delivery, Signature(one[0], signed[one]) if one is not None else None)
            for delivery, one in zip(deliveries, to_sign, strict=True)
        ]

    def _send(self, tx: Transaction, made: Sequence[Parcel]) -> AfterCommit:
        ends = [(parcel, self._parcels.send(tx, parcel)) for parcel in made]
        return lambda: self._parcels.report_all(ends)
