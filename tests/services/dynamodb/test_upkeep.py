"""What goes by the clock, or in the background, on a real database and virtual time: expiry, throttling, chores."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from lambent.services.dynamodb import upkeep_store
from lambent.services.dynamodb.errors import ProvisionedThroughputExceeded
from services.dynamodb.world import World, world


def test_items_expire_within_a_minute(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it, asyncio.TaskGroup() as tasks:
            await it.create()
            await it.expire_by("until")
            now = int(it.clock.now())
            await it.put("soon", until={"N": str(now + 100)})
            await it.put("later", until={"N": str(now + 1000)})
            await it.put("past", until={"N": str(now - 10)})
            await it.put("long past", until={"N": str(now - 6 * 365 * 86_400)})
            await it.put("text", until={"S": str(now - 10)})
            await it.put("never")
            running = tasks.create_task(it.lifetime.run())
            await it.clock.advance(60)
            await _eventually(it, ["later", "long past", "never", "soon", "text"])
            await it.clock.advance(100)
            await _eventually(it, ["later", "long past", "never", "text"])
            table = (await it.call("describe_table", TableName="table"))["Table"]
            assert table["ItemCount"] == 4
            running.cancel()

    asyncio.run(main())


async def _eventually(it: World, expected: list[str]) -> None:
    async with asyncio.timeout(10):
        while await it.pks() != expected:
            await asyncio.sleep(0.01)


def test_items_from_before_it_was_enabled_expire_too_and_none_after_it_was_disabled(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            await it.create()
            past = {"N": str(int(it.clock.now()) - 10)}
            for number in range(450):
                await it.put(f"{number:03d}", until=past, other={"N": "0"})
            await it.expire_by("until")
            await it.upkeep.work_off()
            await it.lifetime.sweep()
            assert await it.pks() == []

            await it.put("a", until=past)
            await it.expire_by("until", enabled=False)
            await it.lifetime.sweep()  # before the chore has come by
            await it.upkeep.work_off()
            await it.lifetime.sweep()
            assert await it.pks() == ["a"]
            assert it.rows("SELECT expires_s FROM dynamodb_item") == [(None,)]

    asyncio.run(main())


def test_deleted_tables_leave_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            index = {
                "IndexName": "index",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            await it.create(GlobalSecondaryIndexes=[index])
            for number in range(450):
                await it.put(str(number))
            await it.call("delete_table", TableName="table")
            await it.create()
            await it.put("mine")
            await it.upkeep.work_off()
            assert await it.pks() == ["mine"]
            assert len(it.rows("SELECT * FROM dynamodb_item")) == 1
            for relation in ("dynamodb_index_entry", "dynamodb_chore"):
                assert it.rows(f"SELECT * FROM {relation}") == []
            assert len(it.rows("SELECT * FROM dynamodb_volume")) == 1

    asyncio.run(main())


def test_chores_go_on_where_they_were_interrupted(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            await it.create()
            for number in range(450):
                await it.put(str(number), until={"N": "1750000001"})
            await it.expire_by("until")
            await it.database.write(_one_portion)
        async with world(tmp_path) as it:
            assert len(it.rows("SELECT 1 FROM dynamodb_item WHERE expires_s IS NOT NULL")) == 200
            await it.upkeep.work_off()
            assert len(it.rows("SELECT 1 FROM dynamodb_item WHERE expires_s IS NOT NULL")) == 450

    asyncio.run(main())


def _one_portion(tx: Any) -> None:
    assert upkeep_store.do_portion(tx, after=0, now_ms=0)


def test_a_table_throttles_only_if_it_is_asked_to(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            units = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}
            await it.create(BillingMode="PROVISIONED", ProvisionedThroughput=units)
            for number in range(20):
                await it.put(str(number))
            arn = "arn:aws:dynamodb:us-east-1:000000000000:table/table"
            await it.call("tag_resource", ResourceArn=arn, Tags=[{"Key": "lambent:throttle", "Value": "on"}])
            for number in range(3):
                await it.put(str(number))
            with pytest.raises(ProvisionedThroughputExceeded):
                await it.put("x")
            key = {"pk": {"S": "1"}}
            for _ in range(4):  # half a unit each
                await it.call("get_item", TableName="table", Key=key)
            with pytest.raises(ProvisionedThroughputExceeded):
                await it.call("get_item", TableName="table", Key=key)
            with pytest.raises(ProvisionedThroughputExceeded):
                await it.call("scan", TableName="table")
            await it.clock.advance(1)
            await it.put("x")
            await it.call("get_item", TableName="table", Key=key)
            put = {"PutRequest": {"Item": {"pk": {"S": "y"}}}}
            await it.put("x")
            await it.put("x")
            with pytest.raises(ProvisionedThroughputExceeded):
                await it.call("batch_write_item", RequestItems={"table": [put]})
            await it.call("untag_resource", ResourceArn=arn, TagKeys=["lambent:throttle"])
            await it.put("x")

    asyncio.run(main())


def test_tokens_are_forgotten_after_ten_minutes(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            await it.create()
            put = {"Put": {"TableName": "table", "Item": {"pk": {"S": "a"}}}}
            await it.call("transact_write_items", TransactItems=[put], ClientRequestToken="t")
            await it.clock.advance(599)
            await it.lifetime.sweep()
            assert len(it.rows("SELECT * FROM dynamodb_request_token")) == 1
            await it.clock.advance(2)
            other = {"Put": {"TableName": "table", "Item": {"pk": {"S": "b"}}}}
            await it.call("transact_write_items", TransactItems=[other], ClientRequestToken="t")
            assert await it.pks() == ["a", "b"]
            await it.clock.advance(601)
            await it.lifetime.sweep()
            assert it.rows("SELECT * FROM dynamodb_request_token") == []

    asyncio.run(main())


def test_chores_take_turns(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            await it.create("large")
            for number in range(450):
                await it.call("put_item", TableName="large", Item={"pk": {"S": str(number)}})
            await it.call("delete_table", TableName="large")
            await it.create()
            await it.put("a", until={"N": "1750000001"})
            await it.expire_by("until")
            first = await it.database.write(lambda tx: upkeep_store.do_portion(tx, after=-1, now_ms=0))
            second = await it.database.write(lambda tx: upkeep_store.do_portion(tx, after=first, now_ms=0))
            assert second > first
            assert len(it.rows("SELECT 1 FROM dynamodb_chore")) == 1  # the small one is done
            assert await it.database.write(lambda tx: upkeep_store.do_portion(tx, after=second, now_ms=0)) == first
            await it.upkeep.work_off()
            assert len(it.rows("SELECT 1 FROM dynamodb_item")) == 1

    asyncio.run(main())
