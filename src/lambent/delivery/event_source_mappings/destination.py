"""Where discarded batches go: into the mapping's bucket, if it has one, and in any case among what happened lately."""

import logging

from lambent.delivery.event_source_mappings import discards, records
from lambent.delivery.event_source_mappings.discards import Discard
from lambent.delivery.event_source_mappings.parts import DestinationObject, MappingParts
from lambent.services.happenings import HappeningKind
from lambent.services.lambda_.event_source_mappings import EventSourceMapping, bucket_of
from lambent.wire.errors import ServiceError

log = logging.getLogger(__name__)


class Destination:
    def __init__(self, parts: MappingParts, mapping: EventSourceMapping) -> None:
        self._parts = parts
        self._mapping = mapping
        self._bucket = bucket_of(mapping.options.on_failure)

    async def report(self, discard: Discard, source: str) -> None:
        """Returns when the destination has it. A bucket that refuses it keeps nobody waiting, as at AWS."""
        outcome = "nowhere to send it"
        if self._bucket is not None:
            outcome = await self._put(self._bucket, discard)
        self._parts.happenings.record(
            HappeningKind.DISCARDED,
            time_ms=discard.discarded_ms,
            source=source,
            function_arn=discard.function_arn,
            request_id=discard.request_id,
            detail=f"{discard.condition.value}: {len(discard.records)} records of {discard.shard_id}, {outcome}",
            trace=records.trace_of(discard.records),
        )

    async def _put(self, bucket: str, discard: Discard) -> str:
        """What became of it, in words."""
        mapping = self._mapping
        key = discards.object_key(mapping.uuid, discard, self._parts.ids.uuid())
        content = discards.record(discard, with_event=True)
        trace = records.trace_of(discard.records)
        put = DestinationObject(mapping.account_id, mapping.region, bucket, key, content, trace)
        try:
            await self._parts.put_object(put)
        except ServiceError as error:
            log.warning("mapping %s: bucket %s does not take a discarded batch: %s", mapping.uuid, bucket, error)
            return f"{bucket} did not take it: {error.code}"
        return f"in {bucket}/{key}"
