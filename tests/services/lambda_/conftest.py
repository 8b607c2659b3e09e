"""Clients of the shared platform, and functions that are gone after the test that made them."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

import fresh
from platform_process import PlatformProcess
from zips import zipped

ROLE = "arn:aws:iam::000000000000:role/test"

#: Answers with what it was given; does what the event asks for.
SOURCE = """
import os, sys, time

def handler(event, context):
    if isinstance(event, dict):
        print(event.get("print", "hello"))
        time.sleep(event.get("sleep", 0))
        if "fail" in event:
            raise ValueError(event["fail"])
        if "repeat" in event:
            return "x" * event["repeat"]
    custom = context.client_context.custom if context.client_context else None
    return {
        "event": event,
        "environment": os.environ.get("COLOUR"),
        "arn": context.invoked_function_arn,
        "custom": custom,
        "requestId": context.aws_request_id,
    }
"""


CreateFunction = Callable[..., str]


@pytest.fixture(scope="session")
def connect(platform: PlatformProcess) -> Callable[[str], Any]:
    @functools.cache  # making one takes longer than most calls, and some tests ask again while they wait
    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=platform.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # Parameters are not checked here, so that the platform gets to see the wrong ones.
            config=Config(
                retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, parameter_validation=False
            ),
        )

    return client


@pytest.fixture(scope="session")
def functions(connect: Callable[[str], Any]) -> Any:
    return connect("lambda")


@pytest.fixture
def create(functions: Any) -> Iterator[CreateFunction]:
    """Makes a function of SOURCE (or `source=`); returns its name."""
    made: list[str] = []

    def create_function(source: str = SOURCE, **parameters: Any) -> str:
        name = fresh.name("function")
        asked = {
            "FunctionName": name,
            "Runtime": "python3.11",
            "Handler": "app.handler",
            "Role": ROLE,
            "Code": {"ZipFile": zipped({"app.py": source})},
            **parameters,
        }
        functions.create_function(**asked)
        made.append(name)
        return name

    yield create_function
    for name in made:
        try:
            functions.delete_function(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            continue
