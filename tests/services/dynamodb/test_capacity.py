"""Consumed capacity by AWS's rules (Developer Guide, "DynamoDB read and write operations"), through boto3."""

from collections.abc import Callable
from typing import Any

import pytest

MakeTable = Callable[..., str]


def sized(size: int, text: str = "a") -> dict[str, Any]:
    """An item of exactly so many bytes: pk (2 + 1), x (1 + the rest)."""
    return {"pk": {"S": text}, "x": {"S": "x" * (size - 4)}}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [(0, 100, 1.0), (0, 1024, 1.0), (0, 1025, 2.0), (5000, 100, 5.0), (100, 5000, 5.0)],
)
def test_writes_cost_the_larger_of_old_and_new(
    dynamodb: Any, make_table: MakeTable, before: int, after: int, units: float
) -> None:
    name = make_table("pk:S")
    if before:
        dynamodb.put_item(TableName=name, Item=sized(before))
    result = dynamodb.put_item(TableName=name, Item=sized(after), ReturnConsumedCapacity="TOTAL")
    assert result["ConsumedCapacity"] == {"TableName": name, "CapacityUnits": units}
    deleted = dynamodb.delete_item(TableName=name, Key={"pk": {"S": "a"}}, ReturnConsumedCapacity="TOTAL")
    assert deleted["ConsumedCapacity"]["CapacityUnits"] == -(-after // 1024)


@pytest.mark.parametrize(
    ("size", "consistent", "units"), [(100, True, 1), (100, False, 0.5), (4097, True, 2), (9000, False, 1.5)]
)
def test_reads_cost_by_four_kilobytes(
    dynamodb: Any, make_table: MakeTable, size: int, consistent: bool, units: float
) -> None:
    name = make_table("pk:S")
    dynamodb.put_item(TableName=name, Item=sized(size))
    options = {"ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL"}
    got = dynamodb.get_item(TableName=name, Key={"pk": {"S": "a"}}, **options)
    assert got["ConsumedCapacity"]["CapacityUnits"] == units
    scanned = dynamodb.scan(TableName=name, **options)
    assert scanned["ConsumedCapacity"]["CapacityUnits"] == units


def test_queries_round_once_and_batches_for_each_item(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S", "sk:N")
    for number in range(10):
        item = {"pk": {"S": "a"}, "sk": {"N": str(number)}, "x": {"S": "x" * 500}}
        dynamodb.put_item(TableName=name, Item=item)
    queried = dynamodb.query(
        TableName=name,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "a"}},
        ReturnConsumedCapacity="INDEXES",
    )
    assert queried["ConsumedCapacity"] == {"TableName": name, "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}
    keys = [{"pk": {"S": "a"}, "sk": {"N": str(number)}} for number in range(10)]
    got = dynamodb.batch_get_item(RequestItems={name: {"Keys": keys}}, ReturnConsumedCapacity="TOTAL")
    assert got["ConsumedCapacity"] == [{"TableName": name, "CapacityUnits": 5.0}]


def test_indexes_are_charged_for_what_changes_in_them(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table(
        "pk:S",
        "sk:N",
        attributes="g:S l:S",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "global",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )

    def put(**attributes: str) -> Any:
        item = {"pk": {"S": "a"}, "sk": {"N": "1"}, **{key: {"S": value} for key, value in attributes.items()}}
        return dynamodb.put_item(
            TableName=name, Item=item, ReturnConsumedCapacity="INDEXES", ReturnItemCollectionMetrics="SIZE"
        )

    one, two = {"CapacityUnits": 1.0}, {"CapacityUnits": 2.0}
    first = put(g="1", l="1")
    assert first["ConsumedCapacity"] == {
        "TableName": name,
        "CapacityUnits": 3.0,
        "Table": one,
        "GlobalSecondaryIndexes": {"global": one},
        "LocalSecondaryIndexes": {"local": one},
    }
    assert first["ItemCollectionMetrics"] == {
        "ItemCollectionKey": {"pk": {"S": "a"}},
        "SizeEstimateRangeGB": [0.0, 1.0],
    }
    moved = put(g="2", l="1")["ConsumedCapacity"]  # a changed key is written twice
    assert (moved["GlobalSecondaryIndexes"], moved["LocalSecondaryIndexes"]) == ({"global": two}, {"local": one})
    grown = put(g="2", l="1", x="x")["ConsumedCapacity"]  # not projected: not charged
    assert ("GlobalSecondaryIndexes" in grown, grown["LocalSecondaryIndexes"]) == (False, {"local": one})
    gone = put(x="x")["ConsumedCapacity"]
    assert (gone["GlobalSecondaryIndexes"], gone["LocalSecondaryIndexes"]) == ({"global": one}, {"local": one})
    assert put(x="y")["ConsumedCapacity"]["CapacityUnits"] == 1.0
