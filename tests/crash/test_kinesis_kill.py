"""kill -9 under PutRecord, PutRecords and resharding: nothing acknowledged is lost, nothing is doubled, order is kept.

Writers put numbered records, each under a key of its own, one request after the other and none of them tried again,
while shards are split and merged and the platform is killed and started again. Afterwards the tree of shards is
walked, parents before children, and compared with what the writers were told:

- a record that was acknowledged is there once, under the sequence number that its writer was told;
- one whose request broke off is there once or not at all, and of a PutRecords all or none;
- the records of a key come in the order in which they were put;
- every hash key is covered by exactly one open shard.

LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import random
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(2)
WRITERS = 5
BATCH = 20


@dataclass
class Request:
    """What one writer put at once."""

    key: str
    numbers: list[int]
    told: list[str] = field(default_factory=list)
    """Sequence numbers; none if the connection broke."""


@dataclass
class Writer:
    key: str
    chance: random.Random
    requests: list[Request] = field(default_factory=list)
    count: int = 0

    def write_until_it_breaks(self, platform: PlatformProcess) -> None:
        kinesis = killing.client_without_retries(platform, "kinesis")
        try:
            while True:
                self._write(kinesis)
        except killing.NO_ANSWER:
            pass

    def count_told(self) -> int:
        return sum(bool(one.told) for one in self.requests)

    def _write(self, kinesis: Any) -> None:
        size = self.chance.choice((1, BATCH))
        numbers = list(range(self.count, self.count + size))
        self.count += size
        request = Request(self.key, numbers)
        self.requests.append(request)
        entries = [{"PartitionKey": self.key, "Data": f"{self.key} {number}".encode()} for number in numbers]
        if size == 1:
            request.told = [kinesis.put_record(StreamName="s", **entries[0])["SequenceNumber"]]
        else:
            answer = kinesis.put_records(StreamName="s", Records=entries)
            assert answer["FailedRecordCount"] == 0
            request.told = [one["SequenceNumber"] for one in answer["Records"]]


def reshard_until_it_breaks(chance: random.Random, platform: PlatformProcess) -> None:
    kinesis = killing.client_without_retries(platform, "kinesis")
    try:
        while True:
            open_shards = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["OpenShardCount"]
            target = chance.randint((open_shards + 1) // 2, min(2 * open_shards, 6))
            kinesis.update_shard_count(StreamName="s", TargetShardCount=target, ScalingType="UNIFORM_SCALING")
            time.sleep(0.1)
    except killing.NO_ANSWER:
        pass


def test_put_records_survive_kill(tmp_path: Path) -> None:
    chance = random.Random(20131202)
    writers = [Writer(f"w{number}", random.Random(number)) for number in range(WRITERS)]
    works: list[killing.Work] = [writer.write_until_it_breaks for writer in writers]
    works.append(partial(reshard_until_it_breaks, chance))
    with PlatformProcess.started(tmp_path / "data") as platform:
        platform.client("kinesis").create_stream(StreamName="s", ShardCount=2)
    for _ in range(ROUNDS):
        has_begun = killing.all_grow(writer.count_told for writer in writers)
        killing.kill_amid(tmp_path / "data", works, (0.6, 1.5), has_begun)
    with PlatformProcess.started(tmp_path / "data") as platform:
        kinesis = platform.client("kinesis")
        check(walk(kinesis), writers)
        check_coverage(kinesis)


def walk(kinesis: Any) -> list[tuple[str, str]]:
    """(sequence number, data) of every record, parents before children."""
    found = []
    for page in kinesis.get_paginator("list_shards").paginate(StreamName="s"):
        for shard in page["Shards"]:
            where = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = kinesis.get_shard_iterator(StreamName="s", **where)["ShardIterator"]
            is_behind = True
            while iterator and is_behind:
                answer = kinesis.get_records(ShardIterator=iterator)
                found += [(one["SequenceNumber"], one["Data"].decode()) for one in answer["Records"]]
                iterator, is_behind = answer.get("NextShardIterator"), answer["MillisBehindLatest"] > 0
    return found


def check(found: list[tuple[str, str]], writers: list[Writer]) -> None:
    stored = [data for _, data in found]
    numbers = {data: number for number, data in found}
    assert len(numbers) == len(found), "nothing is doubled"
    assert len({number for number, _ in found}) == len(found), "no sequence number is given twice"
    for writer in writers:
        acknowledged = [request for request in writer.requests if request.told]
        assert len(acknowledged) > ROUNDS, "the test has tested something"
        for request in writer.requests:
            labels = [f"{request.key} {number}" for number in request.numbers]
            if request.told:
                assert [numbers.get(label) for label in labels] == request.told
            else:
                assert sum(label in numbers for label in labels) in (0, len(labels)), "all or none"
        mine = [int(data.split()[1]) for data in stored if data.startswith(f"{writer.key} ")]
        assert mine == sorted(mine), "in order"


def check_coverage(kinesis: Any) -> None:
    ranges = sorted(
        (int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
        for shard in kinesis.list_shards(StreamName="s", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    )
    assert ranges[0][0] == 0
    assert [last + 1 for _, last in ranges] == [first for first, _ in ranges[1:]] + [2**128]
