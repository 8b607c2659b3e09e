"""The books, read from a database at rest or at work: for each line, what is due, what was given up, what arrived.

Due is whatever lies where the platform will yet look for it: in front of a checkpoint, in a queue that a mapping reads,
among asynchronous invocations, parcels and schedules. When all is done, `remains` tells that none of it is left.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from delivery.conservation.edge import NAME, Edge, names_in, source_of
from delivery.conservation.sources import DEAD, GIVEN_UP, MAPPED_QUEUES, Deployed, Line
from lambent.delivery import checkpoints, notifications, rules, topics
from lambent.delivery.event_source_mappings import progress_store, source_finder
from lambent.services.events import envelopes
from lambent.services.lambda_ import event_source_store
from lambent.services.logs import subscriptions
from lambent.services.logs.subscriptions import ChunkRecord
from lambent.services.s3 import notifications as object_changes
from lambent.services.sns import messages
from lambent.storage import log
from lambent.storage.transaction import Transaction

#: Log -> its consumer.
CONSUMED = {
    object_changes.LOG: notifications.CONSUMER,
    messages.LOG: topics.CONSUMER,
    envelopes.LOG: rules.CONSUMER,
}


_OBJECTS = "SELECT data FROM object JOIN small_blob ON small_blob.id = small_blob_id WHERE bucket = ?"


@dataclass(frozen=True)
class Books:
    tx: Transaction
    edge: Edge
    deployed: Deployed

    def arrived(self, line: Line) -> Counter[str]:
        if line.is_inbox:
            return Counter(name for body in self._bodies(line.name) for name in names_in(body))
        return Counter(self.edge.handled[line.name])

    def given_up(self, line: Line) -> Counter[str]:
        """In its dead-letter queue, in the bucket, with the undertaker."""
        found: Counter[str] = Counter()
        for queue, of_line in DEAD.items():
            if of_line == line.gives_up_as:
                for body in self._bodies(queue):
                    found.update(self._told(body))
        for (data,) in self.tx.rows(_OBJECTS, (GIVEN_UP,)):
            document = orjson.loads(data)
            if document["requestContext"]["functionArn"].endswith(f":{line.name}"):
                found.update(names_in(document["payload"]))
        if line.name == "events":
            found.update(set(self.edge.handled["undertaker"]))  # who may be told again
        return found

    def due(self, line: Line) -> set[str]:
        """Perhaps a few more than are: those that others of the same batch or the same source still wait for."""
        found = {*self._waiting(line), *self._in_front_of_checkpoints()}
        mapping = event_source_store.find_mapping(self.tx, self.deployed.mappings.get(line.name, ""))
        if mapping is not None and line.name not in MAPPED_QUEUES.values():
            for name in self._unread(mapping.uuid):
                found.add(name)
        return {name for name in found if source_of(name) == line.source}

    def remains(self) -> list[str]:
        """Whatever is not at rest."""
        return [what for what, count in self._counts() if count]

    def _bodies(self, queue: str) -> list[str]:
        rows = self.tx.rows(
            "SELECT body FROM sqs_content JOIN sqs_queue USING (box_id) WHERE name = ? ORDER BY position", (queue,)
        )
        return [body for (body,) in rows]

    def _told(self, body: str) -> list[str]:
        """A queue is told of a stream's batch only where it stood."""
        document = orjson.loads(body) if body.startswith("{") else body
        if not isinstance(document, dict) or "KinesisBatchInfo" not in document:
            return names_in(document if not isinstance(document, dict) else document.get("requestPayload", document))
        batch = document["KinesisBatchInfo"]
        first, last = int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
        return [
            name
            for (shard_id, number), name in self.deployed.places.items()
            if shard_id == batch["shardId"] and first <= number <= last
        ]

    def _waiting(self, line: Line) -> Iterator[str]:
        invoked = ["events", "undertaker"] if line.name == "events" else [line.gives_up_as]
        for arn, payload in self.tx.rows("SELECT function_arn, payload FROM async_invocation"):
            if arn.rpartition(":")[2] in invoked:
                yield from names_in(orjson.loads(payload))
        for (body,) in self.tx.rows("SELECT body FROM parcel"):
            yield from names_in(_document(body))
        for queue, of_line in MAPPED_QUEUES.items():
            if of_line == line.name:
                for body in self._bodies(queue):
                    yield from names_in(body)
        pattern = f"%-{line.name}"
        for (name,) in self.tx.rows("SELECT name FROM schedule WHERE due_ms IS NOT NULL AND name LIKE ?", (pattern,)):
            yield from names_in(name)

    def _in_front_of_checkpoints(self) -> Iterator[str]:
        for name, consumer in CONSUMED.items():
            yield from self._logged(name, checkpoints.find(self.tx, name, consumer))
        for group_id, position in self.tx.rows("SELECT group_id, position FROM log_subscription"):
            for record in log.read_after(self.tx, subscriptions.log_name(group_id), position, 100_000):
                yield from self._in_chunk(ChunkRecord.from_bytes(record.payload))

    def _in_chunk(self, chunk: ChunkRecord) -> Iterator[str]:
        rows = self.tx.rows(
            "SELECT payload FROM log_chunk WHERE stream_id = ? AND first_ms = ? AND position = ?",
            (chunk.stream_id, chunk.first_ms, chunk.position),
        )
        for (payload,) in rows:
            yield from NAME.findall(payload.decode(errors="replace"))

    def _unread(self, uuid: str) -> Iterator[str]:
        """By any lane of a shard."""
        for shard_log, position in self._places(uuid):
            yield from self._logged(shard_log, position)

    def _places(self, uuid: str) -> Iterator[tuple[str, int]]:
        """(log, position of its slowest lane) of every shard that is not finished."""
        mapping = event_source_store.find_mapping(self.tx, uuid)
        assert mapping is not None
        source = source_finder.find(self.tx, mapping)
        assert source is not None
        known = progress_store.known_shards(self.tx, uuid)
        for shard in source.list_shards(self.tx):
            if not known.get(shard.shard_id):
                lanes = progress_store.load_lanes(self.tx, uuid, shard.shard_id)
                yield shard.log, min((lane.rewound().position for lane in lanes), default=0)

    def _logged(self, name: str, position: int) -> Iterator[str]:
        for record in log.read_after(self.tx, name, position, 100_000):
            yield from NAME.findall(record.payload.decode(errors="replace"))

    def _counts(self) -> Iterator[tuple[str, int]]:
        yield "asynchronous invocations", self._count("async_invocation")
        yield "parcels", self._count("parcel")
        yield "schedules", self._count("schedule WHERE due_ms IS NOT NULL")
        for queue in MAPPED_QUEUES:
            box = f"box_id = (SELECT box_id FROM sqs_queue WHERE name = '{queue}')"
            for table in ("sqs_message", "sqs_content", "sqs_group"):
                yield f"{table} of {queue}", self._count(f"{table} WHERE {box}")
        for name, consumer in CONSUMED.items():
            yield f"changes in {name}", log.head(self.tx, name) - checkpoints.find(self.tx, name, consumer)
            yield f"records in {name}", len(log.read_after(self.tx, name, 0, 10))
        for group_id, position, done in self.tx.rows("SELECT group_id, position, events_done FROM log_subscription"):
            yield "log events", log.head(self.tx, subscriptions.log_name(group_id)) - position + done
        for line, uuid in self.deployed.mappings.items():
            if line not in MAPPED_QUEUES.values():
                for shard_log, position in self._places(uuid):
                    yield f"{shard_log} for {line}", log.head(self.tx, shard_log) - position
                lanes = self.tx.rows("SELECT progress FROM event_source_lane WHERE uuid = ?", (uuid,))
                for member in (b'"sections"', b'"window"'):
                    yield f"{member.decode()} of {line}", sum(member in progress for (progress,) in lanes)

    def _count(self, what: str) -> int:
        row = self.tx.row(f"SELECT count(*) FROM {what}")
        assert row is not None
        return int(row[0])


def _document(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode()
