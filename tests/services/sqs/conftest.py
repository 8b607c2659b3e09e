"""A boto3 client and resource for the session's platform, and queues with names of their own."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

import fresh
from platform_process import PlatformProcess

MakeQueue = Callable[..., str]


@pytest.fixture(scope="session")
def sqs(platform: PlatformProcess) -> Any:
    return platform.client("sqs")


@pytest.fixture(scope="session")
def sqs_resource(platform: PlatformProcess) -> Any:
    return boto3.resource(
        "sqs",
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def make_queue(sqs: Any) -> MakeQueue:
    """`make_queue(VisibilityTimeout=5)` -> the URL of a new queue; `fifo=True` makes a FIFO queue."""

    def make(*, fifo: bool = False, **attributes: Any) -> str:
        name = fresh.name("queue")
        given = {key: str(value) for key, value in attributes.items()}
        if fifo:
            name, given = f"{name}.fifo", {"FifoQueue": "true", **given}
        url: str = sqs.create_queue(QueueName=name, Attributes=given)["QueueUrl"]
        return url

    return make


def arn_of(url: str) -> str:
    return f"arn:aws:sqs:us-east-1:000000000000:{url.rpartition('/')[2]}"


def receive(sqs: Any, url: str, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, **{"MaxNumberOfMessages": 10, **options}).get(
        "Messages", []
    )
    return found


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]
