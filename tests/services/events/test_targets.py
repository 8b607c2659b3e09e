"""Targets of every kind there is, for real: what each of them receives, through boto3."""

import json
import time
from collections.abc import Callable
from typing import Any

from platform_process import PlatformProcess
from services.events.test_buses import ACCOUNT

PATIENCE_SECONDS = 30


def test_a_stream(platform: PlatformProcess, events: Any, bus: str, make_name: Callable[[str], str]) -> None:
    """The partition key comes out of the event, the record is what the transformer made."""
    kinesis, stream = platform.client("kinesis"), make_name("events-stream")
    kinesis.create_stream(StreamName=stream, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source": ["orders"]}')
    target = {
        "Id": "s",
        "Arn": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{stream}",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
        "KinesisParameters": {"PartitionKeyPath": "$.detail.customer"},
        "InputTransformer": {"InputPathsMap": {"who": "$.detail.customer"}, "InputTemplate": '"<who> bought"'},
    }
    events.put_targets(Rule="all", EventBusName=bus, Targets=[target])
    entry = {"Source": "orders", "DetailType": "placed", "EventBusName": bus}
    events.put_events(Entries=[{**entry, "Detail": json.dumps({"customer": name})} for name in ("ann", "bob", "ann")])
    shards = [one["ShardId"] for one in kinesis.list_shards(StreamName=stream)["Shards"]]
    deadline = time.monotonic() + PATIENCE_SECONDS
    found: list[tuple[str, bytes]] = []
    while len(found) < 3:
        assert time.monotonic() < deadline
        found = []
        for shard in shards:
            start = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
            page = kinesis.get_records(ShardIterator=start["ShardIterator"])
            found += [(one["PartitionKey"], one["Data"]) for one in page["Records"]]
    assert sorted(found) == [("ann", b'"ann bought"'), ("ann", b'"ann bought"'), ("bob", b'"bob bought"')]
    kinesis.delete_stream(StreamName=stream)
