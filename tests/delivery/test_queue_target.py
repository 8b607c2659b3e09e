"""Queues as targets: what arrives, and what is refused before anything is written."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from lambent.delivery import queue_target
from lambent.delivery.targets import Attribute, Message, Moment, Refused, Sender
from lambent.kit.ids import RandomIds
from lambent.services.sqs import contents, message_store, queues, receive_store, store
from lambent.services.sqs.message_store import Received
from lambent.services.sqs.queues import QueueKey
from lambent.services.sqs.receive_store import Wish
from lambent.storage.database import Database

KEY = QueueKey("000000000000", "us-east-1", "q")
FIFO = QueueKey("000000000000", "us-east-1", "q.fifo")
TOPIC = "arn:aws:sns:us-east-1:000000000000:t"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"
ALLOW = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
MOMENT = Moment(1_000, RandomIds())


def message(key: QueueKey = KEY, *, service: str = "", **options: object) -> Message:
    base = Message(key.arn, b"hello", Sender(service, TOPIC, KEY.account_id), "sns:t", TRACE)
    return replace(base, **options)  # type: ignore[arg-type]  # fields of Message


async def send(directory: Path, sent: Message, **policy: str) -> list[Received]:
    """What can be received afterwards."""
    database = Database.open(directory / "lambent.db")
    key = FIFO if sent.target_arn == FIFO.arn else KEY

    try:
        await database.write(lambda tx: store.insert_queue(tx, key, policy, {}, 1))
        await database.write(lambda tx: queue_target.send(tx, sent, MOMENT))
        queue = database.read(lambda tx: store.find_queue(tx, key))
        assert queue is not None
        taken = await database.write(lambda tx: receive_store.receive(tx, queue, Wish(10), 2_000))
        return list(taken.messages)
    finally:
        await database.close()


def test_a_message_arrives_with_all_it_has(tmp_path: Path) -> None:
    attributes = {"n": Attribute("Number", "1"), "b": Attribute("Binary", "AP8=")}
    sent = message(FIFO, attributes=attributes, group_id="g", deduplication_id="d")
    [got] = asyncio.run(send(tmp_path, sent))
    assert (got.body, got.details.trace) == ("hello", TRACE)
    assert (got.details.group_id, got.details.deduplication_id) == ("g", "d")
    assert {name: (one.data_type, one.value) for name, one in got.details.attributes.items()} == {
        "n": ("Number", "1"),
        "b": ("Binary", "AP8="),
    }


def test_a_service_needs_the_queues_policy(tmp_path: Path) -> None:
    policy = json.dumps({"Statement": [ALLOW]})
    [got] = asyncio.run(send(tmp_path / "allowed", message(service="sns.amazonaws.com"), Policy=policy))
    assert got.details.sender_id == "sns"
    with pytest.raises(Refused) as caught:
        asyncio.run(send(tmp_path / "other", message(service="events.amazonaws.com"), Policy=policy))
    assert (caught.value.code, caught.value.is_final) == ("AccessDenied", False)
    with pytest.raises(Refused):
        asyncio.run(send(tmp_path / "without", message(service="sns.amazonaws.com")))


def test_what_was_put_around_a_message_makes_it_not_too_large(tmp_path: Path) -> None:
    """Unless the queue wants them smaller than it must."""
    sent = message(service="sns.amazonaws.com", body=b'"' * 2 * queues.MAX_MESSAGE_BYTES)
    policy = json.dumps({"Statement": [ALLOW]})
    [got] = asyncio.run(send(tmp_path / "roomy", sent, Policy=policy))
    assert got.body.encode() == sent.body
    with pytest.raises(Refused, match="must be shorter"):
        asyncio.run(send(tmp_path / "narrow", sent, Policy=policy, MaximumMessageSize="1048575"))


def test_what_a_queue_cannot_hold_is_escaped_where_it_is_json(tmp_path: Path) -> None:
    """There it means the same."""
    document = {"\uffff": ["a\ufffe", "\x7f"]}
    sent = message(body=orjson.dumps(document))
    [got] = asyncio.run(send(tmp_path, sent))
    assert got.body == '{"\\uffff":["a\\ufffe","\x7f"]}'
    assert orjson.loads(got.body) == document


@pytest.mark.parametrize(
    ("sent", "code", "is_final"),
    [
        (message(KEY._replace(name="nowhere")), "AWS.SimpleQueueService.NonExistentQueue", False),
        (message(body=b"\xff"), "InvalidMessageContents", True),
        (message(body=b"\x01"), "InvalidMessageContents", True),
        (message(body="a\ufffe".encode()), "InvalidMessageContents", True),
        (message(body=b"x" * (contents.MAX_WRAPPED_BYTES + 1)), "InvalidParameterValue", True),
        (message(FIFO), "MissingParameter", True),
    ],
)
def test_what_is_refused(tmp_path: Path, sent: Message, code: str, *, is_final: bool) -> None:
    with pytest.raises(Refused) as caught:
        asyncio.run(send(tmp_path, sent))
    assert (caught.value.code, caught.value.is_final) == (code, is_final)


def test_moving_on_keeps_nothing_half_done(tmp_path: Path) -> None:
    """A refused message leaves no trace in the queue."""

    async def main() -> dict[str, int]:
        database = Database.open(tmp_path / "lambent.db")
        try:
            queue = await database.write(lambda tx: store.insert_queue(tx, FIFO, {}, {}, 1))
            with pytest.raises(Refused):
                await database.write(lambda tx: queue_target.send(tx, message(FIFO), MOMENT))
            return database.read(lambda tx: message_store.count_messages(tx, queue.box_id, 2_000))
        finally:
            await database.close()

    assert set(asyncio.run(main()).values()) == {0}
