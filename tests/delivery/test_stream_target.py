"""A Kinesis stream as a target: a message becomes a record, or is refused before anything is written."""

import asyncio
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from lambent.delivery import stream_target
from lambent.delivery.targets import Message, Moment, Refused, Sender
from lambent.kit.ids import CountedIds
from lambent.services.kinesis import records, stream_store
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.records import Record
from lambent.services.kinesis.streams import Mode, Settings
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

KEY = StreamKey("000000000000", "us-east-1", "s")
ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
RULE = "arn:aws:events:us-east-1:000000000000:rule/r"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"
MESSAGE = Message(ARN, b"body", Sender("", RULE, "000000000000"), "events:r", trace=TRACE, partition_key="k")
BY_SERVICE = replace(MESSAGE, sender=Sender("events.amazonaws.com", RULE, "000000000000"))


def allowing(service: str, rule: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "kinesis:PutRecord",
        "Resource": ARN,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode()


def sent(directory: Path, message: Message, policy: str = "") -> list[Record]:
    """What the stream then holds. Raises Refused."""

    def work(tx: Transaction) -> None:
        stream_target.send(tx, message, Moment(1_750_000_000_000, CountedIds()))

    async def run() -> list[Record]:
        database = Database.open(directory / "lambent.db")
        settings = Settings(Mode.PROVISIONED, policy=policy)
        try:
            await database.write(
                lambda tx: stream_store.insert_stream(tx, KEY, settings, shard_count=1, now_ms=1_749_000_000_000)
            )
            try:
                await database.write(work)
            finally:
                found = database.read(lambda tx: log.read_after(tx, "kinesis/1/0", 0, 10))
            return [records.unpack(one.payload) for one in found]
        finally:
            await database.close()

    return asyncio.run(run())


def test_a_message_becomes_a_record(tmp_path: Path) -> None:
    assert sent(tmp_path, MESSAGE) == [Record("k", b"body", None, is_encrypted=False, trace=TRACE)]


def test_a_message_without_a_key_gets_one(tmp_path: Path) -> None:
    (record,) = sent(tmp_path, replace(MESSAGE, partition_key=""))
    assert record.partition_key == "00000000-0000-4000-8000-000000000001"


def test_a_service_needs_the_policys_leave(tmp_path: Path) -> None:
    assert len(sent(tmp_path, BY_SERVICE, allowing("events.amazonaws.com", RULE))) == 1


@pytest.mark.parametrize(
    ("message", "policy", "code", "is_final"),
    [
        (replace(MESSAGE, target_arn=f"{ARN}-not"), "", "ResourceNotFoundException", False),
        (BY_SERVICE, "", "AccessDeniedException", False),
        (BY_SERVICE, allowing("events.amazonaws.com", f"{RULE}-other"), "AccessDeniedException", False),
        (replace(MESSAGE, body=bytes(1024 * 1024)), "", "InvalidArgumentException", True),
    ],
)
def test_what_is_refused(tmp_path: Path, message: Message, policy: str, code: str, is_final: bool) -> None:
    with pytest.raises(Refused) as caught:
        sent(tmp_path, message, policy)
    assert (caught.value.code, caught.value.is_final) == (code, is_final)
