"""All SQL of subscription filters: the filters themselves, and how far each has read its group's log."""

# ruff: noqa: S608 - the parts put together are constants of this module; values are always parameters

from collections.abc import Sequence
from typing import NamedTuple

from lambent.kit.frozen import frozen
from lambent.services.logs import store
from lambent.services.logs.chunks import Chunk, LogEvent, unpack
from lambent.services.logs.names import GroupKey
from lambent.services.logs.store import SUBSCRIPTIONS_TOPIC
from lambent.services.logs.subscriptions import MAX_PORTION_BYTES, ChunkRecord, SubscriptionFilter, log_name
from lambent.storage import log as storage_log
from lambent.storage.transaction import Row, Transaction

#: Chunks looked at in one portion.
PORTION_CHUNKS = 256

_FILTER = "name, pattern, destination_arn, role_arn, distribution, on_transformed, created_ms"


def list_filters(tx: Transaction, group_id: int) -> list[SubscriptionFilter]:
    """By name."""
    found = tx.rows(f"SELECT {_FILTER} FROM log_subscription WHERE group_id = ? ORDER BY name", (group_id,))
    return [_filter(row) for row in found]


def insert_filter(tx: Transaction, group_id: int, new: SubscriptionFilter) -> None:
    """It is sent what is committed after it."""
    tx.execute(
        f"INSERT INTO log_subscription (filter_id, group_id, {_FILTER}, position, events_done, loop_batches, loop_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
        (store.take_id(tx), group_id, *_columns(new), storage_log.head(tx, log_name(group_id))),
    )
    _count_filters(tx, group_id)


def update_filter(tx: Transaction, group_id: int, changed: SubscriptionFilter) -> None:
    """Everything but its name; where it stands stays."""
    tx.execute(
        "UPDATE log_subscription SET pattern = ?, destination_arn = ?, role_arn = ?, distribution = ?,"
        " on_transformed = ?, created_ms = ?, loop_batches = 0 WHERE group_id = ? AND name = ?",
        (*_columns(changed)[1:], group_id, changed.name),
    )
    tx.announce(SUBSCRIPTIONS_TOPIC)


def delete_filter(tx: Transaction, group_id: int, name: str) -> bool:
    """False if there is none of that name."""
    found = tx.row("DELETE FROM log_subscription WHERE group_id = ? AND name = ? RETURNING 1", (group_id, name))
    if found is not None:
        _count_filters(tx, group_id)
        _trim(tx, group_id)
    return found is not None


def _count_filters(tx: Transaction, group_id: int) -> None:
    tx.execute(
        "UPDATE log_group SET subscriptions = (SELECT count(*) FROM log_subscription WHERE group_id = ?)"
        " WHERE group_id = ?",
        (group_id, group_id),
    )
    tx.announce(SUBSCRIPTIONS_TOPIC)


# For delivery


class Feed(NamedTuple):
    """A filter as it was last put."""

    filter_id: int
    group_id: int
    created_ms: int


def list_feeds(tx: Transaction) -> list[Feed]:
    """Of all filters there are."""
    return [Feed(*row) for row in tx.rows("SELECT filter_id, group_id, created_ms FROM log_subscription")]


@frozen
class Reach:
    """How far a filter has read its group's log."""

    position: int
    events_done: int = 0
    """Of the chunk after `position`."""


@frozen
class Portion:
    """What a filter reads next."""

    key: GroupKey
    group_id: int
    subscription: SubscriptionFilter
    start: Reach
    end: Reach
    chunks: Sequence[tuple[str, Sequence[LogEvent]]]
    """(stream, its events), in the order of their commits."""
    first_ms: int
    """When the first of it was committed."""


def read_portion(tx: Transaction, filter_id: int, *, after_ms: int) -> Portion | None:
    """None if there is nothing to read, or no such filter. What was committed before `after_ms` is passed over."""
    row = tx.row(
        f"SELECT account_id, region, log_group.name, group_id, position, events_done,"
        f" {', '.join(f'log_subscription.{column}' for column in _FILTER.split(', '))}"
        " FROM log_subscription JOIN log_group USING (group_id) WHERE filter_id = ?",
        (filter_id,),
    )
    if row is None:
        return None
    group_id, start = row[3], Reach(row[4], row[5])
    records = storage_log.read_after(tx, log_name(group_id), start.position, PORTION_CHUNKS)
    if not records:
        return None
    chunks, end = _read_chunks(tx, [record for record in records if record.time_ms >= after_ms], records, start)
    return Portion(GroupKey(*row[:3]), group_id, _filter(row[6:]), start, end, chunks, records[0].time_ms)


def _read_chunks(
    tx: Transaction,
    wanted: Sequence[storage_log.LogRecord],
    records: Sequence[storage_log.LogRecord],
    start: Reach,
) -> tuple[list[tuple[str, Sequence[LogEvent]]], Reach]:
    """Events of `wanted` up to a portion's size, and how far that is."""
    chunks: list[tuple[str, Sequence[LogEvent]]] = []
    room = MAX_PORTION_BYTES
    for record in wanted:
        stream, chunk = _find_chunk(tx, ChunkRecord.from_bytes(record.payload))
        if chunk is None:
            continue
        done = start.events_done if record.position == start.position + 1 else 0
        events = unpack(chunk)[done:]
        taken, room = _take(events, room, must_take=not chunks)
        if taken:
            chunks.append((stream, events[:taken]))
        if taken < len(events):
            return chunks, Reach(record.position - 1, done + taken)
    return chunks, Reach(records[-1].position)


def _take(events: Sequence[LogEvent], room: int, *, must_take: bool) -> tuple[int, int]:
    """(how many events fit, the room that is left)."""
    for count, event in enumerate(events):
        room -= len(event.message)
        if room < 0 and (count or not must_take):
            return count, 0
    return len(events), max(room, 0)


def _find_chunk(tx: Transaction, record: ChunkRecord) -> tuple[str, Chunk | None]:
    """(name of its stream, chunk); no chunk if it was deleted."""
    row = tx.row(
        "SELECT name, log_chunk.stream_id, position, first_ms, last_ms, count, ingested_ms, payload"
        " FROM log_chunk JOIN log_stream USING (stream_id)"
        " WHERE log_chunk.stream_id = ? AND first_ms = ? AND position = ?",
        (record.stream_id, record.first_ms, record.position),
    )
    return (row[0], Chunk(*row[1:])) if row else ("", None)


def advance(tx: Transaction, filter_id: int, portion: Portion) -> bool:
    """From the portion's start to its end; False if the filter is gone, was changed or does not stand there."""
    start, end = portion.start, portion.end
    found = tx.row(
        "UPDATE log_subscription SET position = ?, events_done = ?"
        " WHERE filter_id = ? AND position = ? AND events_done = ? AND pattern = ? AND destination_arn = ?"
        " RETURNING 1",
        (
            *(end.position, end.events_done, filter_id, start.position, start.events_done),
            *(portion.subscription.pattern, portion.subscription.destination_arn),
        ),
    )
    if found is not None:
        _trim(tx, portion.group_id)
    return found is not None


@frozen
class Loop:
    """Batches in a row that went to a function which writes to the log group they came from."""

    batches: int
    last_ms: int


def find_loop(tx: Transaction, filter_id: int) -> Loop:
    row = tx.row("SELECT loop_batches, loop_ms FROM log_subscription WHERE filter_id = ?", (filter_id,))
    return Loop(*row) if row else Loop(0, 0)


def update_loop(tx: Transaction, filter_id: int, loop: Loop) -> None:
    tx.execute(
        "UPDATE log_subscription SET loop_batches = ?, loop_ms = ? WHERE filter_id = ?",
        (loop.batches, loop.last_ms, filter_id),
    )


def _trim(tx: Transaction, group_id: int) -> None:
    """Forget what every filter of the group is done with; all of it if there is no filter any more."""
    name = log_name(group_id)
    row = tx.row("SELECT min(position) FROM log_subscription WHERE group_id = ?", (group_id,))
    through = row[0] if row and row[0] is not None else storage_log.head(tx, name)
    storage_log.trim(tx, name, through)


def _columns(subscription: SubscriptionFilter) -> tuple[object, ...]:
    return (
        subscription.name,
        subscription.pattern,
        subscription.destination_arn,
        subscription.role_arn,
        subscription.distribution,
        int(subscription.on_transformed),
        subscription.created_ms,
    )


def _filter(row: Row) -> SubscriptionFilter:
    name, pattern, destination_arn, role_arn, distribution, on_transformed, created_ms = row
    return SubscriptionFilter(name, pattern, destination_arn, role_arn, distribution, bool(on_transformed), created_ms)
