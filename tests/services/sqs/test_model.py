"""Queues against a model in plain Python, over the real store: whatever is sent, received, deleted, made visible,
forgotten by restarts or by time.

Across groups and among the messages of a standard queue AWS promises no order, so the model says what a receive may
return and what it must leave behind, not in which order groups come.
"""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from lambent.services.sqs import message_store, receive_store, store
from lambent.services.sqs.contents import Draft
from lambent.services.sqs.errors import InvalidParameterValue, MessageNotInflight
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.services.sqs.receipts import Receipt
from lambent.services.sqs.receive_store import Wish
from lambent.storage.database import Database

VISIBILITY_SECONDS = 30
RETENTION_SECONDS = 600
MAX_RECEIVES = 3
DEDUPLICATION_SECONDS = 300


@dataclass
class Held:
    """A message as the model knows it."""

    position: int
    message_id: str
    group: str
    sent: int
    visible: int
    receives: int = 0


@dataclass
class Model:
    messages: dict[int, Held] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)
    originals: dict[str, tuple[int, str, int]] = field(default_factory=dict)
    """Deduplication id -> (when it expires, message id, position)."""

    def in_group(self, group: str) -> list[Held]:
        return [one for _, one in sorted(self.messages.items()) if one.group == group]

    def is_in_flight(self, one: Held, now: int) -> bool:
        return one.receives > 0 and one.visible > now


class Machine(RuleBasedStateMachine):
    is_fifo = True
    receipts = Bundle("receipts")

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self._runner = asyncio.Runner()
        self.now = 1_000_000_000
        self.model = Model()
        self._sent = 0
        suffix = ".fifo" if self.is_fifo else ""
        self._key = QueueKey("000000000000", "us-east-1", f"q{suffix}")
        self._dead_key = QueueKey("000000000000", "us-east-1", f"dead{suffix}")
        self._open()
        attributes = {
            "VisibilityTimeout": str(VISIBILITY_SECONDS),
            "MessageRetentionPeriod": str(RETENTION_SECONDS),
            "RedrivePolicy": orjson.dumps(
                {"deadLetterTargetArn": self._dead_key.arn, "maxReceiveCount": MAX_RECEIVES}
            ).decode(),
        }
        self._write(lambda tx: store.insert_queue(tx, self._dead_key, {}, {}, self.now))
        self._write(lambda tx: store.insert_queue(tx, self._key, attributes, {}, self.now))

    def _open(self) -> None:
        async def opened() -> Database:
            return Database.open(Path(self._directory.name) / "lambent.db")

        self._database = self._runner.run(opened())

    def _write(self, work: Any) -> Any:
        return self._runner.run(self._database.write(work))

    def _queue(self, key: QueueKey | None = None) -> Queue:
        found = self._database.read(lambda tx: store.find_queue(tx, key or self._key))
        assert found is not None
        return found

    def teardown(self) -> None:
        self._runner.run(self._database.close())
        self._runner.close()
        self._directory.cleanup()

    @rule(group=st.sampled_from("abc"), token=st.integers(0, 6), delay=st.sampled_from([0, 0, 0, 5, 60]))
    def send(self, group: str, token: int, delay: int) -> None:
        self._sent += 1
        message_id = f"m{self._sent}"
        if self.is_fifo:
            draft = Draft("body", "me", group_id=group, deduplication_id=f"d{token}")
        else:
            draft = Draft("body", "me", delay_seconds=delay)
        queue = self._queue()
        sent = self._write(lambda tx: message_store.send(tx, queue, draft, message_id=message_id, now_ms=self.now))
        expires, original, position = self.model.originals.get(f"d{token}", (0, "", 0))
        if self.is_fifo and expires > self.now:
            assert (sent.message_id, sent.position) == (original, position)
            return
        assert sent.message_id == message_id
        assert sent.position > max(self.model.messages, default=0)
        if self.is_fifo:
            expires = self.now + DEDUPLICATION_SECONDS * 1000
            self.model.originals[f"d{token}"] = (expires, message_id, sent.position)
        visible = self.now + (0 if self.is_fifo else delay * 1000)
        self.model.messages[sent.position] = Held(
            sent.position, message_id, group if self.is_fifo else "", self.now, visible
        )

    @rule(target=receipts, limit=st.integers(1, 5), seconds=st.sampled_from([None, None, 0, 1, 60]))
    def receive(self, limit: int, seconds: int | None) -> Any:
        before = {position: Held(**vars_of(one)) for position, one in self.model.messages.items()}
        taken = self._write(lambda tx: receive_store.receive(tx, self._queue_in(tx), Wish(limit, seconds), self.now))
        self._note_what_left()
        timeout = (VISIBILITY_SECONDS if seconds is None else seconds) * 1000
        for message in taken.messages:
            held = self.model.messages[message.position]
            assert held.visible <= self.now, "it was not visible"
            assert held.receives < MAX_RECEIVES, "it should be among the dead letters"
            assert held.sent + RETENTION_SECONDS * 1000 > self.now, "it was too old"
            held.receives += 1
            held.visible = self.now + timeout
            assert (message.receive_count, message.message_id) == (held.receives, held.message_id)
        self._check_order([message.position for message in taken.messages], before)
        self._check_nothing_held_back(len(taken.messages), limit, seconds)
        box_id = self._queue().box_id
        return multiple(*[message.receipt(box_id) for message in taken.messages])

    def _queue_in(self, tx: Any) -> Queue:
        found = store.find_queue(tx, self._key)
        assert found is not None
        return found

    def _note_what_left(self) -> None:
        """Messages leave a queue by themselves only as dead letters, or because they are too old."""
        left = {row[0] for row in self._rows("SELECT position FROM sqs_message WHERE box_id = ?", self._queue().box_id)}
        dead = {
            row[0]
            for row in self._rows(
                "SELECT message_id FROM sqs_content WHERE box_id = ?", self._queue(self._dead_key).box_id
            )
        }
        for position in set(self.model.messages) - left:
            gone = self.model.messages.pop(position)
            if gone.message_id in dead:
                assert gone.receives >= MAX_RECEIVES
                self.model.dead.add(gone.message_id)
            else:
                assert gone.sent + RETENTION_SECONDS * 1000 <= self.now, f"{gone} was lost"

    def _rows(self, sql: str, box_id: int) -> list[Any]:
        return self._database.read(lambda tx: tx.rows(sql, (box_id,)))

    def _check_order(self, positions: list[int], before: dict[int, Held]) -> None:
        """Of each group, exactly its first messages: nothing overtakes one in flight."""
        if not self.is_fifo:
            return
        for group in "abc":
            got = [position for position in positions if self.model.messages[position].group == group]
            if got:
                assert got == [one.position for one in self.model.in_group(group)[: len(got)]]
                assert not any(self.model.is_in_flight(before[position], self.now) for position in got)

    def _check_nothing_held_back(self, count: int, limit: int, seconds: int | None) -> None:
        if count == limit or seconds == 0:
            return
        for one in self.model.messages.values():
            blocked = self.is_fifo and any(
                self.model.is_in_flight(other, self.now)
                for other in self.model.in_group(one.group)
                if other.position < one.position
            )
            assert blocked or one.visible > self.now, f"{one} could have been received"

    @rule(receipt=receipts)
    def delete(self, receipt: Receipt) -> None:
        held, is_latest = self._held(receipt)
        is_refused = self.is_fifo and held is not None and (not is_latest or held.visible <= self.now)
        try:
            deleted = self._write(
                lambda tx: message_store.delete(tx, self._queue_in(tx), receipt, handle="h", now_ms=self.now)
            )
        except InvalidParameterValue:
            assert is_refused
            return
        assert not is_refused
        assert deleted == is_latest
        if deleted:
            del self.model.messages[receipt.position]

    @rule(receipt=receipts, seconds=st.sampled_from([0, 0, 10, 100]))
    def change_visibility(self, receipt: Receipt, seconds: int) -> None:
        held, is_latest = self._held(receipt)
        try:
            self._write(
                lambda tx: message_store.change_visibility(
                    tx, self._queue_in(tx), receipt, handle="h", seconds=seconds, now_ms=self.now
                )
            )
        except MessageNotInflight:
            assert self.is_fifo
            assert held is not None
            assert held.visible <= self.now
        except InvalidParameterValue:
            assert held is None or (self.is_fifo and not is_latest)
        else:
            assert held is not None
            assert is_latest or not self.is_fifo
            held.visible = self.now + seconds * 1000

    def _held(self, receipt: Receipt) -> tuple[Held | None, bool]:
        held = self.model.messages.get(receipt.position)
        return held, held is not None and held.receives == receipt.receive_count

    @rule(receipt=consumes(receipts))
    def forget_receipt(self, receipt: Receipt) -> None:
        """A consumer that died."""

    @rule(seconds=st.sampled_from([0.1, 1, 10, 31, 100, 301]))
    def pass_time(self, seconds: float) -> None:
        self.now += round(seconds * 1000)

    @rule()
    def restart(self) -> None:
        self._runner.run(self._database.close())
        self._open()

    @invariant()
    def groups_know_their_messages(self) -> None:
        if not self.is_fifo:
            return
        rows = self._rows("SELECT group_id, ready_ms, head FROM sqs_group WHERE box_id = ?", self._queue().box_id)
        expected = {}
        for group in "abc":
            members = self.model.in_group(group)
            if members:
                expected[group] = (members[0].visible, members[0].position)
        assert {group: (ready, head) for group, ready, head in rows} == expected


def vars_of(held: Held) -> dict[str, Any]:
    return dict(vars(held))


class StandardMachine(Machine):
    is_fifo = False


SETTINGS = settings(max_examples=25, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("machine", [Machine, StandardMachine])
def test_against_the_model(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=SETTINGS)
