"""kill -9 under concurrent conditional writes and transactions: the history is linearizable, the streams equal it.

Clients race for a few registers (UpdateItem from the version they know to the next), move points between accounts in
transactions, and add to counters, while the platform is killed and started again. Every attempt is recorded with its
outcome: done, refused, or unknown where the connection broke. Each register counts its versions, so its stream is
the one order its writes can have had, and the history is checked against that:

- what was acknowledged is there once, what was refused is not there, what is unknown at most once;
- a write was made from the very state it was conditioned on, and no write is in the stream before it was begun or
  behind one that began after it had been acknowledged;
- both halves of a transfer are there or neither is, and points are neither made nor lost;
- what the table holds is what the stream ends with;
- the Kinesis data stream that the changes go to has what the table's own stream has, each change once and in order.

LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(3)
WRITERS = 6
REGISTERS = 3
ACCOUNTS = 4
POINTS = 1_000
DESTINATION = "arn:aws:kinesis:us-east-1:000000000000:stream/ledger"


class Outcome(Enum):
    #: Acknowledged.
    DONE = "done"
    #: Its condition did not hold.
    REFUSED = "refused"
    #: The connection broke: it may have been done.
    UNKNOWN = "unknown"


@dataclass
class Attempt:
    """One write that somebody tried; `label` is written with it into every item it concerns."""

    label: str
    items: tuple[str, ...]
    begun: float
    ended: float = float("inf")
    outcome: Outcome = Outcome.UNKNOWN


@dataclass
class History:
    attempts: dict[str, Attempt] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def answers(self) -> int:
        return sum(attempt.outcome is not Outcome.UNKNOWN for attempt in list(self.attempts.values()))

    def record(self, items: tuple[str, ...], write: Callable[[str], Any]) -> Outcome:
        """Raises what a broken connection raises, after it was recorded."""
        attempt = Attempt(f"w{next(self._numbers)}", items, time.monotonic())
        self.attempts[attempt.label] = attempt
        try:
            write(attempt.label)
            attempt.outcome = Outcome.DONE
        except ClientError as error:
            code = error.response["Error"]["Code"]
            assert code in ("ConditionalCheckFailedException", "TransactionCanceledException"), code
            attempt.outcome = Outcome.REFUSED
        attempt.ended = time.monotonic()
        return attempt.outcome


@dataclass(frozen=True)
class Client:
    """What one of the concurrent clients does."""

    dynamodb: Any
    history: History
    chance: random.Random

    def write_until_killed(self, platform: PlatformProcess) -> None:
        while platform.process.poll() is None:
            try:
                self.chance.choice([self._raise_register, self._transfer, self._count])()
            except BotoCoreError:
                assert killing.is_going_down(platform), "refused without being killed"
                return

    def _raise_register(self) -> None:
        """From the version that was read, possibly by several at once: one may succeed."""
        item = f"register-{self.chance.randrange(REGISTERS)}"
        known = self._read(item)["version"]["N"]
        self.history.record(
            (item,),
            lambda label: self.dynamodb.update_item(
                **_change(item, "SET version = version + :one"),
                ConditionExpression="version = :known",
                ExpressionAttributeValues={":one": {"N": "1"}, ":label": {"S": label}, ":known": {"N": known}},
            ),
        )

    def _count(self) -> None:
        item = f"counter-{self.chance.randrange(REGISTERS)}"
        self.history.record(
            (item,),
            lambda label: self.dynamodb.update_item(
                **_change(item, "SET version = version + :one"),
                ExpressionAttributeValues={":one": {"N": "1"}, ":label": {"S": label}},
            ),
        )

    def _transfer(self) -> None:
        """Between two accounts that must be as they were read."""
        giver, taker = self.chance.sample([f"account-{number}" for number in range(ACCOUNTS)], 2)
        points = self.chance.randint(1, 5)

        def action(item: str, label: str, added: int, known: str) -> dict[str, Any]:
            values = {":one": {"N": "1"}, ":label": {"S": label}, ":known": {"N": known}, ":added": {"N": str(added)}}
            return {
                "Update": {
                    **_change(item, "SET version = version + :one, points = points + :added"),
                    "ConditionExpression": "version = :known",
                    "ExpressionAttributeValues": values,
                }
            }

        versions = {item: self._read(item)["version"]["N"] for item in (giver, taker)}
        self.history.record(
            (giver, taker),
            lambda label: self.dynamodb.transact_write_items(
                TransactItems=[
                    action(giver, label, -points, versions[giver]),
                    action(taker, label, points, versions[taker]),
                ]
            ),
        )

    def _read(self, item: str) -> dict[str, Any]:
        found: dict[str, Any] = self.dynamodb.get_item(TableName="ledger", Key={"pk": {"S": item}})["Item"]
        return found


def _change(item: str, update: str) -> dict[str, Any]:
    return {"TableName": "ledger", "Key": {"pk": {"S": item}}, "UpdateExpression": f"{update}, label = :label"}


def create(platform: PlatformProcess) -> None:
    dynamodb = platform.client("dynamodb")
    killing.create_table(platform, "ledger", view="NEW_AND_OLD_IMAGES", key="pk")
    platform.client("kinesis").create_stream(StreamName="ledger", ShardCount=3)
    dynamodb.enable_kinesis_streaming_destination(TableName="ledger", StreamArn=DESTINATION)
    start = {"version": {"N": "0"}, "label": {"S": "start"}}
    for number in range(REGISTERS):
        dynamodb.put_item(TableName="ledger", Item={"pk": {"S": f"register-{number}"}, **start})
        dynamodb.put_item(TableName="ledger", Item={"pk": {"S": f"counter-{number}"}, **start})
    for number in range(ACCOUNTS):
        dynamodb.put_item(
            TableName="ledger", Item={"pk": {"S": f"account-{number}"}, "points": {"N": str(POINTS)}, **start}
        )


@dataclass(frozen=True)
class Version:
    """One state of an item, as its stream tells."""

    number: int
    label: str
    points: int


def read_stream(platform: PlatformProcess) -> dict[str, list[Version]]:
    """By item, in order; each state follows from the one before."""
    streams = platform.client("dynamodbstreams")
    arn = platform.client("dynamodb").describe_table(TableName="ledger")["Table"]["LatestStreamArn"]
    shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    return _versions(record for shard in shards for record in _shard_records(streams, arn, shard["ShardId"]))


def read_destination(platform: PlatformProcess) -> dict[str, list[Version]]:
    """As `read_stream`."""
    kinesis = platform.client("kinesis")
    return _versions(
        json.loads(record["Data"])
        for shard in kinesis.list_shards(StreamARN=DESTINATION)["Shards"]
        for record in _kinesis_records(kinesis, shard["ShardId"])
    )


def _versions(records: Iterable[dict[str, Any]]) -> dict[str, list[Version]]:
    versions: dict[str, list[Version]] = {}
    for record in records:
        told = record["dynamodb"]
        known = versions.setdefault(told["Keys"]["pk"]["S"], [])
        assert ([_version(told["OldImage"])] if "OldImage" in told else []) == known[-1:]
        known.append(_version(told["NewImage"]))
    return versions


def _kinesis_records(kinesis: Any, shard_id: str) -> Iterator[dict[str, Any]]:
    where = {"StreamARN": DESTINATION, "ShardId": shard_id, "ShardIteratorType": "TRIM_HORIZON"}
    page = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**where)["ShardIterator"])
    while page["Records"]:
        yield from page["Records"]
        page = kinesis.get_records(ShardIterator=page["NextShardIterator"])


def _shard_records(streams: Any, arn: str, shard_id: str) -> Iterator[dict[str, Any]]:
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON")
    following = iterator["ShardIterator"]
    while following:
        page = streams.get_records(ShardIterator=following)
        yield from page["Records"]
        following = page.get("NextShardIterator") if page["Records"] else None


def read_table(platform: PlatformProcess) -> dict[str, Version]:
    items = platform.client("dynamodb").scan(TableName="ledger")["Items"]
    return {item["pk"]["S"]: _version(item) for item in items}


def _version(image: dict[str, Any]) -> Version:
    points = image["points"]["N"] if "points" in image else "0"
    return Version(int(image["version"]["N"]), image["label"]["S"], int(points))


def check(history: History, versions: dict[str, list[Version]], table: dict[str, Version]) -> None:
    assert {item: states[-1] for item, states in versions.items()} == table
    for item, states in versions.items():
        assert [state.number for state in states] == list(range(len(states))), item
        labels = [state.label for state in states[1:]]
        assert len(labels) == len(set(labels)), f"{item}: done twice"
        _check_real_time([history.attempts[label] for label in labels], item)
    written = {(item, state.label) for item, states in versions.items() for state in states[1:]}
    for attempt in history.attempts.values():
        found = [(item, attempt.label) in written for item in attempt.items]
        assert len(set(found)) == 1, f"{attempt}: torn"
        if attempt.outcome is not Outcome.UNKNOWN:
            assert found[0] is (attempt.outcome is Outcome.DONE), attempt
    assert sum(version.points for version in table.values()) == ACCOUNTS * POINTS


def _check_real_time(order: list[Attempt], item: str) -> None:
    """Nobody comes behind a write that began only after he had been acknowledged."""
    latest_begun = 0.0
    for attempt in order:
        assert attempt.outcome is not Outcome.REFUSED, f"{attempt}: refused and done"
        assert attempt.ended >= latest_begun, f"{item}: {attempt} took place too late"
        latest_begun = max(latest_begun, attempt.begun)


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * ROUNDS)
def test_killed_under_conditional_writes_and_transactions(tmp_path: Path) -> None:
    history = History()
    with PlatformProcess.started(tmp_path) as platform:
        create(platform)
    for round_number in range(ROUNDS):
        with PlatformProcess.started(tmp_path) as platform:
            clients = [
                Client(
                    killing.client_without_retries(platform, "dynamodb"),
                    history,
                    random.Random(f"{round_number}-{number}"),
                )
                for number in range(WRITERS)
            ]
            failures = _run_until_killed(platform, clients, history)
            assert not failures, failures
    with PlatformProcess.started(tmp_path) as platform:
        versions = read_stream(platform)
        check(history, versions, read_table(platform))
        assert read_destination(platform) == versions
    outcomes = {attempt.outcome for attempt in history.attempts.values()}
    assert {Outcome.DONE, Outcome.REFUSED} <= outcomes, "nobody raced"


def _run_until_killed(platform: PlatformProcess, clients: list[Client], history: History) -> list[BaseException]:
    """Some time after the first answer. What went wrong in the clients."""
    failures: list[BaseException] = []

    def run(client: Client) -> None:
        try:
            client.write_until_killed(platform)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    before = history.answers()
    for thread in threads:
        thread.start()
    while history.answers() == before and any(thread.is_alive() for thread in threads):
        time.sleep(0.01)
    time.sleep(random.uniform(0.2, 1.2))
    platform.kill()
    for thread in threads:
        thread.join()
    return failures


def test_the_check_finds_what_is_wrong() -> None:
    """It is only worth something if it can fail."""
    done = Attempt("w1", ("a", "b"), 1.0, 2.0, Outcome.DONE)
    later = Attempt("w2", ("a",), 3.0, 4.0, Outcome.DONE)
    history = History({"w1": done, "w2": later})
    start, first, second = Version(0, "start", 2 * POINTS), Version(1, "w1", 2 * POINTS), Version(2, "w2", 2 * POINTS)
    right = {"a": [start, first, second], "b": [start, first]}
    check(history, right, {"a": second, "b": first})
    swapped = [start, Version(1, "w2", 2 * POINTS), Version(2, "w1", 2 * POINTS)]
    for wrong in (
        {**right, "b": [start]},
        {"a": [start, first], "b": [start, first]},
        {**right, "a": swapped},
        {**right, "a": [start, first, second, Version(3, "w2", 2 * POINTS)]},
    ):
        with pytest.raises(AssertionError):
            check(history, wrong, {item: states[-1] for item, states in wrong.items()})
    with pytest.raises(AssertionError):
        check(history, right, {"a": first, "b": first})
