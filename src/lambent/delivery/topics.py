"""Topics: what was published is brought to every subscription that wants it, in one transaction with the checkpoint.

The consumer of the log that `services.sns` appends to. Queues and functions have a message when that transaction is on
disk, in the order in which it was published; URLs get theirs from `parcels`, by `http_posts`. `topic_parcels` has the
rules.
"""

from collections.abc import Sequence

from lambent.delivery import parcel_meters, topic_parcels
from lambent.delivery.consumer import AfterCommit, Consumer, Portion
from lambent.delivery.message_signer import MessageSigner
from lambent.delivery.parcel_meters import Arrival
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import Carry, End, Fate, Owner, Parcels
from lambent.delivery.topic_parcels import Delivery
from lambent.kit.clock import Clock
from lambent.kit.meter import Meter
from lambent.services.sns import messages
from lambent.services.sns.envelopes import Signature
from lambent.services.sns.messages import Published
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

CONSUMER = "sns-fan-out"

#: Messages per transaction, and bytes of them: each may go to a thousand subscriptions.
MAX_BATCH = 32
MAX_BATCH_BYTES = 1_048_576


class Topics:
    def __init__(
        self,
        *,
        database: Database,
        sending: Parcels,
        carry: Carry,
        signer: MessageSigner,
        meter: Meter,
        clock: Clock,
    ) -> None:
        self._database = database
        self._meter = meter
        self._parcels = sending
        self._signer = signer
        self._clock = clock
        sending.register(Owner(topic_parcels.OWNER, topic_parcels.pause, topic_parcels.dead_letter, carry))
        self._consumer = Consumer(
            database=database,
            clock=clock,
            log=messages.LOG,
            name=CONSUMER,
            decide=self._decide,
            max_batch=MAX_BATCH,
            max_bytes=MAX_BATCH_BYTES,
        )

    async def run(self) -> None:
        await self._consumer.run()

    async def _decide(self, records: Sequence[LogRecord]) -> Portion:
        """A message is signed once, however many get it."""
        published = [Published.from_bytes(record.payload) for record in records]
        plan = await self._database.scan(lambda tx: topic_parcels.plan(tx, published))
        to_sign = [delivery.to_sign for delivery in plan.deliveries]
        signed = await self._signer.sign({one for one in to_sign if one is not None})
        signatures = [Signature(one[0], signed[one]) if one is not None else None for one in to_sign]
        signed_deliveries = list(zip(plan.deliveries, signatures, strict=True))
        return Portion(lambda tx: self._send(tx, signed_deliveries, plan.filtered), plan.count)

    def _send(
        self, tx: Transaction, signed: Sequence[tuple[Delivery, Signature | None]], filtered: Sequence[Delivery]
    ) -> AfterCommit:
        """Parcels are made one by one: together they may be large."""
        refused: list[tuple[Parcel, End]] = []
        arrivals: list[Arrival] = []
        for delivery, signature in signed:
            parcel = topic_parcels.parcel(delivery, signature)
            end = self._parcels.send(tx, parcel)
            if end.refusal is not None:
                refused.append((parcel, end))
            elif end.fate is Fate.TAKEN:
                arrivals.append(parcel_meters.arrival_of(parcel))

        def committed() -> None:
            self._parcels.count_arrivals(arrivals)
            self._parcels.report_all(refused)
            for delivery in filtered:
                parcel_meters.count_filtered(self._meter, delivery.topic.arn, topic_parcels.rejection(delivery))

        return committed
