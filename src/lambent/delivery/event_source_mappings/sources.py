"""Sources: a stream as mappings read it, whatever service it belongs to: shards, each a log.

A service's adapter (`dynamodb_source`) makes a `LogSource` out of its tables; everything else here knows only this.
"""

from collections.abc import Callable, Sequence
from typing import Any

from lambent.delivery.event_source_mappings.filters import IsWanted, compile_filters
from lambent.kit.frozen import frozen
from lambent.services.lambda_.event_source_mappings import EventSourceMapping, StartingPosition
from lambent.storage import log
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction


@frozen
class SourceRecord:
    position: int
    time_ms: int
    """When it arrived in the stream."""
    sequence_number: str
    partition_key: bytes
    """Records with equal ones are delivered in order."""
    event: dict[str, Any]
    """As it stands in the `Records` of a function's event."""
    trace: str = ""
    """The trace header of what brought it (`kit.trace`)."""


Decode = Callable[[LogRecord], SourceRecord]


@frozen
class Shard:
    shard_id: str
    log: str
    parent_ids: tuple[str, ...]
    is_closed: bool
    """Nothing will be appended any more."""
    decode: Decode
    shown: str = ""
    """What functions and destinations are told, where that is not the same."""

    @property
    def shown_id(self) -> str:
        return self.shown or self.shard_id


@frozen
class LogSource:
    arn: str
    """As events name it."""
    label: str
    """For people: `dynamodb:<table>`."""
    batch_info: str
    """The member of a discard record that says where the batch stands: `DDBStreamBatchInfo`."""
    topic: str
    """Announced when shards are opened or closed."""
    retention_seconds: int
    list_shards: Callable[[Transaction], Sequence[Shard]]
    """Those that are left; none of a stream that is gone."""
    compile_filters: Callable[[Sequence[str]], IsWanted | None] = compile_filters
    """What the patterns of a mapping mean for its event records."""
    is_there: bool = True
    """False: it has no shards for now, and its topic is announced when that changes."""

    def read(self, tx: Transaction, shard: Shard, after: int, limit: int) -> list[SourceRecord]:
        return [shard.decode(record) for record in log.read_after(tx, shard.log, after, limit)]

    def start(self, tx: Transaction, shard: Shard, starting: StartingPosition, timestamp_ms: int | None) -> int:
        """The position behind which to begin."""
        if starting is StartingPosition.TRIM_HORIZON:
            return 0
        if starting is StartingPosition.AT_TIMESTAMP and timestamp_ms is not None:
            return log.position_before(tx, shard.log, timestamp_ms)
        return log.head(tx, shard.log)


def record_topic(shard: Shard) -> str:
    """Announced when records were appended."""
    return log.topic(shard.log)


FindSource = Callable[[Transaction, EventSourceMapping], LogSource | None]
"""Of a mapping, by its ARN; None if there is no such stream."""
