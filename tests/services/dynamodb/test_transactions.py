"""Transactions through boto3: all or nothing, reasons in order, tokens."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

MakeTable = Callable[..., str]


@pytest.fixture
def table(make_table: MakeTable) -> str:
    return make_table("pk:S")


def key(text: str) -> dict[str, Any]:
    return {"pk": {"S": text}}


def pks(dynamodb: Any, table: str) -> list[str]:
    return sorted(item["pk"]["S"] for item in dynamodb.scan(TableName=table)["Items"])


def test_all_kinds_of_actions_together(dynamodb: Any, table: str) -> None:
    for text in ("checked", "deleted", "updated"):
        dynamodb.put_item(TableName=table, Item={**key(text), "n": {"N": "1"}})
    result = dynamodb.transact_write_items(
        TransactItems=[
            {
                "ConditionCheck": {
                    "TableName": table,
                    "Key": key("checked"),
                    "ConditionExpression": "attribute_exists(n)",
                }
            },
            {"Put": {"TableName": table, "Item": key("put")}},
            {"Delete": {"TableName": table, "Key": key("deleted")}},
            {
                "Update": {
                    "TableName": table,
                    "Key": key("updated"),
                    "UpdateExpression": "ADD n :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert result["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 8.0, "WriteCapacityUnits": 8.0}]
    assert pks(dynamodb, table) == ["checked", "put", "updated"]
    got = dynamodb.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": table, "Key": key("updated"), "ProjectionExpression": "n"}},
            {"Get": {"TableName": table, "Key": key("deleted")}},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert got["Responses"] == [{"Item": {"n": {"N": "2"}}}, {}]
    assert got["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}]


def test_a_failed_condition_cancels_everything_and_says_why(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item={**key("there"), "text": {"S": "x"}})
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": key("new")}},
                {
                    "Put": {
                        "TableName": table,
                        "Item": key("there"),
                        "ConditionExpression": "attribute_not_exists(pk)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
                {
                    "Delete": {
                        "TableName": table,
                        "Key": key("absent"),
                        "ConditionExpression": "attribute_exists(pk)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
                {
                    "Update": {
                        "TableName": table,
                        "Key": key("other"),
                        "UpdateExpression": "SET a = b",
                    }
                },
            ]
        )
    response = caught.value.response
    assert response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ConditionalCheckFailed, ValidationError]"
    )
    assert response["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {**key("there"), "text": {"S": "x"}},
        },
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"},
        {
            "Code": "ValidationError",
            "Message": "The provided expression refers to an attribute that does not exist in the item",
        },
    ]
    assert pks(dynamodb, table) == ["there"]


def test_keys_that_do_not_fit_cancel_too(dynamodb: Any, table: str) -> None:
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": key("a")}},
                {"Put": {"TableName": table, "Item": {"other": {"S": "a"}}}},
            ]
        )
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == ["None", "ValidationError"]


def test_a_token_makes_a_transaction_once(dynamodb: Any, table: str) -> None:
    def add(amount: int, token: str) -> Any:
        return dynamodb.transact_write_items(
            ClientRequestToken=token,
            TransactItems=[
                {
                    "Update": {
                        "TableName": table,
                        "Key": key("counter"),
                        "UpdateExpression": "ADD n :n",
                        "ExpressionAttributeValues": {":n": {"N": str(amount)}},
                    }
                }
            ],
            ReturnConsumedCapacity="TOTAL",
        )

    first = add(5, "token-1")
    again = add(5, "token-1")
    assert "WriteCapacityUnits" in first["ConsumedCapacity"][0]
    assert "ReadCapacityUnits" in again["ConsumedCapacity"][0]
    add(5, "token-2")
    assert dynamodb.get_item(TableName=table, Key=key("counter"))["Item"]["n"] == {"N": "10"}
    with pytest.raises(ClientError) as caught:
        add(6, "token-1")
    assert caught.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"


def test_a_cancelled_transaction_does_not_use_up_its_token(dynamodb: Any, table: str) -> None:
    request = {
        "ClientRequestToken": "token-3",
        "TransactItems": [
            {"Put": {"TableName": table, "Item": key("b")}},
            {"ConditionCheck": {"TableName": table, "Key": key("a"), "ConditionExpression": "attribute_exists(pk)"}},
        ],
    }
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(**request)
    dynamodb.put_item(TableName=table, Item=key("a"))
    dynamodb.transact_write_items(**request)
    assert pks(dynamodb, table) == ["a", "b"]


def test_concurrent_transfers_keep_the_sum(dynamodb: Any, table: str) -> None:
    for account in ("a", "b", "c"):
        dynamodb.put_item(TableName=table, Item={**key(account), "n": {"N": "10"}})

    def transfer(number: int) -> None:
        source, target = (("a", "b"), ("b", "c"), ("c", "a"))[number % 3]
        values = {":one": {"N": "1"}, ":zero": {"N": "0"}}
        with contextlib.suppress(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": table,
                            "Key": key(source),
                            "UpdateExpression": "SET n = n - :one",
                            "ConditionExpression": "n > :zero",
                            "ExpressionAttributeValues": values,
                        }
                    },
                    {
                        "Update": {
                            "TableName": table,
                            "Key": key(target),
                            "UpdateExpression": "SET n = n + :one",
                            "ExpressionAttributeValues": {":one": {"N": "1"}},
                        }
                    },
                ]
            )

    def total(_: int) -> int:
        got = dynamodb.transact_get_items(
            TransactItems=[{"Get": {"TableName": table, "Key": key(account)}} for account in ("a", "b", "c")]
        )
        return sum(int(one["Item"]["n"]["N"]) for one in got["Responses"])

    with ThreadPoolExecutor(6) as threads:
        moved = [threads.submit(transfer, number) for number in range(60)]
        seen = set(threads.map(total, range(30)))
    assert seen == {30}
    assert all(future.exception() is None for future in moved)


def test_refusals(dynamodb: Any, table: str) -> None:
    one_each = "Transaction request cannot include multiple operations on one item"
    put = {"Put": {"TableName": table, "Item": key("a")}}
    get = {"Get": {"TableName": table, "Key": key("a")}}
    for call, items, code, message in (
        (dynamodb.transact_write_items, [put, put], "ValidationException", one_each),
        (dynamodb.transact_get_items, [get, get], "ValidationException", one_each),
        (
            dynamodb.transact_write_items,
            [{**put, "Delete": {"TableName": table, "Key": key("b")}}],
            "ValidationException",
            "TransactItems can only contain one of Check, Put, Update or Delete",
        ),
        (
            dynamodb.transact_write_items,
            [{"Put": {"TableName": "absent", "Item": key("a")}}],
            "ResourceNotFoundException",
            "Requested resource not found",
        ),
    ):
        with pytest.raises(ClientError) as caught:
            call(TransactItems=items)
        assert caught.value.response["Error"] == {"Code": code, "Message": message}


def test_four_megabytes_at_most(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table("pk:S")
    text = {"S": "x" * 390_000}
    puts = [{"Put": {"TableName": table, "Item": {"pk": {"S": str(number)}, "text": text}}} for number in range(11)]
    with pytest.raises(ClientError, match="Payload Size: 42900") as refused:
        dynamodb.transact_write_items(TransactItems=puts)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert dynamodb.scan(TableName=table)["Count"] == 0
    dynamodb.transact_write_items(TransactItems=puts[:10])
    dynamodb.transact_write_items(TransactItems=puts[10:])
    keys = [{"TableName": table, "Key": {"pk": {"S": str(number)}}} for number in range(11)]
    statements = [{"Statement": f"SELECT pk FROM \"{table}\" WHERE pk = '{number}'"} for number in range(11)]
    assert len(dynamodb.transact_get_items(TransactItems=[{"Get": key} for key in keys[:10]])["Responses"]) == 10
    assert len(dynamodb.execute_transaction(TransactStatements=statements[:10])["Responses"]) == 10
    refused_reads: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (dynamodb.transact_get_items, {"TransactItems": [{"Get": key} for key in keys]}),
        (dynamodb.execute_transaction, {"TransactStatements": statements}),
    ]
    for call, request in refused_reads:
        with pytest.raises(ClientError, match="exceeds the limit of 4 MB"):
            call(**request)
