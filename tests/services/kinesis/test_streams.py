"""Streams through boto3: creating, describing, listing, deleting, and everything that is set on one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from platform_process import PlatformProcess

MakeStream = Callable[..., str]
Refusal = Callable[..., tuple[str, str]]
ACCOUNT = "000000000000"


def summary(kinesis: Any, stream: str) -> dict[str, Any]:
    described: dict[str, Any] = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    return described


def test_a_stream_is_described_as_it_was_made(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream(3, Tags={"team": "a"})
    described = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    assert described["StreamARN"] == arn
    assert (described["StreamStatus"], described["RetentionPeriodHours"]) == ("ACTIVE", 24)
    assert (described["EncryptionType"], described["EnhancedMonitoring"]) == ("NONE", [{"ShardLevelMetrics": []}])
    assert [shard["ShardId"] for shard in described["Shards"]] == [f"shardId-{n:012}" for n in range(3)]
    ranges = [shard["HashKeyRange"] for shard in described["Shards"]]
    assert (ranges[0]["StartingHashKey"], ranges[-1]["EndingHashKey"]) == ("0", str(2**128 - 1))
    assert described["HasMoreShards"] is False
    assert kinesis.describe_stream(StreamARN=arn)["StreamDescription"]["StreamName"] == name
    assert summary(kinesis, name)["OpenShardCount"] == 3
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "team", "Value": "a"}]


def test_shards_are_described_in_pages(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream(5)
    first = kinesis.describe_stream(StreamName=name, Limit=2)["StreamDescription"]
    assert first["HasMoreShards"] is True
    pages = list(kinesis.get_paginator("describe_stream").paginate(StreamName=name, PaginationConfig={"PageSize": 2}))
    shards = [shard["ShardId"] for page in pages for shard in page["StreamDescription"]["Shards"]]
    assert shards == [f"shardId-{n:012}" for n in range(5)]


def test_an_on_demand_stream_has_four_shards_and_no_hands_on_them(
    kinesis: Any, make_stream: MakeStream, refusal: Refusal
) -> None:
    name = make_stream(None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    described = summary(kinesis, name)
    assert described["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert described["OpenShardCount"] == 4
    code, _ = refusal(kinesis.update_shard_count, StreamName=name, TargetShardCount=8, ScalingType="UNIFORM_SCALING")
    assert code == "ValidationException"


def test_streams_are_listed_in_pages(kinesis: Any, make_stream: MakeStream) -> None:
    names = {make_stream(1) for _ in range(3)}
    pages = list(kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 2}))
    listed = [name for page in pages for name in page["StreamNames"]]
    assert names <= set(listed)
    assert listed == sorted(listed)
    assert len(pages) > 1
    by_token = kinesis.list_streams(NextToken=pages[0]["NextToken"])
    assert by_token["StreamNames"] == listed[2:]
    assert by_token["StreamSummaries"][0]["StreamStatus"] == "ACTIVE"


def test_a_stream_that_is_deleted_is_gone_and_its_name_free(kinesis: Any, stream: str, refusal: Refusal) -> None:
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"old")
    kinesis.delete_stream(StreamName=stream)
    kinesis.get_waiter("stream_not_exists").wait(StreamName=stream)
    message = f"Stream {stream} under account {ACCOUNT} not found."
    assert refusal(kinesis.describe_stream, StreamName=stream) == ("ResourceNotFoundException", message)
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    where = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(StreamName=stream, **where)["ShardIterator"]
    assert kinesis.get_records(ShardIterator=iterator)["Records"] == []


def test_names_that_are_taken_or_missing(kinesis: Any, stream: str, refusal: Refusal) -> None:
    message = f"Stream {stream} under account {ACCOUNT} already exists."
    assert refusal(kinesis.create_stream, StreamName=stream, ShardCount=1) == ("ResourceInUseException", message)
    assert refusal(kinesis.delete_stream)[0] == "InvalidArgumentException"
    assert refusal(kinesis.create_stream, StreamName="no spaces", ShardCount=1)[0] == "ValidationException"
    assert refusal(kinesis.create_stream, StreamName="without-count")[0] == "InvalidArgumentException"
    code, message = refusal(kinesis.create_stream, StreamName="huge", ShardCount=20_001)
    assert code == "LimitExceededException"
    assert "Number of additional shards that would have resulted from this request: 20001" in message


def test_accounts_and_regions_have_streams_of_their_own(shared: PlatformProcess) -> None:
    shared.client("kinesis", aws_access_key_id="111111111111").create_stream(StreamName="s", ShardCount=1)
    for account, region in (("111111111111", "eu-west-1"), ("222222222222", "us-east-1")):
        client = shared.client("kinesis", aws_access_key_id=account, region_name=region)
        assert client.list_streams()["StreamNames"] == []
        client.create_stream(StreamName="s", ShardCount=1)
        assert summary(client, "s")["StreamARN"] == f"arn:aws:kinesis:{region}:{account}:stream/s"


def test_another_account_may_do_what_the_policy_allows(shared: PlatformProcess, refusal: Refusal) -> None:
    kinesis = shared.client("kinesis")
    kinesis.create_stream(StreamName="open", ShardCount=1)
    arn = summary(kinesis, "open")["StreamARN"]
    other = shared.client("kinesis", aws_access_key_id="333333333333")
    record = {"StreamARN": arn, "PartitionKey": "k", "Data": b"from elsewhere"}
    assert refusal(other.put_record, **record)[0] == "AccessDeniedException"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "333333333333"},
        "Action": ["kinesis:PutRecord"],
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == policy
    assert other.put_record(**record)["ShardId"] == "shardId-000000000000"
    assert refusal(other.put_records, StreamARN=arn, Records=[{"PartitionKey": "k", "Data": b""}])[0] == (
        "AccessDeniedException"
    )
    kinesis.delete_resource_policy(ResourceARN=arn)
    assert refusal(other.put_record, **record)[0] == "AccessDeniedException"
    assert refusal(kinesis.get_resource_policy, ResourceARN=arn)[0] == "ResourceNotFoundException"
    assert refusal(kinesis.put_resource_policy, ResourceARN=arn, Policy="{}")[0] == "InvalidArgumentException"


def test_the_retention_period_is_raised_and_lowered(kinesis: Any, stream: str, refusal: Refusal) -> None:
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=168)
    assert summary(kinesis, stream)["RetentionPeriodHours"] == 168
    code, message = refusal(kinesis.increase_stream_retention_period, StreamName=stream, RetentionPeriodHours=48)
    assert (code, "can not be shorter than existing retention period (168 hours)" in message) == (
        "InvalidArgumentException",
        True,
    )
    kinesis.decrease_stream_retention_period(StreamName=stream, RetentionPeriodHours=24)
    assert summary(kinesis, stream)["RetentionPeriodHours"] == 24


def test_encryption_is_told_with_every_record(kinesis: Any, stream: str, reader: Any, refusal: Refusal) -> None:
    key = {"StreamName": stream, "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"plain")
    kinesis.start_stream_encryption(**key)
    assert summary(kinesis, stream)["EncryptionType"] == "KMS"
    assert summary(kinesis, stream)["KeyId"] == "alias/aws/kinesis"
    assert kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"sealed")["EncryptionType"] == "KMS"
    told = [record.get("EncryptionType") for record in reader.records(stream, "shardId-000000000000")]
    assert told == [None, "KMS"]
    kinesis.stop_stream_encryption(**key)
    assert summary(kinesis, stream)["EncryptionType"] == "NONE"
    assert refusal(kinesis.start_stream_encryption, **{**key, "EncryptionType": "NONE"})[0] == (
        "InvalidArgumentException"
    )


def test_enhanced_monitoring_is_remembered(kinesis: Any, stream: str) -> None:
    enabled = kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["ALL"])
    assert (enabled["CurrentShardLevelMetrics"], len(enabled["DesiredShardLevelMetrics"])) == ([], 7)
    disabled = kinesis.disable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["IncomingBytes"])
    assert "IncomingBytes" not in disabled["DesiredShardLevelMetrics"]
    assert summary(kinesis, stream)["EnhancedMonitoring"] == [
        {"ShardLevelMetrics": disabled["DesiredShardLevelMetrics"]}
    ]


def test_modes_record_sizes_and_what_belongs_to_them(kinesis: Any, stream: str, refusal: Refusal) -> None:
    arn = summary(kinesis, stream)["StreamARN"]
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
    assert summary(kinesis, stream)["MaxRecordSizeInKiB"] == 2048
    automatic = {"StreamARN": arn, "RecordDistributionStrategy": "AUTO"}
    assert refusal(kinesis.update_stream_record_distribution_strategy, **automatic)[0] == "InvalidArgumentException"
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.update_stream_record_distribution_strategy(**automatic)
    assert summary(kinesis, stream)["RecordDistributionStrategy"] == "AUTO"
    assert kinesis.put_record(StreamARN=arn, Data=b"no key")["ShardId"] == "shardId-000000000000"
    warm = {"StreamARN": arn, "WarmThroughputMiBps": 10}
    assert refusal(kinesis.update_stream_warm_throughput, **warm)[0] == "ValidationException"
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    assert refusal(kinesis.put_record, StreamARN=arn, Data=b"no key")[0] == "InvalidArgumentException"


def test_warm_throughput_needs_the_commitment_of_the_account(shared: PlatformProcess, refusal: Refusal) -> None:
    client = shared.client("kinesis", aws_access_key_id="444444444444")
    setting = "MinimumThroughputBillingCommitment"
    assert client.describe_account_settings()[setting] == {"Status": "DISABLED"}
    updated = client.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})[setting]
    assert (updated["Status"], "EarliestAllowedEndAt" in updated) == ("ENABLED", True)
    client.create_stream(StreamName="warm", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    told = client.update_stream_warm_throughput(StreamName="warm", WarmThroughputMiBps=20)
    assert told["WarmThroughput"] == {"TargetMiBps": 20, "CurrentMiBps": 20}
    assert summary(client, "warm")["WarmThroughput"] == {"TargetMiBps": 20, "CurrentMiBps": 20}
    code, _ = refusal(client.update_account_settings, MinimumThroughputBillingCommitment={"Status": "DISABLED"})
    assert code == "ValidationException"


def test_limits_count_what_there_is(shared: PlatformProcess) -> None:
    client = shared.client("kinesis", aws_access_key_id="555555555555")
    client.create_stream(StreamName="a", ShardCount=3)
    client.create_stream(StreamName="b", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    limits = client.describe_limits()
    assert (limits["OpenShardCount"], limits["OnDemandStreamCount"]) == (7, 1)


@pytest.mark.parametrize("kind", ["stream", "consumer"])
def test_tags_of_streams_and_consumers(kinesis: Any, stream: str, kind: str, refusal: Refusal) -> None:
    arn = summary(kinesis, stream)["StreamARN"]
    if kind == "consumer":
        arn = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    kinesis.tag_resource(ResourceARN=arn, Tags={"a": "1", "b": "2"})
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    many = {f"k{n}": "" for n in range(50)}
    assert refusal(kinesis.tag_resource, ResourceARN=arn, Tags=many)[0] == "InvalidArgumentException"


def test_tags_of_a_stream_are_listed_in_pages(kinesis: Any, stream: str) -> None:
    kinesis.add_tags_to_stream(StreamName=stream, Tags={"c": "3", "a": "1", "b": "2"})
    page = kinesis.list_tags_for_stream(StreamName=stream, Limit=2)
    assert ([tag["Key"] for tag in page["Tags"]], page["HasMoreTags"]) == (["a", "b"], True)
    rest = kinesis.list_tags_for_stream(StreamName=stream, ExclusiveStartTagKey="b")
    assert (rest["Tags"], rest["HasMoreTags"]) == ([{"Key": "c", "Value": "3"}], False)
    kinesis.remove_tags_from_stream(StreamName=stream, TagKeys=["a", "b"])
    assert kinesis.list_tags_for_stream(StreamName=stream)["Tags"] == [{"Key": "c", "Value": "3"}]


def test_a_stream_with_consumers_is_deleted_on_request_only(kinesis: Any, stream: str, refusal: Refusal) -> None:
    kinesis.register_stream_consumer(StreamARN=summary(kinesis, stream)["StreamARN"], ConsumerName="c")
    assert refusal(kinesis.delete_stream, StreamName=stream)[0] == "ResourceInUseException"
    kinesis.delete_stream(StreamName=stream, EnforceConsumerDeletion=True)
    assert refusal(kinesis.describe_stream, StreamName=stream)[0] == "ResourceNotFoundException"
