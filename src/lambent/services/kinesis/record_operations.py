"""Records: put one or many, ask for an iterator, read on from it.

A request's records go in by one transaction, together with those of requests that come at the same time; what it says
of the stream is checked again inside it, since shards may close while it waits for the writer. Arrival times are taken
right before the transaction is handed over, so that they grow with the positions.
"""

from collections.abc import Sequence

from lambent.services.caller import Caller
from lambent.services.kinesis import documents, pages, record_store, records, sequence_numbers, shard_iterators, shards
from lambent.services.kinesis.errors import DryRun, InvalidArgument, ProvisionedThroughputExceeded, ResourceNotFound
from lambent.services.kinesis.parts import KinesisParts, Request, Result, find_shard
from lambent.services.kinesis.placement import Placed, place
from lambent.services.kinesis.record_store import Addition, StreamChanged
from lambent.services.kinesis.shard_iterators import ShardIterator, Start
from lambent.services.kinesis.shards import Shard
from lambent.services.kinesis.streams import Stream, StreamView

#: API Reference, GetRecords: "The maximum number of records that can be returned per call is 10,000", "The maximum
#: size of data that GetRecords can return is 10 MiB".
MAX_PAGE = 10_000
MAX_PAGE_BYTES = 10 * 1024 * 1024

_ENCRYPTED = {"EncryptionType": "KMS"}


class RecordOperations:
    SERVED = frozenset(("PutRecord", "PutRecords", "GetShardIterator", "GetRecords"))

    def __init__(self, parts: KinesisParts) -> None:
        self._parts = parts
        self._database = parts.database

    async def put_record(self, caller: Caller, request: Request) -> Result:
        parts = self._parts
        while True:
            view = parts.view(caller, request, "PutRecord")
            stream = view.stream
            placed = place(view, request, caller.trace, parts.ids)
            now_ms = parts.clock.now_ms()
            if "SequenceNumberForOrdering" in request:
                sequence_numbers.check_ordering(request["SequenceNumberForOrdering"], stream.key, now_ms)
            _check_dry_run(request)
            meter = parts.meters.of(stream.key)
            if stream.is_throttled and (refusal := parts.throttle.write(stream, placed.shard, placed.size_bytes)):
                meter.put_record(None)
                raise refusal
            shard = placed.shard
            addition = Addition(stream, {shard.log: (placed.payload,)}, now_ms)
            try:
                positions = await self._database.write_shared(record_store.append_all, addition)
            except StreamChanged:
                continue
            meter.put_record(placed.size_bytes)
            return _acknowledge(shard, positions[shard.log]) | _encryption(stream)

    async def put_records(self, caller: Caller, request: Request) -> Result:
        while True:
            view = self._parts.view(caller, request, "PutRecords")
            placed = [place(view, entry, caller.trace, self._parts.ids) for entry in request["Records"]]
            if sum(one.size_bytes for one in placed) > records.MAX_REQUEST_BYTES:
                raise InvalidArgument("Records size exceeds 10 MB limit")
            _check_dry_run(request)
            refusals = self._throttled(view.stream, placed)
            try:
                results = await self._append(view.stream, placed, refusals)
            except StreamChanged:
                continue
            sizes = [one.size_bytes for n, one in enumerate(placed) if n not in refusals]
            self._parts.meters.of(view.stream.key).put_records(sizes, throttled=len(refusals))
            return {"FailedRecordCount": len(refusals), "Records": results, **_encryption(view.stream)}

    async def get_shard_iterator(self, caller: Caller, request: Request) -> Result:
        now_ms = self._parts.clock.now_ms()
        view = self._parts.view(caller, request, "GetShardIterator")
        shard = find_shard(view, request["ShardId"])
        start = Start(
            kind=request["ShardIteratorType"],
            number=request.get("StartingSequenceNumber"),
            timestamp=request.get("Timestamp"),
            operation="GetShardIterator",
        )
        shard_iterators.check_start(start, now_ms=now_ms)
        after = self._database.read(lambda tx: shard_iterators.position_of(tx, view, shard, start))
        _check_dry_run(request)
        iterator = ShardIterator(view.stream.stream_id, shard.index, after, now_ms)
        return {"ShardIterator": shard_iterators.write_token(iterator)}

    async def get_records(self, caller: Caller, request: Request) -> Result:
        now_ms = self._parts.clock.now_ms()
        iterator = shard_iterators.read_token(request["ShardIterator"], now_ms=now_ms)
        view, shard = self._place_of(caller, request, iterator)
        _check_dry_run(request)
        if view.stream.is_throttled:
            self._admit_read(view.stream, shard)
        page = await pages.read(
            self._database,
            shard,
            iterator.after,
            request.get("Limit", MAX_PAGE),
            max_bytes=MAX_PAGE_BYTES,
            oldest_ms=now_ms - view.stream.retention_ms,
        )
        if view.stream.is_throttled:
            self._parts.throttle.charge_read(shard, sum(len(record.payload) for record in page.records))
        found = documents.describe_records(shard, page.records)
        self._parts.meters.of(view.stream.key).got(page.records, sum([len(one["Data"]) for one in found]), now_ms)
        result: Result = {
            "Records": found,
            "MillisBehindLatest": page.millis_behind(now_ms),
        }
        if shard.is_closed and page.is_at_end:
            result["ChildShards"] = documents.child_shards(shards.children_of(view.shards, shard))
        else:
            following = ShardIterator(iterator.stream_id, iterator.shard_index, page.through, now_ms)
            result["NextShardIterator"] = shard_iterators.write_token(following)
        return result

    def _admit_read(self, stream: Stream, shard: Shard) -> None:
        """Raises ProvisionedThroughputExceeded."""
        try:
            self._parts.throttle.admit_read(stream, shard)
        except ProvisionedThroughputExceeded:
            self._parts.meters.of(stream.key).refused_to_read()
            raise

    def _throttled(self, stream: Stream, placed: Sequence[Placed]) -> dict[int, ProvisionedThroughputExceeded]:
        """By place in the request: the records that are one too many for their shard."""
        if not stream.is_throttled:
            return {}
        refused = ((n, self._parts.throttle.write(stream, one.shard, one.size_bytes)) for n, one in enumerate(placed))
        return {n: refusal for n, refusal in refused if refusal is not None}

    async def _append(
        self, stream: Stream, placed: Sequence[Placed], refusals: dict[int, ProvisionedThroughputExceeded]
    ) -> list[Result]:
        """All that are not refused, in one transaction. Raises StreamChanged."""
        payloads: dict[str, list[bytes]] = {}
        for n, one in enumerate(placed):
            if n not in refusals:
                payloads.setdefault(one.shard.log, []).append(one.payload)
        positions: dict[str, int] = {}
        if payloads:
            now_ms = self._parts.clock.now_ms()
            addition = Addition(stream, payloads, now_ms)
            positions = await self._database.write_shared(record_store.append_all, addition)
        results: list[Result] = []
        for n, one in enumerate(placed):
            if n in refusals:
                results.append({"ErrorCode": refusals[n].code, "ErrorMessage": refusals[n].message})
                continue
            results.append(_acknowledge(one.shard, positions[one.shard.log]))
            positions[one.shard.log] += 1
        return results

    def _place_of(self, caller: Caller, request: Request, iterator: ShardIterator) -> tuple[StreamView, Shard]:
        """What an iterator points into. Raises ResourceNotFound, InvalidArgument, AccessDenied."""
        view = self._parts.streams.find_by_id(iterator.stream_id)
        if view is None or view.stream.key.region != caller.region:
            raise ResourceNotFound("The stream that the shard iterator was made for does not exist.")
        stream = view.stream
        self._parts.check_access(caller, stream, "GetRecords")
        if request.get("StreamARN", stream.arn) != stream.arn:
            raise InvalidArgument(f"The shard iterator was not made for stream {request['StreamARN']}.")
        return view, find_shard(view, shards.shard_id_of(iterator.shard_index))


def _acknowledge(shard: Shard, position: int) -> Result:
    return {"ShardId": shard.shard_id, "SequenceNumber": sequence_numbers.of_record(shard.prefix, position)}


def _encryption(stream: Stream) -> Result:
    return _ENCRYPTED if stream.settings.key_id else {}


def _check_dry_run(request: Request) -> None:
    """Raises DryRun."""
    if request.get("DryRun"):
        raise DryRun
