"""From a change of an object in the log to rows in the asynchronous queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from delivery.scene import until
from lambent.delivery import checkpoints
from lambent.delivery import notifications as delivery_notifications
from lambent.delivery.notifications import CONSUMER, Notifications
from lambent.delivery.parcels import Parcels
from lambent.delivery.targets import Message, Moment, Refused, Targets
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.services.happenings import Happenings
from lambent.services.lambda_ import queue_store
from lambent.services.lambda_.queue_store import NewInvocation, QueuedInvocation
from lambent.services.s3 import notifications, store
from lambent.services.s3.notifications import ChangeRecord, Notification, NotificationConfiguration
from lambent.services.s3.records import Bucket
from lambent.storage import log, schema
from lambent.storage.connection import open_connection
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def change(key: str, bucket: str = "b", event: str = notifications.CREATED_PUT) -> ChangeRecord:
    return ChangeRecord(
        event,
        "us-east-1",
        0,
        bucket,
        "owner",
        key,
        3,
        "etag",
        "0001",
        "AWS:test",
        "127.0.0.1",
        "r",
        "h",
        owner="000000000000",
    )


def function(name: str, prefix: str = "", suffix: str = "") -> Notification:
    return Notification(f"id-{name}", ARN + name, ("s3:ObjectCreated:*",), prefix=prefix, suffix=suffix)


def queued(database: Database) -> list[QueuedInvocation]:
    return database.read(lambda tx: queue_store.invocations_after(tx, 0, 1000))


def configure(tx: Transaction, configuration: NotificationConfiguration) -> None:
    nothing: dict[str, None] = dict.fromkeys(
        ("ownership", "public_access_block", "policy", "tags", "website", "notification")
    )
    store.insert_bucket(tx, Bucket(name="b", owner="owner", region="us-east-1", created_ms=0, acl="", **nothing))
    store.update_bucket_notification(tx, "b", configuration.to_text())


def append(tx: Transaction, *changes: ChangeRecord) -> None:
    for one in changes:
        log.append(tx, notifications.LOG, one.to_bytes(), 0)


QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/default"


@dataclass
class Scene:
    """The consumer at work; queues and buses keep what they take in a log of that name."""

    database: Database
    clock: VirtualClock
    happenings: Happenings
    started: list[NewInvocation] = field(default_factory=list)
    is_closed: bool = False

    def take(self, tx: Transaction, message: Message, moment: Moment) -> None:
        if self.is_closed:
            raise Refused("NonExistentQueue", "there is no such queue")
        log.append(tx, message.target_arn, message.body, moment.now_ms)

    def taken(self, target: str) -> list[Any]:
        records = self.database.read(lambda tx: log.read_after(tx, target, 0, 1000))
        return [orjson.loads(record.payload) for record in records]

    def consumed(self) -> int:
        return self.database.read(lambda tx: checkpoints.find(tx, notifications.LOG, CONSUMER))


@contextlib.asynccontextmanager
async def scene(directory: Path, *targets: Notification, to_bus: bool = False) -> AsyncIterator[Scene]:
    database, clock, happenings = Database.open(directory / "db"), VirtualClock(), Happenings()
    made = Scene(database, clock, happenings)
    kinds = Targets({"sqs": made.take, "events": made.take})
    parcels = Parcels(
        database=database, targets=kinds, happenings=happenings, meter=Meter(), clock=clock, ids=RandomIds()
    )
    parcels.register(delivery_notifications.owner())
    consumer = Notifications(
        database=database, parcels=parcels, clock=clock, ids=RandomIds(), start_early=made.started.extend
    )
    await database.write(lambda tx: configure(tx, NotificationConfiguration(targets, to_bus)))
    running = [asyncio.create_task(consumer.run()), asyncio.create_task(parcels.run())]
    try:
        yield made
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await database.close()


def test_each_matching_function_gets_an_event_of_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, function("all"), function("images", prefix="images/", suffix=".png")) as stage:
            await stage.database.write(
                lambda tx: append(
                    tx,
                    change("images/a b.png"),
                    change("notes.md"),
                    change("gone", event=notifications.REMOVED_DELETE),
                    change("x", bucket="unheard-of"),
                )
            )
            await until(lambda: stage.consumed() == 4)
            rows = queued(stage.database)
            told = sorted((row.function_arn.removeprefix(ARN), _key(row)) for row in rows)
            assert told == [("all", "images/a+b.png"), ("all", "notes.md"), ("images", "images/a+b.png")]
            assert {row.source for row in rows} == {"s3:b"}
            assert {row.request_id for row in rows} == {new.request_id for new in stage.started}
            assert len(stage.started) == 3

    asyncio.run(main())


def test_queues_and_the_bus_are_told_with_the_checkpoint(tmp_path: Path) -> None:
    async def main() -> None:
        queue = Notification("id-q", QUEUE, ("s3:ObjectCreated:*",))
        async with scene(tmp_path, queue, to_bus=True) as stage:
            await stage.database.write(
                lambda tx: append(tx, change("a b"), change("gone", event=notifications.REMOVED_DELETE))
            )
            await until(lambda: stage.consumed() == 2)
            [told] = stage.taken(QUEUE)
            assert told["Records"][0]["s3"]["object"]["key"] == "a+b"
            assert told["Records"][0]["s3"]["configurationId"] == "id-q"
            assert [(one["object"]["key"], one["reason"]) for one in stage.taken(BUS)] == [
                ("a b", "PutObject"),
                ("gone", "DeleteObject"),
            ]

    asyncio.run(main())


def test_a_queue_that_refuses_is_tried_again_and_holds_up_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, Notification("id-q", QUEUE, ("s3:ObjectCreated:*",))) as stage:
            stage.is_closed = True
            await stage.database.write(lambda tx: append(tx, change("first")))
            await until(lambda: stage.happenings.after(0, 10, account_id="000000000000"))
            [happened] = stage.happenings.after(0, 10, account_id="000000000000")
            assert (happened["outcome"], happened["targetArn"], happened["source"]) == ("refused", QUEUE, "s3:b")
            assert "there is no such queue; another attempt follows" in happened["detail"]
            stage.is_closed = False
            await stage.clock.advance(1)
            await until(lambda: len(stage.taken(QUEUE)) == 1)

    asyncio.run(main())


def test_configurations_of_an_older_version_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their form was a list of functions; the migration makes it today's."""

    async def main() -> None:
        path = tmp_path / "db"
        old = orjson.dumps([{**asdict(function("all")), "function_arn": ARN + "all"}])
        document = orjson.loads(old)
        del document[0]["target_arn"]
        connection = open_connection(path)
        until_then = {number: script for number, script in schema._scripts().items() if number <= 16}
        with monkeypatch.context() as older:
            older.setattr(schema, "_scripts", lambda: until_then)
            schema.migrate(connection, path)
        connection.execute(
            "INSERT INTO bucket (name, owner, region, created_ms, acl, notification) VALUES ('b', '1', 'r', 0, '', ?)",
            (orjson.dumps(document).decode(),),
        )
        schema.migrate(connection, path)
        connection.close()
        database = Database.open(path)
        found = database.read(lambda tx: store.notification_configuration(tx, "b"))
        assert found == NotificationConfiguration((function("all"),))
        await database.close()

    asyncio.run(main())


def _key(row: QueuedInvocation) -> str:
    assert row.payload is not None
    key: str = orjson.loads(row.payload)["Records"][0]["s3"]["object"]["key"]
    return key
