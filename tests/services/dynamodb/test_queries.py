"""Query and Scan through boto3: ranges, order, filters, pages, segments, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

MakeTable = Callable[..., str]


@pytest.fixture(scope="module")
def table(dynamodb: Any) -> str:
    """Items a/0 to a/99 and b/0 to b/9; `even` only where the number is."""
    dynamodb.create_table(
        TableName="queried",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
            {"AttributeName": "even", "AttributeType": "S"},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-even",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "even", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for partition, count in (("a", 100), ("b", 10)):
        for number in range(count):
            item = {"pk": {"S": partition}, "sk": {"N": str(number)}, "v": {"S": f"v{number % 3}"}}
            if number % 2 == 0:
                item["even"] = {"S": f"{number:03d}"}
            dynamodb.put_item(TableName="queried", Item=item)
    return "queried"


def query(dynamodb: Any, condition: str, values: dict[str, Any], **options: Any) -> Any:
    return dynamodb.query(
        TableName="queried", KeyConditionExpression=condition, ExpressionAttributeValues=values, **options
    )


def numbers(result: Any) -> list[int]:
    return [int(item["sk"]["N"]) for item in result["Items"]]


A = {":p": {"S": "a"}}


@pytest.mark.parametrize(
    ("condition", "values", "found"),
    [
        ("sk = :x", {":x": {"N": "7"}}, [7]),
        ("sk < :x", {":x": {"N": "3"}}, [0, 1, 2]),
        ("sk <= :x", {":x": {"N": "3"}}, [0, 1, 2, 3]),
        ("sk > :x", {":x": {"N": "97"}}, [98, 99]),
        ("sk >= :x", {":x": {"N": "97"}}, [97, 98, 99]),
        ("sk BETWEEN :x AND :y", {":x": {"N": "9"}, ":y": {"N": "11"}}, [9, 10, 11]),
        ("sk = :x", {":x": {"N": "700"}}, []),
    ],
)
def test_ranges_in_both_directions(dynamodb: Any, table: str, condition: str, values: Any, found: list[int]) -> None:
    result = query(dynamodb, f"pk = :p AND {condition}", {**A, **values})
    assert numbers(result) == found
    assert (result["Count"], result["ScannedCount"]) == (len(found), len(found))
    assert "LastEvaluatedKey" not in result
    backwards = query(dynamodb, f"pk = :p AND {condition}", {**A, **values}, ScanIndexForward=False)
    assert numbers(backwards) == found[::-1]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 50, 100])
def test_pages_cover_everything_once(dynamodb: Any, table: str, limit: int, forward: bool) -> None:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :p AND sk >= :x",
        ExpressionAttributeValues={**A, ":x": {"N": "50"}},
        ScanIndexForward=forward,
        PaginationConfig={"PageSize": limit},
    )
    found = [number for page in pages for number in numbers(page)]
    assert found == (list(range(50, 100)) if forward else list(range(99, 49, -1)))


def test_filters_count_what_they_scan(dynamodb: Any, table: str) -> None:
    result = query(
        dynamodb,
        "pk = :p AND sk < :x",
        {**A, ":x": {"N": "9"}, ":v": {"S": "v1"}},
        FilterExpression="v = :v",
        ProjectionExpression="sk",
        Limit=8,
    )
    assert result["Items"] == [{"sk": {"N": "1"}}, {"sk": {"N": "4"}}, {"sk": {"N": "7"}}]
    assert (result["Count"], result["ScannedCount"]) == (3, 8)
    assert result["LastEvaluatedKey"] == {"pk": {"S": "a"}, "sk": {"N": "7"}}
    counted = query(dynamodb, "pk = :p", {**A, ":v": {"S": "v1"}}, FilterExpression="v = :v", Select="COUNT")
    assert (counted["Count"], counted["ScannedCount"], "Items" in counted) == (33, 100, False)


def test_legacy_query_and_scan(dynamodb: Any, table: str) -> None:
    result = dynamodb.query(
        TableName=table,
        KeyConditions={
            "pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
            "sk": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "4"}]},
        },
        QueryFilter={"v": {"ComparisonOperator": "NE", "AttributeValueList": [{"S": "v0"}]}},
        AttributesToGet=["sk"],
    )
    assert result["Items"] == [{"sk": {"N": "1"}}, {"sk": {"N": "2"}}]
    found = dynamodb.scan(
        TableName=table, ScanFilter={"sk": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "98"}]}}
    )
    assert sorted(numbers(found)) == [98, 99]


def test_scans_in_segments_and_pages_cover_everything_once(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    for number in range(100):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": str(number)}})
    seen: list[str] = []
    for segment in range(3):
        pages = dynamodb.get_paginator("scan").paginate(
            TableName=name, Segment=segment, TotalSegments=3, PaginationConfig={"PageSize": 7}
        )
        found = [item["pk"]["S"] for page in pages for item in page["Items"]]
        assert 10 < len(found) < 60, "segments are even"
        seen += found
    assert sorted(seen) == sorted(str(number) for number in range(100))


def test_a_page_ends_at_a_megabyte(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S", "sk:N")
    for number in range(30):
        item = {"pk": {"S": "a"}, "sk": {"N": str(number)}, "x": {"S": "x" * 100_000}}
        dynamodb.put_item(TableName=name, Item=item)
    request = {
        "TableName": name,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}},
    }
    first = dynamodb.query(**request, Select="COUNT", ReturnConsumedCapacity="TOTAL")
    assert first["Count"] == 11
    assert first["ConsumedCapacity"]["CapacityUnits"] == 134.5
    pages = list(dynamodb.get_paginator("query").paginate(**request))
    assert [page["Count"] for page in pages] == [11, 11, 8]
    scanned = list(dynamodb.get_paginator("scan").paginate(TableName=name))
    assert [page["Count"] for page in scanned] == [11, 11, 8]


def test_string_keys_order_by_their_bytes_and_numbers_by_value(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S", "sk:S")
    words = ["", "A", "Z", "a", "aa", "b", "é", "\uffff", "\U0001f600"][1:]
    for word in reversed(words):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": word}})
    request: dict[str, Any] = {"TableName": name, "ExpressionAttributeValues": {":p": {"S": "a"}}}
    found = dynamodb.query(**request, KeyConditionExpression="pk = :p")["Items"]
    assert [item["sk"]["S"] for item in found] == words
    request["ExpressionAttributeValues"][":x"] = {"S": "a"}
    found = dynamodb.query(**request, KeyConditionExpression="pk = :p AND begins_with(sk, :x)")["Items"]
    assert [item["sk"]["S"] for item in found] == ["a", "aa"]

    name = make_table("pk:S", "sk:N")
    values = ["-1E+20", "-10", "-9.5", "-0.001", "0", "0.0000001", "1", "1.5", "10", "9E+100"]
    for value in reversed(values):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"N": value}})
    found = dynamodb.query(
        TableName=name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "a"}}
    )["Items"]
    assert [float(item["sk"]["N"]) for item in found] == [float(value) for value in values]


def test_consistent_reads_and_local_indexes(dynamodb: Any, table: str) -> None:
    request = {"IndexName": "by-even", "ConsistentRead": True, "ReturnConsumedCapacity": "INDEXES"}
    result = query(dynamodb, "pk = :p AND even < :x", {**A, ":x": {"S": "005"}}, **request)
    assert result["Items"] == [
        {"pk": {"S": "a"}, "sk": {"N": str(number)}, "even": {"S": f"{number:03d}"}} for number in (0, 2, 4)
    ]
    assert result["ConsumedCapacity"]["LocalSecondaryIndexes"] == {"by-even": {"CapacityUnits": 1.0}}
    assert result["ConsumedCapacity"]["Table"] == {"CapacityUnits": 0.0}
    # What the index does not have is fetched from the table, and charged for each item.
    result = query(dynamodb, "pk = :p AND even < :x", {**A, ":x": {"S": "005"}}, **request, Select="ALL_ATTRIBUTES")
    assert [item["v"]["S"] for item in result["Items"]] == ["v0", "v2", "v1"]
    assert result["ConsumedCapacity"]["Table"] == {"CapacityUnits": 3.0}
    result = query(dynamodb, "pk = :p", A, IndexName="by-even", ProjectionExpression="v", Limit=2)
    assert result["Items"] == [{"v": {"S": "v0"}}, {"v": {"S": "v2"}}]
    assert result["LastEvaluatedKey"] == {"pk": {"S": "a"}, "sk": {"N": "2"}, "even": {"S": "002"}}
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table, IndexName="by-even", PaginationConfig={"PageSize": 9}
    )
    assert sum(page["Count"] for page in pages) == 55


START = {"pk": {"S": "a"}, "sk": {"N": "5"}}


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        (
            "query",
            {},
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
        (
            "query",
            {"KeyConditionExpression": "pk = :p", "IndexName": "absent"},
            "The table does not have the specified index: absent",
        ),
        ("query", {"KeyConditionExpression": "sk = :n"}, "Query condition missed key schema element: pk"),
        ("query", {"KeyConditionExpression": "pk > :p"}, "Query key condition not supported"),
        (
            "query",
            {"KeyConditionExpression": "pk = :p", "FilterExpression": "sk = :n"},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
        ),
        (
            "query",
            {"KeyConditionExpression": "pk = :p", "ExclusiveStartKey": {"pk": {"S": "b"}, "sk": {"N": "5"}}},
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            "query",
            {"KeyConditionExpression": "pk = :p AND sk > :n", "ExclusiveStartKey": START},
            "The provided starting key does not match the range key predicate",
        ),
        (
            "query",
            {"KeyConditionExpression": "pk = :p", "ExclusiveStartKey": {"pk": {"S": "a"}}},
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (
            "query",
            {"KeyConditionExpression": "pk = :p", "IndexName": "by-even", "ExclusiveStartKey": START},
            "The provided starting key is invalid",
        ),
        (
            "query",
            {"KeyConditionExpression": "pk = :p", "Select": "ALL_PROJECTED_ATTRIBUTES"},
            ("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"),
        ),
        (
            "query",
            {"KeyConditionExpression": "pk = :p", "Select": "COUNT", "ProjectionExpression": "v"},
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            "query",
            {"KeyConditionExpression": "pk = :p", "Select": "SPECIFIC_ATTRIBUTES"},
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            "scan",
            {"Segment": 1},
            (
                "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
                "present"
            ),
        ),
        (
            "scan",
            {"TotalSegments": 1},
            (
                "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
                "present"
            ),
        ),
        (
            "scan",
            {"Segment": 2, "TotalSegments": 2},
            (
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
                "Segment: 2 is not less than TotalSegments: 2"
            ),
        ),
    ],
)
def test_refusals(dynamodb: Any, table: str, operation: str, request_: dict[str, Any], message: str) -> None:
    text = " ".join(str(value) for value in request_.values())
    used = {name: value for name, value in {":p": {"S": "a"}, ":n": {"N": "7"}}.items() if name in text}
    values = {"ExpressionAttributeValues": used} if used else {}
    with pytest.raises(ClientError) as caught:
        getattr(dynamodb, operation)(TableName=table, **request_, **values)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.response["Error"]["Message"] == message


def test_a_start_key_of_another_segment_is_refused(dynamodb: Any, table: str) -> None:
    counts = [dynamodb.scan(TableName=table, Segment=segment, TotalSegments=2)["Count"] for segment in (0, 1)]
    assert sum(counts) == 110
    [other] = [segment for segment in (0, 1) if counts[segment] in (0, 10)]
    with pytest.raises(ClientError, match="Please use ExclusiveStartKey with correct Segment"):
        dynamodb.scan(TableName=table, Segment=other, TotalSegments=2, ExclusiveStartKey=START)
