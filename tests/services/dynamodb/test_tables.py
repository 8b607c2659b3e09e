"""Tables through boto3: created, described, listed, changed, deleted."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.dynamodb.refusals import refusal

MakeTable = Callable[..., str]


def described(dynamodb: Any, name: str) -> dict[str, Any]:
    table: dict[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
    return table


def test_a_table_is_created_described_and_deleted(dynamodb: Any) -> None:
    created = dynamodb.create_table(
        TableName="first.Table_1",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        SSESpecification={"Enabled": True},
        TableClass="STANDARD_INFREQUENT_ACCESS",
        Tags=[{"Key": "team", "Value": "games"}],
    )["TableDescription"]
    assert created["TableStatus"] == "CREATING"
    dynamodb.get_waiter("table_exists").wait(TableName="first.Table_1")
    table = described(dynamodb, "first.Table_1")
    assert table["TableStatus"] == "ACTIVE"
    assert table["TableId"] == created["TableId"]
    assert table["TableArn"] == "arn:aws:dynamodb:us-east-1:000000000000:table/first.Table_1"
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert table["ProvisionedThroughput"] == {
        "ReadCapacityUnits": 3,
        "WriteCapacityUnits": 4,
        "NumberOfDecreasesToday": 0,
    }
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["LatestStreamArn"] == f"{table['TableArn']}/stream/{table['LatestStreamLabel']}"
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    assert (table["ItemCount"], table["TableSizeBytes"]) == (0, 0)
    assert dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == [{"Key": "team", "Value": "games"}]
    assert dynamodb.describe_table(TableName=table["TableArn"])["Table"]["TableId"] == created["TableId"]

    gone = dynamodb.delete_table(TableName="first.Table_1")["TableDescription"]
    assert gone["TableStatus"] == "DELETING"
    dynamodb.get_waiter("table_not_exists").wait(TableName="first.Table_1")


def test_counts_follow_every_write(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    for number in range(5):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": str(number)}, "data": {"S": "x" * 10}})
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "0"}, "data": {"S": "x" * 30}})
    dynamodb.delete_item(TableName=name, Key={"pk": {"S": "1"}})
    dynamodb.delete_item(TableName=name, Key={"pk": {"S": "absent"}})
    table = described(dynamodb, name)
    # "pk" + one digit + "data" + the text
    assert (table["ItemCount"], table["TableSizeBytes"]) == (4, 4 * (2 + 1 + 4 + 10) + 20)


def test_deleting_takes_the_items_along_and_frees_the_name(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    for number in range(30):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": str(number)}})
    before = described(dynamodb, name)["TableId"]
    dynamodb.delete_table(TableName=name)
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert described(dynamodb, name)["TableId"] != before
    assert dynamodb.scan(TableName=name)["Count"] == 0


def test_tables_are_listed_in_pages_by_region(platform: Any) -> None:
    here = platform.client("dynamodb", region_name="eu-west-3")
    for letter in "abcde":
        here.create_table(
            TableName=f"list-{letter}",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    first = here.list_tables(Limit=2)
    assert (first["TableNames"], first["LastEvaluatedTableName"]) == (["list-a", "list-b"], "list-b")
    pages = here.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2})
    assert [name for page in pages for name in page["TableNames"]] == [f"list-{letter}" for letter in "abcde"]
    assert "list-a" not in platform.client("dynamodb").list_tables()["TableNames"]
    assert refusal(here.describe_table, TableName="list-z") == (
        "ResourceNotFoundException",
        "Requested resource not found: Table: list-z not found",
    )


def test_update_table(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    updated = dynamodb.update_table(
        TableName=name,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    )["TableDescription"]
    assert updated["TableStatus"] == "UPDATING"
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    dynamodb.update_table(TableName=name, TableClass="STANDARD_INFREQUENT_ACCESS")
    table = described(dynamodb, name)
    assert table["TableStatus"] == "ACTIVE"
    assert table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert table["DeletionProtectionEnabled"] is True
    assert table["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert refusal(dynamodb.delete_table, TableName=name)[0] == "ValidationException"
    code, message = refusal(
        dynamodb.update_table,
        TableName=name,
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    )
    assert code == "ValidationException"
    assert message.startswith("The provisioned throughput for the table will not change.")
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=name)


def test_a_stream_is_switched_on_and_off_and_gets_a_new_label(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    enable = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    first = dynamodb.update_table(TableName=name, StreamSpecification=enable)["TableDescription"]["LatestStreamArn"]
    assert refusal(dynamodb.update_table, TableName=name, StreamSpecification=enable) == (
        "ValidationException",
        f"Table already has an enabled stream: TableName: {name}",
    )
    dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    assert refusal(dynamodb.update_table, TableName=name, StreamSpecification={"StreamEnabled": False}) == (
        "ValidationException",
        f"Table has no stream to disable: TableName: {name}",
    )
    table = described(dynamodb, name)
    assert "StreamSpecification" not in table
    assert table["LatestStreamArn"] == first
    time.sleep(0.002)  # labels have milliseconds
    second = dynamodb.update_table(TableName=name, StreamSpecification=enable)["TableDescription"]["LatestStreamArn"]
    assert second != first


def test_a_write_meets_the_table_as_it_is_not_as_it_was(dynamodb: Any, make_table: MakeTable) -> None:
    """The definition is cached; a change of it is seen by the very next request."""
    name = make_table("pk:S", attributes="")
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "1"}})
    dynamodb.delete_table(TableName=name)
    assert refusal(dynamodb.put_item, TableName=name, Item={"pk": {"S": "1"}}) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )


def test_tags(dynamodb: Any, make_table: MakeTable) -> None:
    arn = described(dynamodb, make_table("pk:S"))["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "a", "Value": "2"},
        {"Key": "b", "Value": ""},
    ]
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["a", "c"])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": ""}]
    assert refusal(dynamodb.list_tags_of_resource, ResourceArn=f"{arn}-absent") == (
        "ResourceNotFoundException",
        f"Requested resource not found: ResourcArn: {arn}-absent not found",
    )
    too_many = [{"Key": str(number), "Value": "x"} for number in range(50)]
    assert refusal(dynamodb.tag_resource, ResourceArn=arn, Tags=too_many) == (
        "ValidationException",
        "Number of Tags exceed the current limit for the provided ResourceArn",
    )


def test_time_to_live_settings(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")

    def update(attribute: str, enabled: bool) -> Any:
        specification = {"AttributeName": attribute, "Enabled": enabled}
        return dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)

    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    assert update("expires", True)["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires",
    }
    for attribute, enabled, message in (
        ("expires", True, "TimeToLive is already enabled"),
        ("other", True, "TimeToLive is active on a different AttributeName: current AttributeName is expires"),
        ("other", False, "TimeToLive is active on a different AttributeName: current AttributeName is expires"),
    ):
        with pytest.raises(ClientError, match=message):
            update(attribute, enabled)
    update("expires", False)
    with pytest.raises(ClientError, match="TimeToLive is already disabled"):
        update("expires", False)


def test_limits_and_endpoints(dynamodb: Any, platform: Any) -> None:
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
    [endpoint] = dynamodb.describe_endpoints()["Endpoints"]
    assert endpoint["Address"] == f"127.0.0.1:{platform.port}"


KEY = [{"AttributeName": "pk", "KeyType": "HASH"}]
BOTH = [*KEY, {"AttributeName": "sk", "KeyType": "RANGE"}]
PK = {"AttributeName": "pk", "AttributeType": "S"}
SK = {"AttributeName": "sk", "AttributeType": "S"}
OTHER = {"AttributeName": "other", "AttributeType": "S"}
ALL = {"ProjectionType": "ALL"}
UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}


def index(name: str = "index", keys: Any = KEY, projection: Any = ALL, **options: Any) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": keys, "Projection": projection, **options}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"TableName": "ab"},
            (
                "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: "
                "Member must have length greater than or equal to 3"
            ),
        ),
        (
            {"TableName": "with space"},
            (
                "1 validation error detected: Value 'with space' at 'tableName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
            ),
        ),
        (
            {"BillingMode": "PROVISIONED"},
            (
                "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be "
                "specified when BillingMode is PROVISIONED"
            ),
        ),
        (
            {"ProvisionedThroughput": UNITS},
            (
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                "specified when BillingMode is PAY_PER_REQUEST"
            ),
        ),
        (
            {"KeySchema": BOTH},
            (
                "One or more parameter values were invalid: Some index key attributes are not defined in "
                "AttributeDefinitions. Keys: [pk, sk], AttributeDefinitions: [pk]"
            ),
        ),
        (
            {"AttributeDefinitions": [PK, SK]},
            (
                "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match "
                "number of attributes defined in AttributeDefinitions"
            ),
        ),
        (
            {"KeySchema": [*KEY, {"AttributeName": "pk", "KeyType": "RANGE"}]},
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            {"KeySchema": [{"AttributeName": "pk", "KeyType": "RANGE"}]},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {
                "KeySchema": [*KEY, {"AttributeName": "sk", "KeyType": "HASH"}],
                "AttributeDefinitions": [PK, SK],
            },
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            {"LocalSecondaryIndexes": []},
            "One or more parameter values were invalid: List of LocalSecondaryIndexes is empty",
        ),
        (
            {"GlobalSecondaryIndexes": []},
            "One or more parameter values were invalid: List of GlobalSecondaryIndexes is empty",
        ),
        (
            {"LocalSecondaryIndexes": [index()]},
            (
                "One or more parameter values were invalid: Table KeySchema does not have a range key, which is "
                "required when specifying a LocalSecondaryIndex"
            ),
        ),
        (
            {
                "KeySchema": BOTH,
                "AttributeDefinitions": [PK, SK],
                "LocalSecondaryIndexes": [index()],
            },
            "One or more parameter values were invalid: Index KeySchema does not have a range key for index: index",
        ),
        (
            {
                "KeySchema": BOTH,
                "AttributeDefinitions": [PK, SK, OTHER],
                "LocalSecondaryIndexes": [
                    index(
                        keys=[
                            {"AttributeName": "other", "KeyType": "HASH"},
                            {"AttributeName": "sk", "KeyType": "RANGE"},
                        ]
                    )
                ],
            },
            (
                "One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as "
                "table KeySchema for index: index. index hash key: other, table hash key: pk"
            ),
        ),
        (
            {"GlobalSecondaryIndexes": [index(projection={})]},
            "One or more parameter values were invalid: Unknown ProjectionType: null",
        ),
        (
            {"GlobalSecondaryIndexes": [index(projection={"ProjectionType": "ALL", "NonKeyAttributes": ["x"]})]},
            "One or more parameter values were invalid: ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index(), index()]},
            "One or more parameter values were invalid: Duplicate index name: index",
        ),
        (
            {"GlobalSecondaryIndexes": [index(f"index-{number}") for number in range(21)]},
            "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20",
        ),
        (
            {"GlobalSecondaryIndexes": [index(ProvisionedThroughput=UNITS)]},
            (
                "One or more parameter values were invalid: ProvisionedThroughput should not be specified for index: "
                "index when BillingMode is PAY_PER_REQUEST"
            ),
        ),
    ],
)
def test_create_table_refusals(dynamodb: Any, request_: dict[str, Any], message: str) -> None:
    request = {
        "TableName": "refused",
        "KeySchema": KEY,
        "AttributeDefinitions": [PK],
        "BillingMode": "PAY_PER_REQUEST",
        **request_,
    }
    assert refusal(dynamodb.create_table, **request) == ("ValidationException", message)


def test_a_name_is_taken_once(dynamodb: Any, make_table: MakeTable) -> None:
    name = make_table("pk:S")
    request = {"KeySchema": KEY, "AttributeDefinitions": [PK], "BillingMode": "PAY_PER_REQUEST"}
    assert refusal(dynamodb.create_table, TableName=name, **request) == (
        "ResourceInUseException",
        f"Table already exists: {name}",
    )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"TableClass": "STANDARD", "DeletionProtectionEnabled": False},
            (
                "One or more parameter values were invalid: TableClass modification must be the only operation in the "
                "request"
            ),
        ),
        (
            {"BillingMode": "PAY_PER_REQUEST", "StreamSpecification": {"StreamEnabled": False}},
            "One or more parameter values were invalid: You cannot modify stream status while updating table IOPS",
        ),
        (
            {"BillingMode": "PROVISIONED"},
            (
                "One or more parameter values were invalid: ProvisionedThroughput must be specified when "
                "BillingMode is PROVISIONED"
            ),
        ),
        (
            {"ProvisionedThroughput": UNITS},
            (
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                "specified when BillingMode is PAY_PER_REQUEST"
            ),
        ),
        (
            {"StreamSpecification": {"StreamEnabled": True}},
            "One or more parameter values were invalid: If stream is being enabled then UpdateViewType is required",
        ),
        (
            {"SSESpecification": {"Enabled": False, "KMSMasterKeyId": "key"}},
            "One or more parameter values were invalid: KMSMasterKeyId can not be specified if Enabled is false",
        ),
    ],
)
def test_update_table_refusals(dynamodb: Any, make_table: MakeTable, request_: dict[str, Any], message: str) -> None:
    name = make_table("pk:S")
    assert refusal(dynamodb.update_table, TableName=name, **request_) == ("ValidationException", message)


def test_an_update_must_change_something(dynamodb: Any, make_table: MakeTable) -> None:
    code, message = refusal(dynamodb.update_table, TableName=make_table("pk:S"))
    assert code == "ValidationException"
    assert message.startswith("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, ")
