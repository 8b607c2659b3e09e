"""Object notifications: changes of objects are told to functions, queues, topics and buses, with the checkpoint.

The changes are committed, so their functions need not wait until the invocations are as well: `start_early` may begin
with them at once. Should that commit fail, the same changes are decided on again, and the functions run twice. What a
queue, topic or bus refuses is tried again for a while (`parcels`); AWS does not say how often S3 does.
"""

from collections.abc import Callable, Sequence
from dataclasses import field

import orjson

from lambent.delivery import function_target
from lambent.delivery.consumer import AfterCommit, Consumer, Effects
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import Owner, Parcels
from lambent.delivery.targets import Message, Moment, Refused, Sender, Targets
from lambent.kit.arn import Arn
from lambent.kit.clock import Clock
from lambent.kit.frozen import mutable
from lambent.kit.ids import Ids
from lambent.services.lambda_ import queue_store
from lambent.services.lambda_.queue_store import NewInvocation
from lambent.services.s3 import notifications as rules
from lambent.services.s3 import store
from lambent.services.s3.notification_operations import Tell, Telling
from lambent.services.s3.notifications import ChangeRecord, Notification, TargetKind
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

CONSUMER = "s3-notifications"

#: Who keeps parcels, and whose name policies know.
OWNER = "s3"
SERVICE = "s3.amazonaws.com"

SUBJECT = "Amazon S3 Notification"

PAUSES_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)

StartEarly = Callable[[Sequence[NewInvocation]], None]
"""`AsyncInvocations.start_early`."""


@mutable
class _Wanted:
    """What a batch of changes sets off."""

    invocations: list[NewInvocation] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


class Notifications:
    """The consumer of the log of object changes."""

    def __init__(
        self, *, database: Database, parcels: Parcels, clock: Clock, ids: Ids, start_early: StartEarly
    ) -> None:
        self._start_early = start_early
        self._database = database
        self._parcels = parcels
        self._clock = clock
        self._ids = ids
        self._consumer = Consumer(database=database, clock=clock, log=rules.LOG, name=CONSUMER, decide=self._decide)

    async def run(self) -> None:
        await self._consumer.run()

    def _decide(self, records: Sequence[LogRecord]) -> Effects:
        changes = [ChangeRecord.from_bytes(record.payload) for record in records]
        wanted = self._database.read(lambda tx: self._wanted(tx, changes))
        now_ms = self._clock.now_ms()
        self._start_early(wanted.invocations)

        def effects(tx: Transaction) -> AfterCommit:
            queue_store.enqueue(tx, wanted.invocations, now_ms)
            parcels = [Parcel(OWNER, message, now_ms, {}) for message in wanted.messages]
            ends = [(parcel, self._parcels.send(tx, parcel)) for parcel in parcels]
            return lambda: self._parcels.report_all(ends)

        return effects

    def _wanted(self, tx: Transaction, changes: Sequence[ChangeRecord]) -> _Wanted:
        """By the configurations as they are now: what a bucket no longer wants is not sent."""
        wanted = _Wanted()
        for change in changes:
            configuration = store.notification_configuration(tx, change.bucket)
            if configuration is None:
                continue
            for target in rules.matching(configuration, change):
                if target.kind is TargetKind.FUNCTION:
                    wanted.invocations.append(self._invocation(change, target))
                else:
                    wanted.messages.append(_message(change, target))
            if configuration.to_bus:
                wanted.messages.append(_bus_event(change))
        return wanted

    def _invocation(self, change: ChangeRecord, target: Notification) -> NewInvocation:
        return NewInvocation(
            request_id=self._ids.uuid(),
            function_arn=target.target_arn,
            payload=orjson.dumps(rules.event(change, target.configuration_id)),
            source=_source(change.bucket),
            trace_id=change.trace_header,
        )


def owner() -> Owner:
    """What is refused for good is told to people only: S3 has no dead-letter queues."""
    return Owner(OWNER, _pause, lambda parcel, refusal: None)  # noqa: ARG005


def tell(targets: Targets, clock: Clock, ids: Ids) -> Tell:
    """For S3's operations: a test event, or the question whether a function could be told."""

    def send(tx: Transaction, telling: Telling) -> str | None:
        sender = Sender(SERVICE, _bucket_arn(telling.bucket), telling.owner)
        source = _source(telling.bucket)
        message = Message(telling.target_arn, telling.event, sender, source, telling.trace, subject=SUBJECT)
        try:
            if telling.event:
                targets.send(tx, message, Moment(clock.now_ms(), ids))
            else:
                function_target.check(tx, message)
        except Refused as refusal:
            return str(refusal)
        return None

    return send


def _message(change: ChangeRecord, target: Notification) -> Message:
    return Message(
        target_arn=target.target_arn,
        body=orjson.dumps(rules.event(change, target.configuration_id)),
        sender=_sender(change),
        source=_source(change.bucket),
        trace=change.trace_header,
        subject=SUBJECT,
    )


def _bus_event(change: ChangeRecord) -> Message:
    """To the default bus, which takes what AWS's own services say without being asked."""
    detail_type, detail = rules.bus_detail(change)
    return Message(
        target_arn=str(Arn("events", change.region, change.owner, "event-bus/default")),
        body=orjson.dumps(detail),
        sender=Sender("", _bucket_arn(change.bucket), change.owner),
        source=_source(change.bucket),
        trace=change.trace_header,
        detail_type=detail_type,
        event_source="aws.s3",
        resources=(_bucket_arn(change.bucket),),
    )


def _sender(change: ChangeRecord) -> Sender:
    return Sender(SERVICE, _bucket_arn(change.bucket), change.owner)


def _bucket_arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def _source(bucket: str) -> str:
    return f"s3:{bucket}"


def _pause(parcel: Parcel, now_ms: int) -> float | None:  # noqa: ARG001 - it goes by the number of attempts
    return PAUSES_SECONDS[parcel.attempts] if parcel.attempts < len(PAUSES_SECONDS) else None
