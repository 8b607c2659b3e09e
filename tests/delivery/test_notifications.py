"""From a change of an object in the log to rows in the asynchronous queue."""

import asyncio
import contextlib
from pathlib import Path

import orjson

from delivery.scene import until
from lambent.delivery import checkpoints
from lambent.delivery.notifications import CONSUMER, Notifications
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.services.lambda_ import queue_store
from lambent.services.lambda_.queue_store import NewInvocation, QueuedInvocation
from lambent.services.s3 import notifications, store
from lambent.services.s3.notifications import ChangeRecord, FunctionNotification, NotificationConfiguration
from lambent.services.s3.records import Bucket
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def change(key: str, bucket: str = "b", event: str = notifications.CREATED_PUT) -> ChangeRecord:
    return ChangeRecord(
        event, "us-east-1", 0, bucket, "owner", key, 3, "etag", "0001", "AWS:test", "127.0.0.1", "r", "h"
    )


def function(name: str, prefix: str = "", suffix: str = "") -> FunctionNotification:
    return FunctionNotification(f"id-{name}", ARN + name, ("s3:ObjectCreated:*",), prefix=prefix, suffix=suffix)


def queued(database: Database) -> list[QueuedInvocation]:
    return database.read(lambda tx: queue_store.invocations_after(tx, 0, 1000))


def configure(tx: Transaction, *functions: FunctionNotification) -> None:
    nothing: dict[str, None] = dict.fromkeys(
        ("ownership", "public_access_block", "policy", "tags", "website", "notification")
    )
    store.insert_bucket(tx, Bucket(name="b", owner="owner", region="us-east-1", created_ms=0, acl="", **nothing))
    store.update_bucket_notification(tx, "b", NotificationConfiguration(functions).to_text())


def append(tx: Transaction, *changes: ChangeRecord) -> None:
    for one in changes:
        log.append(tx, notifications.LOG, one.to_bytes(), 0)


def test_each_matching_function_gets_an_event_of_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        database = Database.open(tmp_path / "db")
        started: list[NewInvocation] = []
        await database.write(
            lambda tx: configure(tx, function("all"), function("images", prefix="images/", suffix=".png"))
        )
        running = asyncio.create_task(
            Notifications(database=database, clock=VirtualClock(), ids=RandomIds(), start_early=started.extend).run()
        )
        await database.write(
            lambda tx: append(
                tx,
                change("images/a b.png"),
                change("notes.md"),
                change("gone", event=notifications.REMOVED_DELETE),
                change("x", bucket="unheard-of"),
            )
        )
        await until(lambda: database.read(lambda tx: checkpoints.find(tx, notifications.LOG, CONSUMER)) == 4)
        rows = queued(database)
        told = sorted((row.function_arn.removeprefix(ARN), _key(row)) for row in rows)
        assert told == [("all", "images/a+b.png"), ("all", "notes.md"), ("images", "images/a+b.png")]
        assert {row.source for row in rows} == {"s3:b"}
        assert {row.request_id for row in rows} == {new.request_id for new in started}
        assert len(started) == 3
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await database.close()

    asyncio.run(main())


def _key(row: QueuedInvocation) -> str:
    assert row.payload is not None
    key: str = orjson.loads(row.payload)["Records"][0]["s3"]["object"]["key"]
    return key
