"""A boto3 client for the session's platform, and tables with names of their own."""

from collections.abc import Callable
from typing import Any

import pytest

import fresh
from platform_process import PlatformProcess

MakeTable = Callable[..., str]


@pytest.fixture(scope="session")
def dynamodb(platform: PlatformProcess) -> Any:
    return platform.client("dynamodb")


@pytest.fixture
def make_table(dynamodb: Any) -> MakeTable:
    """`make_table("pk:S", "sk:N", attributes="g:S", GlobalSecondaryIndexes=[...])` -> the name of a new table."""

    def make(partition: str, sort: str = "", *, attributes: str = "", **options: Any) -> str:
        name = fresh.name("table")
        keys = [key.split(":") for key in (partition, sort) if key]
        pairs = keys + [pair.split(":") for pair in attributes.split()]
        request = {"BillingMode": "PAY_PER_REQUEST", **options}
        dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for (key, _), kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in pairs],
            **request,
        )
        return name

    return make
