"""Secondary indexes: kept with the item, sparse, projected, filled when they come late."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

MakeTable = Callable[..., str]


def index(name: str, partition: str, sort: str = "", **projection: Any) -> dict[str, Any]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    if sort:
        keys.append({"AttributeName": sort, "KeyType": "RANGE"})
    return {"IndexName": name, "KeySchema": keys, "Projection": projection or {"ProjectionType": "ALL"}}


@pytest.fixture
def table(make_table: MakeTable) -> str:
    return make_table(
        "pk:S",
        attributes="g:S n:N",
        GlobalSecondaryIndexes=[
            index("all", "g", "n"),
            index("keys", "g", ProjectionType="KEYS_ONLY"),
            index("some", "g", "n", ProjectionType="INCLUDE", NonKeyAttributes=["x"]),
        ],
    )


def look(dynamodb: Any, table: str, name: str, group: str, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dynamodb.query(
        TableName=table,
        IndexName=name,
        KeyConditionExpression="g = :g",
        ExpressionAttributeValues={":g": {"S": group}},
        **options,
    )["Items"]
    return found


def until_active(dynamodb: Any, table: str, name: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        indexes = dynamodb.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
        if {one["IndexName"]: one["IndexStatus"] for one in indexes}.get(name) == "ACTIVE":
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_projections(dynamodb: Any, table: str) -> None:
    item = {"pk": {"S": "1"}, "g": {"S": "a"}, "n": {"N": "1"}, "x": {"S": "x"}, "y": {"S": "y"}}
    dynamodb.put_item(TableName=table, Item=item)
    assert look(dynamodb, table, "all", "a") == [item]
    assert look(dynamodb, table, "keys", "a") == [{"pk": item["pk"], "g": item["g"]}]
    assert look(dynamodb, table, "some", "a") == [{name: item[name] for name in ("pk", "g", "n", "x")}]


def test_entries_follow_their_item(dynamodb: Any, table: str) -> None:
    def update(expression: str, **values: Any) -> None:
        given = {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}} if values else {}
        dynamodb.update_item(TableName=table, Key={"pk": {"S": "1"}}, UpdateExpression=expression, **given)

    def groups(name: str) -> dict[str, int]:
        return {group: len(look(dynamodb, table, name, group)) for group in ("a", "b")}

    update("SET g = :g, n = :n", g={"S": "a"}, n={"N": "1"})
    assert groups("all") == groups("keys") == groups("some") == {"a": 1, "b": 0}
    update("SET g = :g", g={"S": "b"})
    assert groups("all") == groups("keys") == groups("some") == {"a": 0, "b": 1}
    update("SET x = :x", x={"S": "new"})
    assert look(dynamodb, table, "some", "b")[0]["x"] == {"S": "new"}
    assert look(dynamodb, table, "all", "b")[0]["x"] == {"S": "new"}
    update("REMOVE n")  # sparse: without its key attribute it leaves two of them
    assert groups("all") == groups("some") == {"a": 0, "b": 0}
    assert groups("keys") == {"a": 0, "b": 1}
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "1"}})
    assert groups("keys") == {"a": 0, "b": 0}
    described = dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]
    assert {(one["ItemCount"], one["IndexSizeBytes"]) for one in described} == {(0, 0)}


def test_many_items_under_one_index_key_in_pages(dynamodb: Any, table: str) -> None:
    for number in range(25):
        item = {"pk": {"S": str(number)}, "g": {"S": "a"}, "n": {"N": str(number // 10)}}
        dynamodb.put_item(TableName=table, Item=item)
    for forward in (True, False):
        pages = dynamodb.get_paginator("query").paginate(
            TableName=table,
            IndexName="all",
            KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": "a"}},
            ScanIndexForward=forward,
            PaginationConfig={"PageSize": 4},
        )
        found = [item for page in pages for item in page["Items"]]
        assert sorted(int(item["pk"]["S"]) for item in found) == list(range(25))
        sorts = [int(item["n"]["N"]) for item in found]
        assert sorts == sorted(sorts, reverse=not forward)
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, IndexName="keys", PaginationConfig={"PageSize": 4})
    assert sum(page["Count"] for page in pages) == 25


def test_what_an_index_cannot_give_is_refused(dynamodb: Any, table: str) -> None:
    for options, message in (
        ({"ConsistentRead": True}, "Consistent reads are not supported on global secondary indexes"),
        (
            {"Select": "ALL_ATTRIBUTES"},
            (
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
                "secondary index keys because its projection type is not ALL"
            ),
        ),
        (
            {"ProjectionExpression": "pk, y"},
            "One or more parameter values were invalid: Global secondary index keys does not project [y]",
        ),
        (
            {"FilterExpression": "attribute_exists(y)"},
            (
                "One or more parameter values were invalid: Secondary index keys does not project one or more filter "
                "attributes: [y]"
            ),
        ),
    ):
        with pytest.raises(ClientError) as caught:
            look(dynamodb, table, "keys", "a", **options)
        assert caught.value.response["Error"]["Message"] == message


def test_unfit_index_keys_are_refused(dynamodb: Any, table: str) -> None:
    with pytest.raises(ClientError) as caught:
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "1"}, "g": {"N": "1"}})
    assert caught.value.response["Error"]["Message"] == (
        "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: all"
    )
    with pytest.raises(ClientError) as caught:
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": "1"}},
            UpdateExpression="SET g = :g",
            ExpressionAttributeValues={":g": {"N": "1"}},
        )
    assert caught.value.response["Error"]["Message"] == (
        "The update expression attempted to update the secondary index key to unsupported type"
    )
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"pk": {"S": "1"}})


def test_a_late_index_is_filled_and_a_deleted_one_is_gone(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    requests = [
        {"PutRequest": {"Item": {"pk": {"S": str(number)}, "late": {"N": "1"} if number % 2 else {"S": "unfit"}}}}
        for number in range(500)
    ]
    for start in range(0, 500, 25):
        dynamodb.batch_write_item(RequestItems={name: requests[start : start + 25]})
    updated = dynamodb.update_table(
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "late", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexUpdates=[{"Create": index("late", "late", ProjectionType="KEYS_ONLY")}],
    )["TableDescription"]
    [creating] = updated["GlobalSecondaryIndexes"]
    assert (creating["IndexStatus"], creating["Backfilling"]) == ("CREATING", True)
    for number in range(500, 550):  # while it is being filled
        dynamodb.put_item(TableName=name, Item={"pk": {"S": str(number)}, "late": {"N": "1"}})
        dynamodb.delete_item(TableName=name, Key={"pk": {"S": str(number - 499)}})
    until_active(dynamodb, name, "late")
    found = dynamodb.query(
        TableName=name,
        IndexName="late",
        KeyConditionExpression="late = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )["Items"]
    expected = {str(number) for number in range(51, 500, 2)} | {str(number) for number in range(500, 550)}
    assert {item["pk"]["S"] for item in found} == expected
    [described] = dynamodb.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
    assert described["ItemCount"] == len(expected)

    dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "late"}}])
    deadline = time.monotonic() + 10
    while "GlobalSecondaryIndexes" in dynamodb.describe_table(TableName=name)["Table"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["AttributeDefinitions"] == [{"AttributeName": "pk", "AttributeType": "S"}]
    with pytest.raises(ClientError, match="The table does not have the specified index: late"):
        dynamodb.scan(TableName=name, IndexName="late")
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "x"}, "late": {"S": "free again"}})


@pytest.mark.parametrize(
    ("updates", "code", "message"),
    [
        (
            [{}],
            "ValidationException",
            (
                "One or more parameter values were invalid: One of GlobalSecondaryIndexUpdate.Update, "
                "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"
            ),
        ),
        (
            [{"Delete": {"IndexName": "all"}}, {"Delete": {"IndexName": "keys"}}],
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ),
        (
            [{"Create": index("new", "undefined")}],
            "ValidationException",
            "One or more parameter values were invalid: AttributeDefinitions is not specified for index: new",
        ),
        (
            [{"Delete": {"IndexName": "absent"}}],
            "ResourceNotFoundException",
            "Requested resource not found: Table: {table} Index: absent not found",
        ),
        (
            [{"Create": index("all", "g")}],
            "ValidationException",
            "Attempting to create an index which already exists",
        ),
    ],
)
def test_refused_updates(platform: Any, table: str, updates: Any, code: str, message: str) -> None:
    impatient = platform.client("dynamodb", config=Config(retries={"max_attempts": 0}))
    with pytest.raises(ClientError) as caught:
        impatient.update_table(TableName=table, GlobalSecondaryIndexUpdates=updates)
    assert caught.value.response["Error"] == {"Code": code, "Message": message.replace("{table}", table)}
