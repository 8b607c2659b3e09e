"""Event source mappings on a real database, a real log and virtual time; functions are Python functions of the test.

A stage can be left between any two steps and entered again on the same directory, as a restarted process would.
"""

import asyncio
import contextlib
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from lambent.delivery import outcomes, parcel_store
from lambent.delivery.event_source_mappings import event_counts, mappings, progress_store
from lambent.delivery.event_source_mappings.mappings import Mappings
from lambent.delivery.event_source_mappings.parts import MappingParts
from lambent.delivery.event_source_mappings.progress import Progress
from lambent.delivery.event_source_mappings.sources import FindSource, LogSource, Shard, SourceRecord
from lambent.delivery.outcomes import NewObject
from lambent.delivery.parcels import Parcels
from lambent.delivery.targets import Targets
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.sandbox.types import Outcome
from lambent.services.happenings import Happenings
from lambent.services.lambda_ import event_source_store
from lambent.services.lambda_.errors import ResourceNotFound
from lambent.services.lambda_.event_source_mappings import (
    NO_RECORDS,
    EventSourceMapping,
    Options,
    StartingPosition,
    State,
)
from lambent.services.lambda_.invoker import Address
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

PATIENCE_SECONDS = 20.0
FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM_ARN = "arn:aws:test:us-east-1:000000000000:stream/s"
BUCKET_ARN = "arn:aws:s3:::failures"
DAY_SECONDS = 24 * 3600

Event = dict[str, Any]
Behaviour = Callable[[Event], Awaitable[Any]]
"""Event -> what the function returns; an exception is a function error."""


async def until(condition: Callable[[], Any]) -> None:
    """Real time passes, virtual time does not: commits happen in a thread of their own."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.001)


async def quiet(seconds: float = 0.02) -> None:
    """Let what can happen without time passing happen."""
    await asyncio.sleep(seconds)


@dataclass
class Stream:
    """Shards of the test: each a log; a key belongs to one, then to one of its children."""

    shards: list[Shard] = field(default_factory=list)
    topic: str = "test-stream"

    @classmethod
    def of(cls, count: int = 1) -> "Stream":
        stream = cls()
        for number in range(count):
            stream.open(f"shard-{number}")
        return stream

    def open(self, shard_id: str, *parents: str) -> None:
        self.shards.append(Shard(shard_id, f"test/{shard_id}", parents, is_closed=False, decode=_decode))

    def close(self, shard_id: str) -> None:
        self.shards = [replace(one, is_closed=one.is_closed or one.shard_id == shard_id) for one in self.shards]

    def shard_of(self, key: str) -> Shard:
        """The open one on the key's way from parents to children."""
        number = zlib.crc32(key.encode()[::-1])
        present = {one.shard_id for one in self.shards}
        choice = [one for one in self.shards if not present.intersection(one.parent_ids)]
        while (shard := choice[number % len(choice)]).is_closed:
            choice = [one for one in self.shards if shard.shard_id in one.parent_ids]
            number //= 3
        return shard

    def source(self) -> LogSource:
        return LogSource(
            arn=STREAM_ARN,
            label="test:s",
            batch_info="TestBatchInfo",
            topic=self.topic,
            retention_seconds=DAY_SECONDS,
            list_shards=lambda _: list(self.shards),
        )


def _decode(record: LogRecord) -> SourceRecord:
    event = orjson.loads(record.payload)
    return SourceRecord(
        position=record.position,
        time_ms=record.time_ms,
        sequence_number=str(record.position),
        partition_key=event["key"].encode(),
        event={**event, "sequenceNumber": str(record.position)},
        trace=event.get("trace", ""),
    )


@dataclass
class Function:
    """What the mapped function does, and what it was asked."""

    behaviour: Behaviour
    source: str = "test:s"
    """What invocations are said to come from."""
    events: list[Event] = field(default_factory=list)
    """Of every invocation that reached it."""
    refusal: ServiceError | None = None
    """It cannot be invoked: throttled, or gone."""
    request_ids: set[str] = field(default_factory=set)
    traces: list[str] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    async def invoke(
        self, address: Address, *, request_id: str, payload: bytes, trace_id: str = "", source: str = ""
    ) -> Outcome:
        assert (address.function, source) == ("f", self.source)
        self.traces.append(trace_id)
        assert request_id not in self.request_ids
        self.request_ids.add(request_id)
        if self.refusal is not None:
            raise self.refusal
        event = orjson.loads(payload)
        self.events.append(event)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            returned = await self.behaviour(event)
        except Exception as error:
            return Outcome(orjson.dumps({"errorMessage": str(error)}), "Unhandled", b"", None, 1.0, 10)
        finally:
            self.running -= 1
        return Outcome(orjson.dumps(returned), None, b"", None, 1.0, 10)

    @property
    def batches(self) -> list[list[Any]]:
        """The values of every invocation's records."""
        return [[record["value"] for record in event["Records"]] for event in self.events]


async def accept(_: Event) -> None:
    """A function that succeeds."""


async def refuse(_: Event) -> None:
    raise ValueError("no")


def failing_on(*bad: Any) -> Behaviour:
    """Fails if one of these values is among the records."""

    async def behaviour(event: Event) -> None:
        if any(record["value"] in bad for record in event["Records"]):
            raise ValueError("a bad record")

    return behaviour


@dataclass
class Bucket:
    objects: list[tuple[str, Any]] = field(default_factory=list)
    """(key, document)."""
    refusal: Exception | None = None
    attempts: int = 0

    async def put(self, put: NewObject) -> None:
        assert put.bucket == "failures"
        self.attempts += 1
        if self.refusal is not None:
            raise self.refusal
        self.objects.append((put.key, orjson.loads(put.content)))

    @property
    def values(self) -> list[Any]:
        """Of all records that lie here."""
        return [record["value"] for _, document in self.objects for record in document["payload"]["Records"]]


@dataclass
class Stage:
    database: Database
    clock: VirtualClock
    stream: Stream
    function: Function
    bucket: Bucket
    mappings: Mappings
    happenings: Happenings
    meter: Meter
    find_source: FindSource

    async def create(
        self,
        starting: StartingPosition = StartingPosition.TRIM_HORIZON,
        *,
        enabled: bool = True,
        source_arn: str = STREAM_ARN,
        **options: Any,
    ) -> str:
        mapping = EventSourceMapping(
            uuid=RandomIds().uuid(),
            account_id="000000000000",
            region="us-east-1",
            source_arn=source_arn,
            function_arn=FUNCTION_ARN,
            generation=1,
            state=State.CREATING if enabled else State.DISABLED,
            last_result=NO_RECORDS,
            modified_ms=self.clock.now_ms(),
            options=Options(starting_position=starting, **options),
        )

        def insert(tx: Transaction) -> None:
            mappings.begin(tx, mapping, self.find_source)
            event_source_store.insert_mapping(tx, mapping)

        await self.database.write(insert)
        return mapping.uuid

    async def change(self, uuid: str, state: State = State.UPDATING, **options: Any) -> None:
        def change(tx: Transaction) -> None:
            current = event_source_store.find_mapping(tx, uuid)
            assert current is not None
            changed = replace(
                current,
                generation=current.generation + 1,
                state=state,
                options=replace(current.options, **options),
            )
            event_source_store.update_mapping(tx, changed)

        await self.database.write(change)

    async def put(self, *values: Any, key: str = "k") -> None:
        await self.put_records([(key, value) for value in values])

    async def put_records(self, records: Sequence[tuple[str, Any]], *, trace: str = "") -> None:
        """(key, value) each, all in one transaction; a record says `{"key": ..., "value": ...}`."""
        traced = {"trace": trace} if trace else {}
        logs = [self.stream.shard_of(key).log for key, _ in records]

        def append(tx: Transaction) -> None:
            for name, (key, value) in zip(logs, records, strict=True):
                log.append(tx, name, orjson.dumps({"key": key, "value": value, **traced}), self.clock.now_ms())

        await self.database.write(append)

    async def split(self, parent: str, *children: str) -> None:
        """Close a shard and open its children."""
        closed = next(one for one in self.stream.shards if one.shard_id == parent)

        def announce(tx: Transaction) -> None:
            tx.announce(self.stream.topic)
            tx.announce(log.topic(closed.log))

        self.stream.close(parent)
        for child in children:
            self.stream.open(child, parent)
        await self.database.write(announce)

    async def advance_until(self, condition: Callable[[], Any], *, step: float = 1.0, limit: float = 1e6) -> None:
        """Virtual time passes, `limit` at most, and real time for commits, however long they take."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        passed = 0.0
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen in {passed} seconds"
            await asyncio.sleep(0.002)
            if passed < limit:
                await self.clock.advance(step)
                passed += step

    def mapping(self, uuid: str) -> EventSourceMapping | None:
        return self.database.read(lambda tx: event_source_store.find_mapping(tx, uuid))

    def state(self, uuid: str) -> State | None:
        found = self.mapping(uuid)
        return found.state if found else None

    def last_result(self, uuid: str) -> str:
        found = self.mapping(uuid)
        assert found is not None
        return found.last_result

    def lanes(self, uuid: str, shard_id: str = "shard-0") -> list[Progress]:
        """As they are written down, with how often a batch was tried."""
        return list(self.database.read(lambda tx: progress_store.load_lanes(tx, uuid, shard_id)))

    def positions(self, uuid: str, shard_id: str = "shard-0") -> list[int]:
        """Of the lanes."""
        return [lane.position for lane in self.lanes(uuid, shard_id)]

    def is_reported(self) -> bool:
        """What was discarded has arrived at its destination."""
        return not self.database.read(parcel_store.count_parcels)

    def counts(self, uuid: str) -> dict[str, float]:
        """Its metrics that have a value, without their endings: `Polled` is PolledEventCount."""
        ours = (one for one in self.meter.totals() if one.series.dimension_sets == (event_counts.dimensions_of(uuid),))
        return {one.series.metric.removesuffix("EventCount"): one.total for one in ours if one.count}

    def is_settled(self, uuid: str) -> bool:
        """Every record of every shard, in every lane."""

        def look(tx: Transaction) -> bool:
            known = progress_store.known_shards(tx, uuid)
            return all(
                known.get(shard.shard_id)
                or all(
                    not lane.sections and lane.window is None and lane.position == log.head(tx, shard.log)
                    for lane in progress_store.load_lanes(tx, uuid, shard.shard_id) or [Progress(-1)]
                )
                for shard in self.stream.shards
            )

        return self.database.read(look)


@contextlib.asynccontextmanager
async def stage(
    directory: Path,
    behaviour: Behaviour = accept,
    *,
    stream: Stream | None = None,
    function: Function | None = None,
    bucket: Bucket | None = None,
    clock: VirtualClock | None = None,
    find_source: FindSource | None = None,
) -> AsyncIterator[Stage]:
    """With `find_source`, sources are what that finds, and not the test's own stream.

    At the end everything is cancelled where it stands."""
    clock = clock or VirtualClock()
    stream = stream or Stream.of(1)
    find = find_source or (lambda _, mapping: stream.source() if mapping.source_arn == STREAM_ARN else None)
    function = function or Function(behaviour)
    bucket = bucket or Bucket()
    happenings, meter = Happenings(), Meter()
    database = Database.open(directory / "lambent.db")
    parcels = Parcels(
        database=database, targets=Targets({}), happenings=happenings, meter=meter, clock=clock, ids=RandomIds()
    )
    parcels.register(outcomes.owner(bucket.put, partial(event_counts.count_end, meter)))
    delivery = Mappings(
        MappingParts(
            database=database,
            functions=function,
            parcels=parcels,
            find_source=find,
            happenings=happenings,
            meter=meter,
            clock=clock,
            ids=RandomIds(),
            jitter=lambda: 0.0,
        )
    )
    running = [asyncio.create_task(delivery.run()), asyncio.create_task(parcels.run())]
    try:
        yield Stage(database, clock, stream, function, bucket, delivery, happenings, meter, find)
        assert not any(task.done() for task in running), "delivery ended by itself"
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await database.close()


NO_FUNCTION = ResourceNotFound("Function not found")


def flat(batches: Sequence[Sequence[Any]]) -> list[Any]:
    return [value for batch in batches for value in batch]
