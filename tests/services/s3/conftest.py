"""A client and a bucket of one's own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

import fresh
from platform_process import PlatformProcess


@pytest.fixture(scope="session")
def s3(platform: PlatformProcess) -> Any:
    return platform.client("s3")


@pytest.fixture(scope="session")
def anonymous(platform: PlatformProcess) -> Any:
    return platform.client("s3", config=Config(signature_version=UNSIGNED))


@pytest.fixture
def make_bucket(s3: Any) -> Iterator[Callable[..., str]]:
    """Makes buckets that nobody else uses, and empties them again."""
    made: list[str] = []

    def make(**options: Any) -> str:
        name = fresh.name("test")
        s3.create_bucket(Bucket=name, **options)
        made.append(name)
        return name

    yield make
    for name in made:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
            for entry in page.get("Contents", ()):
                s3.delete_object(Bucket=name, Key=entry["Key"])
        s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(make_bucket: Callable[..., str]) -> str:
    return make_bucket()


@pytest.fixture
def open_bucket(make_bucket: Callable[..., str], s3: Any) -> str:
    """One that takes public ACLs and policies."""
    name = make_bucket(ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket=name)
    return name
