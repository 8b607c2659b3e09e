"""Where discarded batches go: to the mapping's queue, topic or bucket, and in any case among what happened lately.

They are sent in the transaction that moves the checkpoint past them, so none is lost and none is told twice. A bucket
is told the whole event, queues and topics what to look up: https://docs.aws.amazon.com/lambda/latest/dg/
kinesis-on-failure-destination.html. A destination that refuses keeps no record waiting, as at AWS.
"""

from typing import assert_never

from lambent.delivery import outcomes
from lambent.delivery.event_source_mappings import discards, event_counts, records
from lambent.delivery.event_source_mappings.discards import Discard
from lambent.delivery.event_source_mappings.parts import MappingParts
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import End, Fate
from lambent.delivery.settlements import SOURCE
from lambent.delivery.targets import Message, Sender
from lambent.services.happenings import HappeningKind
from lambent.services.lambda_ import destination_arns
from lambent.services.lambda_.destination_arns import DestinationKind
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.storage.transaction import Transaction


class Destination:
    def __init__(self, parts: MappingParts, mapping: EventSourceMapping) -> None:
        self._parts = parts
        self._mapping = mapping
        self._arn = mapping.options.on_failure
        self._is_bucket = destination_arns.kind_of(self._arn) is DestinationKind.BUCKET

    def send(self, tx: Transaction, discard: Discard) -> tuple[Parcel, End] | None:
        """What it is told, and what became of that; None: the mapping has no destination."""
        if not self._arn:
            return None
        mapping = self._mapping
        message = Message(
            target_arn=self._arn,
            body=discards.record(discard, with_event=self._is_bucket),
            sender=Sender("", mapping.function_arn, mapping.account_id),
            source=SOURCE,
            trace=records.trace_of(discard.records, discard.source_arn),
        )
        key = discards.object_key(mapping.uuid, discard, self._parts.ids.uuid())
        terms = {outcomes.OBJECT_KEY: key, **event_counts.terms_of(mapping, len(discard.records))}
        parcel = Parcel(outcomes.OWNER, message, discard.discarded_ms, terms)
        return parcel, self._parts.parcels.send(tx, parcel)

    def note(self, discard: Discard, sent: tuple[Parcel, End] | None, source: str) -> None:
        """For people who look, and who count."""
        if sent is not None:
            self._parts.parcels.report(*sent)
        what = f"{len(discard.records)} records of {discard.shard_id}"
        self._parts.happenings.record(
            HappeningKind.DISCARDED,
            time_ms=discard.discarded_ms,
            source=source,
            function_arn=discard.function_arn,
            request_id=discard.request_id,
            detail=f"{discard.condition.value}: {what}, {self._fate(None if sent is None else sent[1].fate)}",
            trace=records.trace_of(discard.records, discard.source_arn),
        )

    def _fate(self, fate: Fate | None) -> str:
        match fate:
            case None:
                return "nowhere to send them"
            case Fate.TAKEN:
                return f"sent to {self._arn}"
            case Fate.KEPT:
                return f"on their way to {self._arn}"
            case Fate.LOST | Fate.DEAD_LETTER:
                return f"{self._arn} does not take them"
        assert_never(fate)
