"""What many requests ask of queues at once: each gets what it would have got alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lambent.kit.clock import VirtualClock
from lambent.services.caller import Caller
from lambent.services.sqs import receive_store, shared_store, store
from lambent.services.sqs.access import Approach
from lambent.services.sqs.contents import Draft
from lambent.services.sqs.errors import (
    AccessDenied,
    InvalidParameterValue,
    MissingParameter,
    OverLimit,
    QueueDoesNotExist,
    ReceiptHandleIsInvalid,
)
from lambent.services.sqs.in_flight import InFlight
from lambent.services.sqs.message_store import Sent
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.services.sqs.receipts import Receipt
from lambent.services.sqs.receive_store import Taken, Wish
from lambent.services.sqs.shared_store import Answers, Deletion, Reception, Sending
from lambent.storage.database import Database
from lambent.wire.errors import ServiceError

PLAIN, OTHER, FIFO, ABSENT = (QueueKey("000000000000", "us-east-1", name) for name in ("q", "o", "q.fifo", "none"))
OWNER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "request")
STRANGER = OWNER._replace(account_id="111111111111", arn="arn:aws:iam::111111111111:root")
CLOCK = VirtualClock()
NOW = CLOCK.now_ms()


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Database]:
    database = Database.open(directory / "lambent.db")
    try:
        for key in (PLAIN, OTHER, FIFO):
            await database.write(lambda tx, key=key: store.insert_queue(tx, key, {}, {}, 1))  # type: ignore[misc]  # bound
        yield database
    finally:
        await database.close()


def sending(key: QueueKey, *bodies: str, caller: Caller = OWNER, delay: int | None = None, group: str = "") -> Sending:
    drafts = [
        Draft(body, "me", delay_seconds=delay, group_id=group or None, deduplication_id=body if group else None)
        for body in bodies
    ]
    return Sending(Approach(caller, key, "SendMessage", 0.0), drafts, [f"id-{body}" for body in bodies], NOW)


async def send(database: Database, *sendings: Sending) -> Answers[list[Sent | ServiceError]]:
    return await database.write(lambda tx: shared_store.send_all(tx, sendings))


async def receive(database: Database, *wishes: Wish, key: QueueKey = PLAIN, room: int = 100) -> Answers[Taken]:
    approach, in_flight = Approach(OWNER, key, "ReceiveMessage", 0.0), InFlight(room)
    receptions = [Reception(approach, wish, in_flight, CLOCK) for wish in wishes]
    return await database.write(lambda tx: shared_store.receive_all(tx, receptions))


def bodies(answers: Answers[Taken]) -> list[list[str]]:
    return [[one.body for one in answer[1].messages] for answer in answers if not isinstance(answer, Exception)]


def refusals(answers: Answers[list[Sent | ServiceError]]) -> list[type | None]:
    """Of sends of one message each."""
    outcomes = [answer if isinstance(answer, Exception) else answer[1][0] for answer in answers]
    return [type(one) if isinstance(one, Exception) else None for one in outcomes]


async def everything(database: Database, key: QueueKey) -> list[str]:
    [taken] = bodies(await receive(database, Wish(10), key=key))
    return taken


def test_who_is_refused_stands_in_nobodys_way(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as database:
            answers = await send(
                database,
                sending(PLAIN, "a"),
                sending(ABSENT, "b"),
                sending(PLAIN, "c", caller=STRANGER),
                sending(FIFO, "d", group="g"),
                sending(FIFO, "e"),
                sending(PLAIN, "f" * 1_048_577),
                sending(OTHER, "g"),
                sending(FIFO, "d", group="g"),
                sending(PLAIN, "h"),
            )
            expected = [None, QueueDoesNotExist, AccessDenied, None, MissingParameter, InvalidParameterValue]
            assert refusals(answers) == [*expected, None, None, None]
            assert answers[7] == answers[3], "a duplicate is answered what its original was"
            assert await everything(database, PLAIN) == ["a", "h"]
            assert await everything(database, OTHER) == ["g"]
            assert await everything(database, FIFO) == ["d"]

    asyncio.run(main())


def test_a_batch_to_a_fifo_queue_fails_as_one_if_a_message_has_no_group(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as database:
            batch = sending(FIFO, "a", group="g")._replace(is_batch=True)
            mixed = batch._replace(drafts=[*batch.drafts, Draft("b", "me")], message_ids=["1", "2"])
            [refused, sent] = await send(database, mixed, batch)
            assert isinstance(refused, InvalidParameterValue)
            assert not isinstance(sent, Exception)
            assert await everything(database, FIFO) == ["a"]

    asyncio.run(main())


def test_messages_are_dealt_out_in_order_each_to_one_receiver(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as database:
            await send(database, *(sending(PLAIN, f"{n}") for n in range(40)), sending(PLAIN, "later", delay=5))
            answers = await receive(database, Wish(2), Wish(30, 60), Wish(1), Wish(10), Wish(3))
            assert [len(taken) for taken in bodies(answers)] == [2, 24, 1, 10, 3]
            assert sorted(int(body) for taken in bodies(answers) for body in taken) == list(range(40))
            assert bodies(answers)[0] == ["0", "1"]
            assert {one.receive_count for _, taken in _good(answers) for one in taken.messages} == {1}
            visible = database.read(lambda tx: tx.rows("SELECT visible_ms, COUNT(*) FROM sqs_message GROUP BY 1"))
            assert visible == [(NOW + 5_000, 1), (NOW + 30_000, 16), (NOW + 60_000, 24)]

    asyncio.run(main())


def test_what_stays_visible_is_there_for_everybody(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as database:
            await send(database, sending(PLAIN, "a"))
            assert bodies(await receive(database, Wish(1, 0), Wish(1, 0), Wish(1), Wish(1))) == [
                ["a"],
                ["a"],
                ["a"],
                [],
            ]

    asyncio.run(main())


def test_receivers_together_keep_to_the_messages_in_flight(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as database:
            await send(database, *(sending(PLAIN, f"{n}") for n in range(9)))
            answers = await receive(database, Wish(2), Wish(2), Wish(2), Wish(2), room=5)
            assert bodies(answers) == [["0", "1"], ["2", "3"], ["4"]]
            assert isinstance(answers[3], OverLimit)

    asyncio.run(main())


def _good(answers: Answers[Taken]) -> list[tuple[Queue, Taken]]:
    return [answer for answer in answers if not isinstance(answer, Exception)]


def test_only_what_a_handle_still_stands_for_is_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as database:
            await send(database, sending(PLAIN, "a", "b", "c"), sending(FIFO, "d", group="g"), sending(OTHER, "e"))
            [(plain, taken)] = _good(await receive(database, Wish(3, 0)))
            again = await database.write(lambda tx: receive_store.receive(tx, plain, Wish(1), NOW))
            [(other, others)] = _good(await receive(database, Wish(1), key=OTHER))
            [(fifo, in_group)] = _good(await receive(database, Wish(1), key=FIFO))
            stale, b, c = (one.receipt(plain.box_id) for one in taken.messages)
            foreign = others.messages[0].receipt(other.box_id)
            invalid = ReceiptHandleIsInvalid("handle")
            gone = Receipt(fifo.box_id, in_group.messages[0].position, 7)
            answers = await database.write(
                lambda tx: shared_store.delete_all(
                    tx,
                    [
                        deletion(PLAIN, stale, b),
                        deletion(PLAIN, foreign, invalid),
                        deletion(ABSENT, c),
                        deletion(FIFO, gone),
                        deletion(PLAIN, b),
                        deletion(FIFO, in_group.messages[0].receipt(fifo.box_id)),
                    ],
                )
            )
            outcomes = [type(one) if isinstance(one, Exception) else [type(each) for each in one[1]] for one in answers]
            none = type(None)
            assert outcomes[:3] == [[none, none], [none, ReceiptHandleIsInvalid], QueueDoesNotExist]
            assert outcomes[3:] == [[InvalidParameterValue], [none], [none]]
            assert [one.body for one in again.messages] == ["a"]
            left = database.read(
                lambda tx: tx.rows("SELECT body FROM sqs_content JOIN sqs_message USING (box_id, position) ORDER BY 1")
            )
            assert left == [("a",), ("c",), ("e",)]
            counted = database.read(lambda tx: tx.rows("SELECT COUNT(*) FROM sqs_content"))
            assert counted == [(3,)]

    asyncio.run(main())


def deletion(key: QueueKey, *receipts: Receipt | ServiceError) -> Deletion:
    return Deletion(Approach(OWNER, key, "DeleteMessage", 0.0), ["handle" for _ in receipts], receipts, NOW)
