"""AWS/DynamoDB as the Prometheus page and CloudWatch tell it."""

from platform_process import PlatformProcess
from services.cloudwatch.test_prometheus_page import scrape


def test_what_tables_consume_is_counted(platform: PlatformProcess) -> None:
    tables = platform.client("dynamodb")
    tables.create_table(
        TableName="counted",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"id": {"S": "x"}}
    tables.put_item(TableName="counted", Item=key)
    tables.put_item(TableName="counted", Item={**key, "more": {"S": "y" * 2000}})
    tables.get_item(TableName="counted", Key=key)
    tables.get_item(TableName="counted", Key=key, ConsistentRead=True)
    tables.scan(TableName="counted")
    tables.transact_write_items(TransactItems=[{"Put": {"TableName": "counted", "Item": {"id": {"S": "z"}}}}])
    found = scrape(platform)
    labels = 'region="us-east-1",table_name="counted"'
    assert found["lambent_dynamodb_consumed_write_capacity_units_total", labels] == 1 + 2 + 2
    assert found["lambent_dynamodb_consumed_read_capacity_units_total", labels] == 0.5 + 1 + 0.5
