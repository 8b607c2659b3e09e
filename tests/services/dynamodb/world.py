"""DynamoDB without a process around it: the operations and the background on a real database and virtual time."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lambent.delivery.table_replication import TableReplication
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import CountedIds
from lambent.kit.meter import Meter
from lambent.services.caller import Caller
from lambent.services.dynamodb.backup_retention import BackupRetention
from lambent.services.dynamodb.lifetime import Lifetime
from lambent.services.dynamodb.operations import DynamoOperations
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.replication import Replication
from lambent.services.dynamodb.table_cache import TableCache
from lambent.services.dynamodb.table_meters import TableMeters
from lambent.services.dynamodb.table_upkeep import TableUpkeep
from lambent.services.dynamodb.throttling import Throttle
from lambent.storage.database import Database

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "request-1")


class SettableClock(VirtualClock):
    def set_back(self, seconds: float) -> None:
        self._now -= seconds


@dataclass
class World:
    database: Database
    clock: SettableClock
    operations: DynamoOperations
    lifetime: Lifetime
    upkeep: TableUpkeep
    backups: BackupRetention
    meter: Meter
    table_replication: TableReplication

    async def call(self, operation: str, **request: Any) -> dict[str, Any]:
        method: Callable[..., Awaitable[dict[str, Any]]] = getattr(self.operations, operation)
        return await method(CALLER, request)

    async def create(self, name: str = "table", **options: Any) -> None:
        defaults = {
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        await self.call("create_table", TableName=name, **{**defaults, **options})

    async def put(self, text: str, **attributes: Any) -> None:
        await self.call("put_item", TableName="table", Item={"pk": {"S": text}, **attributes})

    async def items(self, name: str = "table", **options: Any) -> list[dict[str, Any]]:
        found = await self.call("scan", TableName=name, **options)
        return [orjson.loads(orjson.dumps(item)) for item in found["Items"]]

    async def pks(self) -> list[str]:
        return sorted(item["pk"]["S"] for item in await self.items())

    async def expire_by(self, attribute: str, *, enabled: bool = True) -> None:
        specification = {"AttributeName": attribute, "Enabled": enabled}
        await self.call("update_time_to_live", TableName="table", TimeToLiveSpecification=specification)

    async def enable_recovery(self, name: str = "table", **options: Any) -> None:
        specification = {"PointInTimeRecoveryEnabled": True, **options}
        await self.call("update_continuous_backups", TableName=name, PointInTimeRecoverySpecification=specification)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.database.read(lambda tx: tx.rows(sql))


@contextlib.asynccontextmanager
async def world(path: Path) -> AsyncIterator[World]:
    database, clock = Database.open(path / "db"), SettableClock()
    meter, ids = Meter(), CountedIds()
    into_streams = TableReplication(database=database, meter=meter, clock=clock, ids=ids)
    replication = Replication(into_streams.replicate, into_streams.find_failure)
    parts = DynamoParts(database, TableCache(database), Throttle(clock), clock, ids, TableMeters(meter), replication)
    yield World(
        database,
        clock,
        DynamoOperations(parts),
        Lifetime(database, clock, replication.replicate),
        TableUpkeep(database, clock),
        BackupRetention(database, clock),
        meter,
        into_streams,
    )
    await database.close()
