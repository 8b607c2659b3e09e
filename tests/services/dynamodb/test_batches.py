"""BatchGetItem and BatchWriteItem through boto3."""

from collections.abc import Callable
from typing import Any

from services.dynamodb.refusals import refusal

MakeTable = Callable[..., str]


def put(text: str, **more: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"pk": {"S": text}, **more}}}


def delete(text: str) -> dict[str, Any]:
    return {"DeleteRequest": {"Key": {"pk": {"S": text}}}}


def test_several_tables_at_once(dynamodb: Any, make_table: MakeTable) -> None:
    one, two = make_table("pk:S"), make_table("pk:S")
    dynamodb.put_item(TableName=one, Item={"pk": {"S": "old"}})
    result = dynamodb.batch_write_item(
        RequestItems={one: [put("a"), delete("old"), delete("absent")], two: [put("b", x={"N": "1"})]},
        ReturnConsumedCapacity="TOTAL",
    )
    assert result["UnprocessedItems"] == {}
    units = {used["TableName"]: used["CapacityUnits"] for used in result["ConsumedCapacity"]}
    assert units == {one: 3.0, two: 1.0}
    found = dynamodb.batch_get_item(
        RequestItems={
            one: {"Keys": [{"pk": {"S": text}} for text in ("a", "old")], "ConsistentRead": True},
            two: {"Keys": [{"pk": {"S": "b"}}], "ProjectionExpression": "x"},
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert found["Responses"] == {one: [{"pk": {"S": "a"}}], two: [{"x": {"N": "1"}}]}
    assert found["UnprocessedKeys"] == {}
    units = {used["TableName"]: used["CapacityUnits"] for used in found["ConsumedCapacity"]}
    assert units == {one: 2.0, two: 0.5}


def test_a_hundred_keys(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    for start in range(0, 100, 25):
        dynamodb.batch_write_item(RequestItems={name: [put(str(number)) for number in range(start, start + 25)]})
    keys = [{"pk": {"S": str(number)}} for number in range(100)]
    found = dynamodb.batch_get_item(RequestItems={name: {"Keys": keys}})
    assert [item["pk"]["S"] for item in found["Responses"][name]] == [str(number) for number in range(100)]


def test_sixteen_megabytes_and_the_rest_later(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    large = {"x": {"S": "x" * 390_000}}
    for start in range(0, 45, 15):
        dynamodb.batch_write_item(
            RequestItems={name: [put(str(number), **large) for number in range(start, start + 15)]}
        )
    keys = [{"pk": {"S": str(number)}} for number in range(45)]
    first = dynamodb.batch_get_item(RequestItems={name: {"Keys": keys, "ConsistentRead": True}})
    assert len(first["Responses"][name]) == 43
    assert first["UnprocessedKeys"] == {name: {"Keys": keys[43:], "ConsistentRead": True}}
    second = dynamodb.batch_get_item(RequestItems=first["UnprocessedKeys"])
    assert len(second["Responses"][name]) == 2


def test_refusals(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    duplicates = ("ValidationException", "Provided list of item keys contains duplicates")
    assert refusal(dynamodb.batch_write_item, RequestItems={name: [put("a"), delete("a")]}) == duplicates
    assert refusal(dynamodb.batch_get_item, RequestItems={name: {"Keys": [{"pk": {"S": "a"}}] * 2}}) == duplicates
    other = make_table("pk:S")
    many = {name: [put(str(number)) for number in range(13)], other: [put(str(number)) for number in range(13)]}
    assert refusal(dynamodb.batch_write_item, RequestItems=many) == (
        "ValidationException",
        "Too many items requested for the BatchWriteItem call",
    )
    keys = [{"pk": {"S": str(number)}} for number in range(51)]
    assert refusal(dynamodb.batch_get_item, RequestItems={name: {"Keys": keys}, other: {"Keys": keys}}) == (
        "ValidationException",
        "Too many items requested for the BatchGetItem call",
    )
    assert refusal(dynamodb.batch_write_item, RequestItems={name: [{"DeleteRequest": {"Key": {"x": {"S": "a"}}}}]}) == (
        "ValidationException",
        "The provided key element does not match the schema",
    )
    assert refusal(dynamodb.batch_get_item, RequestItems={"absent": {"Keys": keys[:1]}}) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )
    code, message = refusal(dynamodb.batch_write_item, RequestItems={name: [put("a")] * 26})
    assert code == "ValidationException"
    assert "Member must have length less than or equal to 25" in message
