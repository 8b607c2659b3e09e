"""The books, read from a database at rest or at work: for each line, what is due, what was given up, what arrived.

Due is whatever lies where the platform will yet look for it: in front of a checkpoint, in a queue that a mapping reads,
among asynchronous invocations, parcels and schedules, in an archive that is replayed. When all is done, `remains` tells
that none of it is left.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from delivery.conservation.edge import Edge, teller
from delivery.conservation.endpoint import INVITATIONS, Endpoint
from delivery.conservation.lines import DEAD, GIVEN_UP, LAST_WORDS, MAPPED_QUEUES, TELLING, UNDERTAKER, End, Line, arn
from delivery.conservation.records import NAME, REPLAYS, Document, names_in, names_in_bytes, source_of
from delivery.conservation.sources import Beginning, Deployed
from lambent.delivery import checkpoints, notifications, rules, topics
from lambent.delivery.event_source_mappings import progress_store, source_finder
from lambent.services.events import envelopes
from lambent.services.events.envelopes import Envelope
from lambent.services.events.names import DEFAULT_BUS
from lambent.services.kinesis import records as kinesis_records
from lambent.services.lambda_ import event_source_store
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.services.logs import subscriptions
from lambent.services.logs.subscriptions import ChunkRecord
from lambent.services.s3 import notifications as object_changes
from lambent.services.sns import messages
from lambent.storage import log
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

#: Log -> its consumer.
CONSUMED = {
    object_changes.LOG: notifications.CONSUMER,
    messages.LOG: topics.CONSUMER,
    envelopes.LOG: rules.CONSUMER,
}

#: More than any log has.
ALL = 100_000

_OBJECTS = "SELECT key, data FROM object JOIN small_blob ON small_blob.id = small_blob_id WHERE bucket = ?"
_CLAIMS = "event_source_{} WHERE uuid NOT IN (SELECT uuid FROM event_source_mapping)"


@dataclass
class Books:
    """At one moment."""

    tx: Transaction
    edge: Edge
    endpoint: Endpoint
    deployed: Deployed

    # What arrived.

    def arrived(self, line: Line) -> Counter[str]:
        return Counter(name for name in self._arrived_at(line) if source_of(name) == line.source)

    def _arrived_at(self, line: Line) -> Iterator[str]:
        match line.end:
            case End.QUEUE:
                for body in self._bodies(line.end_name):
                    yield from names_in(body)
            case End.LOG_GROUP:
                for (payload,) in self.tx.rows("SELECT payload FROM log_chunk JOIN log_stream USING (stream_id)"):
                    yield from names_in_bytes(payload)
            case End.ARCHIVE:
                yield from (name for _, _, name in self.archived("kept"))
            case _:
                yield from self.handled(line)

    def handled(self, line: Line) -> list[str]:
        """In the order it was, since its mapping was made anew."""
        return self.edge.handled[line.end_name][self.deployed.begun[line.end_name].handled :]

    def archived(self, archive: str) -> list[tuple[int, int, str]]:
        """(time, position, name)."""
        rows = self.tx.rows(
            "SELECT time_ms, position, event FROM archived_event JOIN event_archive USING (archive_id)"
            " WHERE name = ? ORDER BY time_ms, position",
            (archive,),
        )
        return [(time_ms, position, names_in_bytes(event)[0]) for time_ms, position, event in rows]

    # What was given up.

    def given_up(self, line: Line) -> Counter[str]:
        """In its dead-letter queue, or told to a destination of its function."""
        found = Counter(name for name in self._given_up_by(line) if source_of(name) == line.source)
        if line.name == INVITATIONS:
            found.update(self.endpoint.dismissed[line.name])
        found.update(set(self.edge.handled[f"{UNDERTAKER} of {line.gives_up_as}"]))  # who may be told again
        return found

    def _given_up_by(self, line: Line) -> Iterator[str]:
        for queue, of_line in DEAD.items():
            if of_line == line.gives_up_as:
                for body in self._bodies(queue)[self.deployed.begun[line.end_name].told :]:
                    yield from self._told(_document(body))
        if line.end is End.FUNCTION or line.follows:
            for document in self._last_words:
                if teller(document) == (line.follows or line.end_name):
                    yield from self._told(document)

    @cached_property
    def _last_words(self) -> list[Document]:
        """What was told to the bucket, and by the topic or the bus; of mappings that are no more, nothing."""
        found = []
        for key, data in self.tx.rows(_OBJECTS, (GIVEN_UP,)):
            uuid, document = key.decode().split("/")[2], orjson.loads(data)
            if "payload" not in document or uuid in self.deployed.mappings.values():
                found.append(document)
        for body in self._bodies(LAST_WORDS):
            document = orjson.loads(body)
            found.append(document.get("detail", document))
        return found

    def _told(self, document: Any) -> list[str]:
        """A queue is told of a stream's batch only where it stood."""
        if not isinstance(document, dict):
            return names_in(document)
        if "payload" in document:
            return names_in(document["payload"]["Records"])
        if "KinesisBatchInfo" not in document:
            return names_in(document.get("requestPayload", document))
        batch = document["KinesisBatchInfo"]
        first, last = int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
        return [
            name
            for (shard_id, number), name in self.deployed.places.items()
            if shard_id == batch["shardId"] and first <= number <= last
        ]

    # What is due.

    def due(self, line: Line) -> set[str]:
        """Perhaps a few more than are: those that others of the same batch or the same source still wait for."""
        found = {*self._waiting(line), *self._on_their_way, *self._in_subscriptions}
        if line.source == REPLAYS:
            found.update(self._to_be_replayed())
        if line.end is End.FUNCTION and line.end_name not in MAPPED_QUEUES.values():
            found.update(self._unread(line.end_name))
        return {name for name in found if source_of(name) == line.source}

    def _waiting(self, line: Line) -> Iterator[str]:
        function = line.follows or line.end_name
        for invoked, payload in self._invocations:
            if invoked == function:
                yield from names_in(payload)
            elif invoked == UNDERTAKER and teller(payload) == function:
                yield from names_in(payload["requestPayload"])
        for queue, of_line in MAPPED_QUEUES.items():
            if of_line == line.name:
                for body in self._bodies(queue):
                    yield from names_in(body)
        yield from self._scheduled(line)

    def _scheduled(self, line: Line) -> Iterator[str]:
        pattern = f"%-{line.name}"
        for (name,) in self.tx.rows("SELECT name FROM schedule WHERE due_ms IS NOT NULL AND name LIKE ?", (pattern,)):
            yield from names_in(name)

    def bound_for_stream(self, line: Line) -> set[str]:
        """What is on its way to the line's stream: no more and no less."""
        found: set[str] = set()
        target = arn("kinesis", f"stream/{line.stream}")
        for body, message in self.tx.rows("SELECT body, message FROM parcel"):
            if orjson.loads(message)["target_arn"] == target:
                found.update(names_in_bytes(body))
        for record in log.read_after(self.tx, envelopes.LOG, self._checkpoint(envelopes.LOG), ALL):
            envelope = Envelope.from_bytes(record.payload)
            if envelope.bus.name == DEFAULT_BUS:
                found.update(names_in_bytes(envelope.event))
        rows = "SELECT group_id, position FROM log_subscription WHERE destination_arn = ?"
        for group_id, position in self.tx.rows(rows, (target,)):
            found.update(self._after(group_id, position))
        return found | set(self._scheduled(line))

    @cached_property
    def _invocations(self) -> list[tuple[str, Any]]:
        rows = self.tx.rows("SELECT function_arn, payload FROM async_invocation")
        return [(invoked.rpartition(":")[2], orjson.loads(payload)) for invoked, payload in rows]

    @cached_property
    def _on_their_way(self) -> set[str]:
        """In parcels, and in front of checkpoints."""
        found: set[str] = set()
        for body, message in self.tx.rows("SELECT body, message FROM parcel"):
            found.update(self._told(_document(body.decode())), names_in(orjson.loads(message)["target_arn"]))
        for name in CONSUMED:
            for record in log.read_after(self.tx, name, self._checkpoint(name), ALL):
                found.update(self._in_change(name, record))
        return found

    def _checkpoint(self, name: str) -> int:
        return checkpoints.find(self.tx, name, CONSUMED[name])

    def _in_change(self, name: str, record: LogRecord) -> list[str]:
        if name == envelopes.LOG:
            return names_in_bytes(Envelope.from_bytes(record.payload).event)
        if name != messages.LOG:
            return names_in_bytes(record.payload)
        published = orjson.loads(record.payload)
        asked = (published["subscription_arn"],)
        row = self.tx.row("SELECT endpoint FROM sns_subscription WHERE subscription_arn = ?", asked)
        return names_in(row[0]) if row is not None else self._told(_document(published["message"]))

    @cached_property
    def _in_subscriptions(self) -> set[str]:
        found: set[str] = set()
        for group_id, position in self.tx.rows("SELECT group_id, position FROM log_subscription"):
            found.update(self._after(group_id, position))
        return found

    def _after(self, group_id: int, position: int) -> Iterator[str]:
        for record in log.read_after(self.tx, subscriptions.log_name(group_id), position, ALL):
            yield from self._in_chunk(ChunkRecord.from_bytes(record.payload))

    def _in_chunk(self, chunk: ChunkRecord) -> Iterator[str]:
        rows = self.tx.rows(
            "SELECT payload FROM log_chunk WHERE stream_id = ? AND first_ms = ? AND position = ?",
            (chunk.stream_id, chunk.first_ms, chunk.position),
        )
        for (payload,) in rows:
            yield from NAME.findall(payload.decode(errors="replace"))

    def _unread(self, function: str) -> Iterator[str]:
        """By any lane of a shard."""
        for shard_log, position in self._places(function):
            for record in log.read_after(self.tx, shard_log, position, ALL):
                yield from names_in_bytes(_data(shard_log, record))

    def _places(self, function: str) -> Iterator[tuple[str, int]]:
        """(log, position of its slowest lane) of every shard that is not finished; of all if there is no mapping."""
        mapping = self.mapping_of(function) or self.deployed.unmapped.get(function)
        if mapping is None:
            return
        source = source_finder.find(self.tx, mapping)
        assert source is not None
        known = progress_store.known_shards(self.tx, mapping.uuid)
        for shard in source.list_shards(self.tx):
            if not known.get(shard.shard_id):
                lanes = progress_store.load_lanes(self.tx, mapping.uuid, shard.shard_id)
                yield shard.log, min((lane.rewound().position for lane in lanes), default=0)

    def mapping_of(self, function: str) -> EventSourceMapping | None:
        return event_source_store.find_mapping(self.tx, self.deployed.mappings.get(function, ""))

    # Replays.

    def replayed(self) -> tuple[set[str], set[str]]:
        """What replays owe by now, and what must not come."""
        owed: set[str] = set()
        withheld: set[str] = set()
        for replay, begun in self.deployed.replays.items():
            state, place = self._replay(replay)
            for time_ms, position, name in begun.kept:
                is_owed = state == "COMPLETED" or (time_ms, position) <= place
                (owed if is_owed else withheld).add(f"{name}@{replay}")
        return owed, withheld

    def _to_be_replayed(self) -> Iterator[str]:
        for replay, begun in self.deployed.replays.items():
            state, place = self._replay(replay)
            if state in ("STARTING", "RUNNING"):
                yield from (f"{name}@{replay}" for *at, name in begun.kept if tuple(at) > place)

    def tally_of_replays(self) -> Counter[str]:
        """State -> how many ended in it; with a part of their events, if that is so."""
        found: Counter[str] = Counter()
        for replay, begun in self.deployed.replays.items():
            state, place = self._replay(replay)
            count = sum(tuple(at) <= place for *at, _ in begun.kept)
            found[f"{state} after a part" if 0 < count < len(begun.kept) else state] += 1
        return found

    def _replay(self, name: str) -> tuple[str, tuple[int, int]]:
        """(state, the last event that was replayed)."""
        row = self.tx.row("SELECT state, time_ms, position FROM event_replay WHERE name = ?", (name,))
        assert row is not None, f"replay {name} is nowhere"
        return row[0], (row[1], row[2])

    # What is not at rest.

    def remains(self) -> list[str]:
        return [what for what, count in self._counts() if count]

    def _counts(self) -> Iterator[tuple[str, int]]:
        yield "asynchronous invocations", self._count("async_invocation")
        yield "parcels", self._count("parcel")
        yield "schedules", self._count("schedule WHERE due_ms IS NOT NULL")
        yield "replays", self._count("event_replay WHERE ended_ms IS NULL")
        for queue in MAPPED_QUEUES:
            box = f"box_id = (SELECT box_id FROM sqs_queue WHERE name = '{queue}')"
            for table in ("sqs_message", "sqs_content", "sqs_group"):
                yield f"{table} of {queue}", self._count(f"{table} WHERE {box}")
        for name in CONSUMED:
            yield f"changes in {name}", log.head(self.tx, name) - self._checkpoint(name)
            yield f"records in {name}", len(log.read_after(self.tx, name, 0, 10))
        for group_id, position, done in self.tx.rows("SELECT group_id, position, events_done FROM log_subscription"):
            yield "log events", log.head(self.tx, subscriptions.log_name(group_id)) - position + done
        yield from self._counts_of_mappings()

    def _counts_of_mappings(self) -> Iterator[tuple[str, int]]:
        for table in ("shard", "lane"):
            yield f"{table}s of mappings that are no more", self._count(_CLAIMS.format(table))
        for function, uuid in self.deployed.mappings.items():
            if function not in MAPPED_QUEUES.values():
                for shard_log, position in self._places(function):
                    yield f"{shard_log} for {function}", log.head(self.tx, shard_log) - position
                lanes = self.tx.rows("SELECT progress FROM event_source_lane WHERE uuid = ?", (uuid,))
                for member in (b'"sections"', b'"window"'):
                    yield f"{member.decode()} of {function}", sum(member in progress for (progress,) in lanes)

    def _count(self, what: str) -> int:
        row = self.tx.row(f"SELECT count(*) FROM {what}")
        assert row is not None
        return int(row[0])

    def _bodies(self, queue: str) -> list[str]:
        return self._queued.get(queue, [])

    @cached_property
    def _queued(self) -> dict[str, list[str]]:
        rows = self.tx.rows(
            "SELECT name, body FROM sqs_content JOIN sqs_queue USING (box_id) ORDER BY box_id, position"
        )
        found: dict[str, list[str]] = {}
        for name, body in rows:
            found.setdefault(name, []).append(body)
        return found

    def account_of(self, function: str) -> Beginning:
        """So far."""
        told = len(self._bodies(f"{function}-dead")) if function == TELLING else 0
        return Beginning(len(self.edge.handled[function]), told)

    def is_telling(self) -> bool:
        """Whether topics have something that their subscribers do not have yet."""
        return log.head(self.tx, messages.LOG) > self._checkpoint(messages.LOG)


def _document(body: str) -> Any:
    return orjson.loads(body) if body.startswith("{") else body


def _data(shard_log: str, record: LogRecord) -> bytes:
    return kinesis_records.unpack(record.payload).data if shard_log.startswith("kinesis") else record.payload
