"""A boto3 client for the session's platform, streams with names of their own, and how consumers read them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

import fresh
from platform_process import PlatformProcess

MakeStream = Callable[..., str]


@pytest.fixture(scope="session")
def kinesis(platform: PlatformProcess) -> Any:
    return platform.client("kinesis")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """Anybody's credentials are taken: an access key of twelve digits is the root of that account."""
    with PlatformProcess.started(tmp_path_factory.mktemp("shared") / "data", ["--auth", "off"]) as platform:
        yield platform


@pytest.fixture
def make_stream(kinesis: Any) -> MakeStream:
    """`make_stream(2)` -> the name of a new stream of two shards."""

    def make(shards: int | None = 1, **options: Any) -> str:
        name = fresh.name("stream")
        kinesis.create_stream(StreamName=name, **({} if shards is None else {"ShardCount": shards}), **options)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
        return name

    return make


@pytest.fixture
def stream(make_stream: MakeStream) -> str:
    return make_stream(1)


@pytest.fixture
def refusal() -> Callable[..., tuple[str, str]]:
    """`refusal(kinesis.put_record, StreamName=...)` -> (code, message)."""

    def call(operation: Callable[..., Any], **request: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**request)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return call


class Reader:
    """Reads as consumer libraries do."""

    def __init__(self, kinesis: Any) -> None:
        self._kinesis = kinesis

    def arn(self, stream: str) -> str:
        summary = self._kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        return str(summary["StreamARN"])

    def shards(self, stream: str, **options: Any) -> list[dict[str, Any]]:
        pages = self._kinesis.get_paginator("list_shards").paginate(StreamName=stream, **options)
        return [shard for page in pages for shard in page["Shards"]]

    def iterator(self, stream: str, shard_id: str, **where: Any) -> str:
        request = {"ShardIteratorType": "TRIM_HORIZON", **where}
        return str(self._kinesis.get_shard_iterator(StreamName=stream, ShardId=shard_id, **request)["ShardIterator"])

    def records(self, stream: str, shard_id: str, limit: int = 10_000, **where: Any) -> Iterator[dict[str, Any]]:
        """To the end of a closed shard, or until an open one has no more."""
        iterator: str | None = self.iterator(stream, shard_id, **where)
        while iterator:
            page = self._kinesis.get_records(ShardIterator=iterator, Limit=limit)
            yield from page["Records"]
            iterator = page.get("NextShardIterator")
            assert (iterator is None) == bool(page.get("ChildShards")), "children are named at the end, and only there"
            if not page["MillisBehindLatest"] and not page["Records"]:
                return

    def all_data(self, stream: str) -> list[bytes]:
        """Of all shards, parents before children."""
        return [one["Data"] for shard in self.shards(stream) for one in self.records(stream, shard["ShardId"])]


@pytest.fixture
def reader(kinesis: Any) -> Reader:
    return Reader(kinesis)
