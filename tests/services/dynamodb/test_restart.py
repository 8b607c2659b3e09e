"""What was acknowledged is there after a kill: items, indexes, definitions."""

from pathlib import Path

from platform_process import PlatformProcess


def test_acknowledged_writes_survive_a_kill(tmp_path: Path) -> None:
    with PlatformProcess.started(tmp_path / "data") as platform:
        dynamodb = platform.client("dynamodb")
        dynamodb.create_table(
            TableName="table",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "g", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "index",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        for number in range(20):
            dynamodb.put_item(TableName="table", Item={"pk": {"S": str(number)}, "g": {"S": "a"}})
        before = dynamodb.describe_table(TableName="table")
        platform.kill()
    with PlatformProcess.started(tmp_path / "data") as platform:
        dynamodb = platform.client("dynamodb")
        after = dynamodb.describe_table(TableName="table")
        assert after["Table"] == before["Table"]
        assert dynamodb.scan(TableName="table")["Count"] == 20
        assert dynamodb.scan(TableName="table", IndexName="index")["Count"] == 20
