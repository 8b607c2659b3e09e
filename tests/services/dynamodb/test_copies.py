"""Restored tables and backups against a plain model, on virtual time, while requests go on writing between portions."""

import asyncio
import dataclasses
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambent.services.dynamodb import copy_store, upkeep_store
from lambent.services.dynamodb.errors import (
    BackupInUse,
    InvalidRestoreTime,
    LimitExceeded,
    ResourceInUse,
    ResourceNotFound,
    TableInUse,
    TableNotFound,
)
from lambent.wire.errors import ServiceError
from services.dynamodb.world import World, world

KEYS = [f"key-{number}" for number in range(8)]
INDEX = {
    "IndexName": "by-value",
    "KeySchema": [{"AttributeName": "value", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}

#: What is in a table: key -> value.
State = dict[str, str]
Steps = list[tuple[Any, ...]]

_key = st.lists(st.sampled_from(KEYS), min_size=1, max_size=1)
_keys = st.lists(st.sampled_from(KEYS), min_size=1, unique=True)
_steps = st.one_of(
    st.tuples(st.just("put"), _key),
    st.tuples(st.just("delete"), _key),
    st.tuples(st.just("update"), _key),
    st.tuples(st.just("statement"), _key),
    st.tuples(st.just("batch"), _keys, st.booleans()),
    st.tuples(st.just("transaction"), _keys, st.booleans()),
    st.tuples(st.just("expire"), _keys),
    st.tuples(st.just("wait"), st.sampled_from([0.001, 0.4, 3.0])),
    st.tuples(st.just("set back"), st.sampled_from([0.002, 1.5])),
    st.tuples(st.just("restore"), st.floats(0, 1)),
    st.tuples(st.just("back up")),
    st.tuples(st.just("portion")),
    st.tuples(st.just("portion")),
)


@dataclass
class Scene:
    """A table with point in time recovery, beside a model of it."""

    it: World
    state: State = field(default_factory=dict)
    history: list[tuple[int, State]] = field(default_factory=list)
    """The states it had, each with the time of the write that led to it."""
    restored: dict[str, State] = field(default_factory=dict)
    """What the restored tables must be like."""
    backups: dict[str, State] = field(default_factory=dict)
    """... and the backups, by ARN."""
    chore: int = -1
    count: int = 0

    async def begin(self) -> None:
        await self.it.create(
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "value", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[INDEX],
        )
        await self.it.expire_by("until")
        await self.it.enable_recovery()
        self.history.append((self.it.clock.now_ms(), {}))

    async def take(self, step: tuple[Any, ...]) -> None:
        kind, *given = step
        self.count += 1
        match kind:
            case "restore":
                await self._restore(*given)
            case "back up":
                made = await self.it.call("create_backup", TableName="table", BackupName="backup")
                self.backups[made["BackupDetails"]["BackupArn"]] = dict(self.state)
            case "portion":
                self.chore = await self.it.database.write(self._one_portion)
            case "wait":
                await self.it.clock.advance(given[0])
            case "set back":
                self.it.clock.set_back(given[0])
            case _:
                await self._write(kind, *given)
                # As the platform numbers them: never before an earlier one.
                time_ms = max(self.it.clock.now_ms(), self.history[-1][0])
                self.history.append((time_ms, dict(self.state)))

    async def _write(self, kind: str, keys: list[str], is_delete: bool = False) -> None:
        value, it = f"value-{self.count % 3}", self.it
        match kind:
            case "put":
                await it.call("put_item", TableName="table", Item=_item(keys[0], value))
            case "delete":
                await it.call("delete_item", TableName="table", Key={"pk": {"S": keys[0]}})
            case "update":
                await it.call(
                    "update_item",
                    TableName="table",
                    Key={"pk": {"S": keys[0]}},
                    UpdateExpression="SET #v = :v",
                    ExpressionAttributeNames={"#v": "value"},
                    ExpressionAttributeValues={":v": {"S": value}},
                )
            case "statement":
                [key] = keys
                deletes = key in self.state
                text = (
                    f"DELETE FROM \"table\" WHERE pk = '{key}'"
                    if deletes
                    else f"INSERT INTO \"table\" VALUE {{'pk': '{key}', 'value': '{value}'}}"
                )
                await it.call("execute_statement", Statement=text)
                self._note(keys, None if deletes else value)
                return
            case "batch":
                requests = [
                    {"DeleteRequest": {"Key": {"pk": {"S": key}}}}
                    if is_delete
                    else {"PutRequest": {"Item": _item(key, value)}}
                    for key in keys
                ]
                await it.call("batch_write_item", RequestItems={"table": requests})
            case "transaction":
                actions = [
                    {"Delete": {"TableName": "table", "Key": {"pk": {"S": key}}}}
                    if is_delete
                    else {"Put": {"TableName": "table", "Item": _item(key, value)}}
                    for key in keys
                ]
                await it.call("transact_write_items", TransactItems=actions)
            case "expire":
                await self._expire(keys)
                is_delete = True
        self._note(keys, None if is_delete or kind == "delete" else value)

    async def _expire(self, keys: list[str]) -> None:
        """They are put, and deleted by time to live in the same millisecond."""
        past = {"until": {"N": str(int(self.it.clock.now()) - 10)}}
        puts = [{"PutRequest": {"Item": {**_item(key, "x"), **past}}} for key in keys]
        await self.it.call("batch_write_item", RequestItems={"table": puts})
        await self.it.lifetime.sweep()

    def _note(self, keys: list[str], value: str | None) -> None:
        for key in keys:
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value

    async def _restore(self, part: float) -> None:
        """At some time between the beginning and now, or now."""
        began_ms, now_ms = self.history[0][0], self.it.clock.now_ms()
        name = f"restored-{self.count}"
        time: dict[str, Any] = {"UseLatestRestorableTime": True}
        expected = self.state
        if part < 0.9 and now_ms >= began_ms:
            time_ms = began_ms + int((now_ms - began_ms) * part / 0.9)
            time = {"RestoreDateTime": time_ms / 1000}
            expected = next(state for when, state in reversed(self.history) if when <= time_ms)
        await self.it.call("restore_table_to_point_in_time", SourceTableName="table", TargetTableName=name, **time)
        self.restored[name] = dict(expected)

    def _one_portion(self, tx: Any) -> int:
        return upkeep_store.do_portion(tx, after=self.chore, now_ms=self.it.clock.now_ms())

    async def check(self) -> None:
        await self.it.upkeep.work_off()
        for number, (arn, state) in enumerate(self.backups.items()):
            name = f"from-backup-{number}"
            await self.it.call("restore_table_from_backup", BackupArn=arn, TargetTableName=name)
            self.restored[name] = state
        await self.it.upkeep.work_off()
        for name, state in self.restored.items():
            expected = sorted(state.items())
            for options in ({}, {"IndexName": "by-value"}):
                found = await self.it.items(name, **options)
                assert sorted((item["pk"]["S"], item["value"]["S"]) for item in found) == expected
            described = (await self.it.call("describe_table", TableName=name))["Table"]
            assert described["ItemCount"] == described["GlobalSecondaryIndexes"][0]["ItemCount"] == len(expected)


def _item(key: str, value: str) -> dict[str, Any]:
    return {"pk": {"S": key}, "value": {"S": value}}


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a few items each, so that writes come between them."""
    monkeypatch.setattr(copy_store, "PORTION", 2)


@given(st.lists(_steps, min_size=5, max_size=40), st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_copies_are_what_the_table_was(
    tmp_path_factory: pytest.TempPathFactory, small_portions: None, steps: Steps, is_deleted: bool
) -> None:
    """Whatever is written meanwhile, and if the table itself is deleted before they are done."""

    async def main() -> None:
        async with world(tmp_path_factory.mktemp("copies")) as it:
            scene = Scene(it)
            await scene.begin()
            for step in steps:
                await scene.take(step)
            if is_deleted:
                await it.call("delete_table", TableName="table")
                [system] = (await it.call("list_backups", BackupType="SYSTEM"))["BackupSummaries"]
                scene.backups[system["BackupArn"]] = scene.state
            await scene.check()

    asyncio.run(main())


def test_nothing_is_left_of_what_nobody_needs(tmp_path: Path, small_portions: None) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            scene = Scene(it)
            await scene.begin()
            chance = random.Random(1)
            for _ in range(60):
                await scene.take(("put", [chance.choice(KEYS)]))
                await scene.take((chance.choice(["back up", "portion", "portion"]),))
            await it.call("delete_table", TableName="table")
            await it.upkeep.work_off()
            for arn in scene.backups:
                await it.call("delete_backup", BackupArn=arn)
            await it.clock.advance(36 * 86_400)
            await it.backups.forget()
            await it.upkeep.work_off()
            for relation in ("item", "past_item", "history", "copy", "backup", "chore", "index_entry", "volume"):
                assert it.rows(f"SELECT * FROM dynamodb_{relation}") == [], relation

    asyncio.run(main())


def test_a_copy_goes_on_after_a_restart(tmp_path: Path, small_portions: None) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            scene = Scene(it)
            await scene.begin()
            for key in KEYS:
                await scene.take(("put", [key]))
            await scene.take(("back up",))
            await scene.take(("restore", 1.0))
            for key in KEYS[:3]:
                await scene.take(("portion",))
                await scene.take(("delete", [key]))
        async with world(tmp_path) as it:
            await dataclasses.replace(scene, it=it).check()

    asyncio.run(main())


def test_a_copy_ends_however_much_is_written(tmp_path: Path, small_portions: None) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            scene = Scene(it)
            await scene.begin()
            for key in KEYS:
                await scene.take(("put", [key]))
            await scene.take(("restore", 1.0))
            for _ in range(2 * len(KEYS)):
                for key in KEYS:
                    await scene.take(("put", [key]))
                await scene.take(("portion",))
            assert it.rows("SELECT * FROM dynamodb_copy") == []
            await scene.check()

    asyncio.run(main())


def test_nobody_uses_a_table_that_is_being_restored(tmp_path: Path) -> None:
    """It can be described (ACK's DynamoDB notes, findings DDB-TABLE-217, -219 and -277)."""
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/restored"
    key = {"pk": {"S": "a"}}
    enabled = {"PointInTimeRecoveryEnabled": True}

    async def main() -> None:
        async with world(tmp_path) as it:
            scene = Scene(it)
            await scene.begin()
            await scene.take(("put", ["key-1"]))
            made = await it.call("create_backup", TableName="table", BackupName="backup")
            backup = {"BackupArn": made["BackupDetails"]["BackupArn"]}
            await _refused(it, "delete_backup", BackupInUse, **backup)
            await _refused(it, "restore_table_from_backup", BackupInUse, TargetTableName="restored", **backup)
            await it.upkeep.work_off()
            begun = await it.call("restore_table_from_backup", TargetTableName="restored", **backup)
            assert "IndexStatus" not in begun["TableDescription"]["GlobalSecondaryIndexes"][0]
            described = (await it.call("describe_table", TableName="restored"))["Table"]
            assert described["TableStatus"] == "CREATING"
            assert described["RestoreSummary"]["RestoreInProgress"]
            assert "restored" in (await it.call("list_tables"))["TableNames"]

            name = {"TableName": "restored"}
            await _refused(it, "put_item", ResourceNotFound, **name, Item=key)
            await _refused(it, "get_item", ResourceNotFound, **name, Key=key)
            await _refused(it, "scan", ResourceNotFound, **name)
            await _refused(it, "update_table", ResourceNotFound, **name, DeletionProtectionEnabled=True)
            await _refused(it, "describe_time_to_live", ResourceNotFound, **name)
            await _refused(it, "tag_resource", ResourceNotFound, ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
            await _refused(it, "describe_continuous_backups", TableNotFound, **name)
            await _refused(
                it, "update_continuous_backups", TableNotFound, **name, PointInTimeRecoverySpecification=enabled
            )
            await _refused(it, "create_backup", TableNotFound, **name, BackupName="backup")
            await _refused(it, "delete_table", ResourceInUse, **name)
            with pytest.raises(ResourceInUse, match="Table is being used: restored"):
                await it.create("restored")
            await _refused(it, "restore_table_from_backup", TableInUse, TargetTableName="restored", **backup)
            await _refused(it, "restore_table_from_backup", BackupInUse, TargetTableName="other", **backup)
            await _refused(it, "delete_backup", BackupInUse, **backup)

            await it.upkeep.work_off()
            await it.call("put_item", **name, Item=key)
            await it.call("delete_table", **name)
            await it.call("delete_backup", **backup)

    asyncio.run(main())


async def _refused(it: World, operation: str, error: type[ServiceError], **request: Any) -> None:
    with pytest.raises(error):
        await it.call(operation, **request)


def test_fifty_restores_at_a_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            await Scene(it).begin()
            request = {"SourceTableName": "table", "UseLatestRestorableTime": True}
            for number in range(50):
                await it.call("restore_table_to_point_in_time", TargetTableName=f"restored-{number}", **request)
            with pytest.raises(LimitExceeded, match="Only 50 restore operations can be done simultaneously"):
                await it.call("restore_table_to_point_in_time", TargetTableName="one-more", **request)
            await it.upkeep.work_off()
            await it.call("restore_table_to_point_in_time", TargetTableName="one-more", **request)

    asyncio.run(main())


def test_the_past_reaches_back_as_far_as_the_recovery_period(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            scene = Scene(it)
            await scene.begin()
            await it.enable_recovery(RecoveryPeriodInDays=2)
            began = it.clock.now()
            for day in range(5):
                await scene.take(("put", [f"key-{day}"]))
                await it.clock.advance(86_400)
                await it.backups.forget()
            assert len(it.rows("SELECT 1 FROM dynamodb_past_item")) == 2
            request = {"SourceTableName": "table", "TargetTableName": "restored"}
            with pytest.raises(InvalidRestoreTime):
                await it.call("restore_table_to_point_in_time", RestoreDateTime=began + 3 * 86_400 - 1, **request)
            await it.call("restore_table_to_point_in_time", RestoreDateTime=began + 3 * 86_400, **request)
            scene.restored["restored"] = dict(scene.history[4][1])
            await scene.check()

            disabled = {"PointInTimeRecoveryEnabled": False}
            await it.call("update_continuous_backups", TableName="table", PointInTimeRecoverySpecification=disabled)
            await it.upkeep.work_off()
            assert it.rows("SELECT 1 FROM dynamodb_past_item") == []
            await scene.take(("put", ["key-0"]))
            assert it.rows("SELECT 1 FROM dynamodb_past_item") == []

    asyncio.run(main())


def test_large_items_are_copied_a_few_at_a_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            await it.create()
            for number in range(6):
                await it.put(str(number), large={"S": "x" * 390_000})
            await it.call("create_backup", TableName="table", BackupName="backup")
            counts = []
            while it.rows("SELECT * FROM dynamodb_copy"):
                await it.database.write(lambda tx: upkeep_store.do_portion(tx, after=-1, now_ms=0))
                counts.append(len(it.rows("SELECT 1 FROM dynamodb_item")) - 6)
            assert counts == [2, 4, 6, 6, 6]

    asyncio.run(main())
