"""A table's changes on their way into the Kinesis data stream that is its destination: in the transaction of the write.

So a record is in the stream exactly if the item has changed, in the order of the changes, and on disk before the write
is answered; AWS's come later, perhaps twice and in another order. What a stream does not take is skipped, as AWS does
("Using shards and metrics", kds_using-shards-and-metrics.html: a record that is too large), and counted: an item's
write never fails for it. The stream's throughput is the reader's business: nothing is throttled here.

What comes after the commit is done on the event loop, and the writer's thread leaves a note of it: counting what was
put, and remembering streams with their shards. Only what is committed is remembered, and used while it is current.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.kit.meter import Meter, Series
from lambent.services.dynamodb import replication
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.streams import ItemChange
from lambent.services.dynamodb.tables import Table
from lambent.services.kinesis import names, placement, record_store, stream_store
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.stream_meters import StreamMeters
from lambent.services.kinesis.streams import StreamView
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

#: Announced by commits that have put something, or failed to.
REPLICATION_TOPIC = "dynamodb-replication"

#: Notes that wait; beyond it the oldest are lost, and not counted.
MAX_NOTES = 10_000

#: Streams that are remembered.
MAX_STREAMS = 1_000

# DestinationStatusDescription, as recorded in ACK's DynamoDB notes, DDB-TABLE-318.
_NO_STREAM = "User does not have a permission to use kinesis stream"
_OTHER_REGION = (
    "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region"
)
_OTHER_ACCOUNT = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in Active state"


class _Note(NamedTuple):
    """What a transaction has done. If it is taken back after all (a full disk), it is counted nevertheless."""

    table: TableKey
    stream: StreamKey
    records: int
    size_bytes: int
    failed: int
    is_remembered: bool
    """The stream was."""


class TableReplication:
    def __init__(self, *, database: Database, meter: Meter, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._meter = meter
        self._meters = StreamMeters(meter)
        self._clock = clock
        self._ids = ids
        self._notes: deque[_Note] = deque(maxlen=MAX_NOTES)
        self._noted = database.subscribe(REPLICATION_TOPIC)
        self._remembered: dict[StreamKey, StreamView] = {}

    async def run(self) -> None:
        """Count and remember for ever, until cancelled."""
        while True:
            await self._noted.wait()
            while self._notes:
                note = self._notes.popleft()
                self._count(note)
                if not note.is_remembered:
                    self._remember(note.stream)

    def find_failure(self, tx: Transaction, table: TableKey, stream_arn: str) -> str:
        """Why the stream cannot be a destination of the table; "" if it can."""
        key = names.parse_stream_arn(stream_arn)
        if key is None:
            return _NO_STREAM
        if key.region != table.region:
            return _OTHER_REGION
        if key.account_id != table.account_id:
            return _OTHER_ACCOUNT
        return "" if stream_store.find_stream(tx, key) is not None else _NO_STREAM

    def replicate(self, tx: Transaction, table: Table, changes: Sequence[ItemChange]) -> None:
        """`replication.Replicate`."""
        destination = table.destination
        assert destination is not None
        key = names.parse_stream_arn(destination.stream_arn)
        assert key is not None, "nothing else is ever enabled"
        view = self._remembered.get(key)
        is_remembered = view is not None and stream_store.is_current(tx, view.stream)
        if not is_remembered:
            view = stream_store.find_view(tx, key)
        put, size_bytes = self._put(tx, view, table, changes) if view is not None else (0, 0)
        self._notes.append(_Note(table.key, key, put, size_bytes, len(changes) - put, is_remembered))
        tx.announce(REPLICATION_TOPIC)

    def _put(self, tx: Transaction, view: StreamView, table: Table, changes: Sequence[ItemChange]) -> tuple[int, int]:
        """How many records, of how many bytes."""
        records: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
        count = size_bytes = 0
        for change in changes:
            data = replication.record_of(table, change, event_id=self._ids.uuid(), now=self._clock.now())
            entry = {"Data": data, "PartitionKey": replication.partition_key_of(change.keys)}
            try:
                placed = placement.place(view, entry, change.trace, self._ids)
            except ServiceError:  # it is too large for the stream
                continue
            records[placed.shard.log].append((change.time_ms, placed.payload))
            count += 1
            size_bytes += placed.size_bytes
        record_store.append_placed(tx, records)
        return count, size_bytes

    def _remember(self, key: StreamKey) -> None:
        view = self._database.read(lambda tx: stream_store.find_view(tx, key))
        if view is None:
            self._remembered.pop(key, None)
            return
        if len(self._remembered) >= MAX_STREAMS:
            self._remembered.clear()
        self._remembered[key] = view

    def _count(self, note: _Note) -> None:
        """Names: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html.

        It does not say what DelegatedOperation is; alarms that people have published ask for StreamRecords.
        """
        if note.records:
            self._meters.of(note.stream).took(note.records, note.size_bytes)
        if note.failed:
            place = (note.table.account_id, note.table.region, "AWS/DynamoDB")
            dimensions = (("DelegatedOperation", "StreamRecords"), ("TableName", note.table.name))
            self._meter.series(Series(*place, "FailedToReplicateRecordCount", (dimensions,))).add(note.failed)
