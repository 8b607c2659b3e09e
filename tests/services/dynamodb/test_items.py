"""PutItem, GetItem, UpdateItem and DeleteItem through boto3, client and resource."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key

from services.dynamodb.refusals import refusal

MakeTable = Callable[..., str]


@pytest.fixture
def table(dynamodb: Any, make_table: MakeTable) -> str:
    return make_table("pk:S", "sk:N")


def key(sort: int, partition: str = "a") -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"N": str(sort)}}


def test_every_type_comes_back_as_it_was(dynamodb: Any, table: str) -> None:
    item = {
        **key(1),
        "string": {"S": "héllo \U0001f600"},
        "empty": {"S": ""},
        "number": {"N": "12345678901234567890123456789012345678"},
        "small": {"N": "0.00001"},
        "binary": {"B": b"\x00\xff"},
        "no bytes": {"B": b""},
        "yes": {"BOOL": True},
        "null": {"NULL": True},
        "list": {"L": [{"S": "x"}, {"N": "1"}, {"L": []}]},
        "map": {"M": {"deep": {"M": {"B": {"B": b"1"}}}, "none": {"M": {}}}},
        "strings": {"SS": ["a", "b"]},
        "numbers": {"NS": ["1", "2.5"]},
        "binaries": {"BS": [b"1", b"2"]},
    }
    dynamodb.put_item(TableName=table, Item=item)
    assert dynamodb.get_item(TableName=table, Key=key(1))["Item"] == item
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key(2))


def test_numbers_are_returned_in_their_canonical_form(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item={**key(1), "n": {"N": "+001.500e1"}})
    assert dynamodb.get_item(TableName=table, Key=key(1))["Item"]["n"] == {"N": "15"}


def test_put_returns_the_old_item_on_demand(dynamodb: Any, table: str) -> None:
    first, second = {**key(1), "v": {"S": "1"}}, {**key(1), "w": {"S": "2"}}
    assert "Attributes" not in dynamodb.put_item(TableName=table, Item=first, ReturnValues="ALL_OLD")
    assert dynamodb.put_item(TableName=table, Item=second, ReturnValues="ALL_OLD")["Attributes"] == first
    assert dynamodb.delete_item(TableName=table, Key=key(1), ReturnValues="ALL_OLD")["Attributes"] == second
    assert "Attributes" not in dynamodb.delete_item(TableName=table, Key=key(1), ReturnValues="ALL_OLD")
    assert refusal(dynamodb.put_item, TableName=table, Item=first, ReturnValues="ALL_NEW") == (
        "ValidationException",
        "ReturnValues can only be ALL_OLD or NONE",
    )


@pytest.mark.parametrize(
    ("wanted", "attributes"),
    [
        ("NONE", None),
        ("ALL_OLD", {**key(1), "a": {"N": "1"}, "b": {"S": "x"}, "m": {"M": {"p": {"N": "1"}, "q": {"N": "2"}}}}),
        ("UPDATED_OLD", {"a": {"N": "1"}, "b": {"S": "x"}, "m": {"M": {"p": {"N": "1"}}}}),
        ("ALL_NEW", {**key(1), "a": {"N": "3"}, "m": {"M": {"p": {"N": "9"}, "q": {"N": "2"}}}, "c": {"S": "new"}}),
        ("UPDATED_NEW", {"a": {"N": "3"}, "m": {"M": {"p": {"N": "9"}}}, "c": {"S": "new"}}),
    ],
)
def test_update_returns_what_is_wanted(dynamodb: Any, table: str, wanted: str, attributes: Any) -> None:
    item = {**key(1), "a": {"N": "1"}, "b": {"S": "x"}, "m": {"M": {"p": {"N": "1"}, "q": {"N": "2"}}}}
    dynamodb.put_item(TableName=table, Item=item)
    result = dynamodb.update_item(
        TableName=table,
        Key=key(1),
        UpdateExpression="SET a = a + :two, m.p = :nine, c = :new REMOVE b",
        ExpressionAttributeValues={":two": {"N": "2"}, ":nine": {"N": "9"}, ":new": {"S": "new"}},
        ReturnValues=wanted,
    )
    assert result.get("Attributes") == attributes


def test_update_creates_what_is_not_there(dynamodb: Any, table: str) -> None:
    result = dynamodb.update_item(TableName=table, Key=key(1), ReturnValues="ALL_NEW")
    assert result["Attributes"] == key(1)
    result = dynamodb.update_item(
        TableName=table,
        Key=key(2),
        UpdateExpression="ADD n :one SET l = list_append(if_not_exists(l, :none), :x)",
        ExpressionAttributeValues={":one": {"N": "1"}, ":none": {"L": []}, ":x": {"L": [{"S": "x"}]}},
        ReturnValues="ALL_NEW",
    )
    assert result["Attributes"] == {**key(2), "n": {"N": "1"}, "l": {"L": [{"S": "x"}]}}
    assert "Attributes" not in dynamodb.update_item(TableName=table, Key=key(3), ReturnValues="ALL_OLD")


def test_conditions(dynamodb: Any, table: str) -> None:
    create = {
        "TableName": table,
        "Item": {**key(1), "v": {"N": "1"}},
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    dynamodb.put_item(**create)
    failed = ("ConditionalCheckFailedException", "The conditional request failed")
    assert refusal(dynamodb.put_item, **create) == failed
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
        dynamodb.delete_item(
            TableName=table,
            Key=key(1),
            ConditionExpression="v > :v",
            ExpressionAttributeValues={":v": {"N": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"] == {**key(1), "v": {"N": "1"}}
    assert (
        refusal(dynamodb.update_item, TableName=table, Key=key(2), ConditionExpression="attribute_exists(pk)") == failed
    )
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key(2))


def test_legacy_parameters(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item={**key(1), "v": {"N": "1"}}, Expected={"pk": {"Exists": False}})
    expected = {"v": {"Value": {"N": "2"}}}
    code, _ = refusal(dynamodb.put_item, TableName=table, Item=key(1), Expected=expected)
    assert code == "ConditionalCheckFailedException"
    result = dynamodb.update_item(
        TableName=table,
        Key=key(1),
        AttributeUpdates={"v": {"Action": "ADD", "Value": {"N": "4"}}, "w": {"Value": {"S": "x"}}},
        ReturnValues="UPDATED_NEW",
    )
    assert result["Attributes"] == {"v": {"N": "5"}, "w": {"S": "x"}}
    found = dynamodb.get_item(TableName=table, Key=key(1), AttributesToGet=["v", "absent"])
    assert found["Item"] == {"v": {"N": "5"}}


def test_projections(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(
        TableName=table, Item={**key(1), "l": {"L": [{"S": "0"}, {"S": "1"}]}, "m": {"M": {"x": {"S": "y"}}}}
    )
    found = dynamodb.get_item(
        TableName=table, Key=key(1), ProjectionExpression="#l[1], m.x", ExpressionAttributeNames={"#l": "l"}
    )
    assert found["Item"] == {"l": {"L": [{"S": "1"}]}, "m": {"M": {"x": {"S": "y"}}}}
    # An item without any of them is still there.
    assert dynamodb.get_item(TableName=table, Key=key(1), ProjectionExpression="absent")["Item"] == {}


@pytest.mark.parametrize(
    ("update", "creates"),
    [
        ({}, True),
        ({"UpdateExpression": "REMOVE a"}, False),
        ({"UpdateExpression": "DELETE a :s", "ExpressionAttributeValues": {":s": {"SS": ["x"]}}}, False),
        ({"AttributeUpdates": {"a": {"Action": "DELETE"}}}, False),
        ({"UpdateExpression": "REMOVE a SET b = :s", "ExpressionAttributeValues": {":s": {"S": "x"}}}, True),
    ],
)
def test_an_update_that_only_removes_creates_no_item(
    dynamodb: Any, table: str, update: dict[str, Any], creates: bool
) -> None:
    """Observed at AWS: https://github.com/scylladb/scylladb/issues/5862"""
    answer = dynamodb.update_item(TableName=table, Key=key(99), ReturnValues="ALL_NEW", **update)
    assert ("Attributes" in answer) is creates
    assert ("Item" in dynamodb.get_item(TableName=table, Key=key(99))) is creates


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("get_item", {"Key": {"pk": {"S": "a"}}}, "The provided key element does not match the schema"),
        (
            "get_item",
            {"Key": {"pk": {"N": "1"}, "sk": {"N": "1"}}},
            "The provided key element does not match the schema",
        ),
        (
            "put_item",
            {"Item": {"pk": {"S": "a"}}},
            "One or more parameter values were invalid: Missing the key sk in the item",
        ),
        (
            "put_item",
            {"Item": {"pk": {"S": "a"}, "sk": {"S": "1"}}},
            "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S",
        ),
        (
            "put_item",
            {"Item": {**key(1), "x": {"S": "x" * 410_000}}},
            "Item size has exceeded the maximum allowed size",
        ),
        (
            "update_item",
            {
                "Key": key(1),
                "UpdateExpression": "SET pk = :x",
                "ExpressionAttributeValues": {":x": {"S": "x"}},
            },
            "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
        ),
        (
            "update_item",
            {"Key": key(1), "UpdateExpression": "SET a = b"},
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        (
            "put_item",
            {"Item": key(1), "ConditionExpression": "a = :a", "Expected": {"a": {"Exists": False}}},
            (
                "Can not use both expression and non-expression parameters in the same request: "
                "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"
            ),
        ),
        (
            "put_item",
            {"Item": key(1), "ConditionExpression": "a = a.b", "ExpressionAttributeValues": {":x": {"S": "x"}}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}",
        ),
    ],
)
def test_refusals(dynamodb: Any, table: str, operation: str, request_: Any, message: str) -> None:
    assert refusal(getattr(dynamodb, operation), TableName=table, **request_) == ("ValidationException", message)


def test_a_failed_update_leaves_its_neighbours_alone(dynamodb: Any, table: str) -> None:
    """They share commits, not fates."""

    def write(number: int) -> bool:
        try:
            dynamodb.update_item(
                TableName=table,
                Key=key(number),
                UpdateExpression="SET n = :n",
                ConditionExpression="attribute_exists(pk)" if number % 2 else "attribute_not_exists(pk)",
                ExpressionAttributeValues={":n": {"N": "1"}},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(write, range(40))) == [number % 2 == 0 for number in range(40)]
    assert dynamodb.scan(TableName=table)["Count"] == 20


def test_a_conditional_write_succeeds_once(dynamodb: Any, table: str) -> None:
    def claim(number: int) -> int:
        try:
            dynamodb.put_item(
                TableName=table,
                Item={**key(1), "by": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claim, range(40))) == 1


def test_counters_lose_nothing(dynamodb: Any, table: str) -> None:
    def count(_: int) -> None:
        dynamodb.update_item(
            TableName=table, Key=key(1), UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}}
        )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(100)))
    assert dynamodb.get_item(TableName=table, Key=key(1))["Item"]["n"] == {"N": "100"}


def test_the_resource_api(platform: Any, table: str) -> None:
    resource = boto3.resource(
        "dynamodb",
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    games = resource.Table(table)
    with games.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={"pk": "game", "sk": number, "score": Decimal(number) / 4, "tags": {"a", "b"}})
    assert games.item_count == 60
    found = games.query(
        KeyConditionExpression=Key("pk").eq("game") & Key("sk").between(10, 19),
        FilterExpression=Attr("score").gt(Decimal("3.5")) & Attr("tags").contains("a"),
    )
    assert [int(item["sk"]) for item in found["Items"]] == [15, 16, 17, 18, 19]
    assert (found["Count"], found["ScannedCount"]) == (5, 10)
    assert games.scan(Select="COUNT")["Count"] == 60
