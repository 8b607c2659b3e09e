"""Receiving: what a ReceiveMessage takes out of a queue, in one transaction.

What is too old is dropped on the way, what was received too often is buried; both only when their turn comes, and only
so many at a time, so that no transaction grows with the backlog.
"""

from collections.abc import Sequence

from lambent.kit.frozen import frozen, mutable
from lambent.services.sqs import fifo_store, message_store, redrive_store
from lambent.services.sqs.fifo_store import Attempt, GroupMember
from lambent.services.sqs.message_store import Found, Received
from lambent.services.sqs.queues import Queue
from lambent.storage.transaction import Transaction

#: Messages dropped or buried by one transaction; then the next one goes on.
MAX_PASSED_OVER = 500


@frozen
class Wish:
    limit: int
    visibility_seconds: int | None = None
    """None: the queue's."""
    attempt_id: str = ""
    max_bytes: int | None = None
    """Of all bodies together; the first one may be longer."""


@frozen
class Taken:
    messages: Sequence[Received] = ()
    is_unfinished: bool = False
    """There may be more: so many were passed over that it had to stop."""


@mutable
class _Search:
    """One transaction's way through a queue."""

    tx: Transaction
    queue: Queue
    now_ms: int
    left: int
    visible_ms: int
    bytes_left: int | None
    target: Queue | None = None
    passed_over: int = 0

    @property
    def is_tired(self) -> bool:
        return self.passed_over >= MAX_PASSED_OVER

    def take(self, fit: Sequence[Found]) -> list[Received]:
        """Of messages that may be received those that there is room for; then perhaps nothing more is looked for."""
        received = message_store.take(
            self.tx,
            self.queue.box_id,
            fit,
            visible_ms=self.visible_ms,
            now_ms=self.now_ms,
            max_bytes=self.bytes_left,
        )
        self.left -= len(received)
        if self.bytes_left is not None:
            self.bytes_left -= sum(len(one.body) for one in received)
            if len(received) < len(fit) or self.bytes_left <= 0:
                self.left = 0
        return received

    def passes_over(self, found: Found) -> bool:
        """Drop or bury a message that is not to be received any more."""
        settings, queue = self.queue.settings, self.queue
        if found.sent_ms + settings.retention_seconds * 1000 <= self.now_ms:
            message_store.remove(self.tx, queue.box_id, found.position)
        elif (
            self.target is not None
            and settings.dead_letters is not None
            and (found.receive_count - found.carried_count >= settings.dead_letters.max_receives)
        ):
            redrive_store.bury(self.tx, queue, self.target, found, self.now_ms)
        else:
            return False
        self.passed_over += 1
        return True


def receive(tx: Transaction, queue: Queue, wish: Wish, now_ms: int) -> Taken:
    settings = queue.settings
    seconds = settings.visibility_seconds if wish.visibility_seconds is None else wish.visibility_seconds
    visible_ms = now_ms + seconds * 1000
    if wish.attempt_id:
        repeated = _repeat(tx, queue, wish.attempt_id, visible_ms=visible_ms, now_ms=now_ms)
        if repeated:
            return Taken(repeated)
    search = _Search(tx, queue, now_ms, wish.limit, visible_ms, wish.max_bytes)
    if settings.dead_letters is not None:
        search.target = redrive_store.find_dead_letter_queue(tx, queue)
    messages = _receive_in_order(search) if queue.key.is_fifo else _receive_any(search)
    if wish.attempt_id and messages:
        receipts = [Attempt(one.position, one.receive_count, visible_ms) for one in messages]
        fifo_store.note_attempt(tx, queue, wish.attempt_id, receipts, now_ms)
    return Taken(messages, is_unfinished=search.is_tired)


def _receive_any(search: _Search) -> list[Received]:
    received: list[Received] = []
    while search.left and not search.is_tired:
        found = message_store.find_visible(search.tx, search.queue.box_id, search.now_ms, search.left)
        fit = [one for one in found if not search.passes_over(one)]
        received += search.take(fit)
        if len(fit) == len(found) or search.visible_ms <= search.now_ms:
            break
    return received


def _receive_in_order(search: _Search) -> list[Received]:
    """Whole groups one after the other: as many of one as fit, so that their order is kept."""
    tx, box_id = search.tx, search.queue.box_id
    received: list[Received] = []
    while search.left and not search.is_tired:
        before = search.passed_over
        for group_id in fifo_store.ready_groups(tx, box_id, search.now_ms, search.left):
            if search.left:
                received += search.take(_receivable(search, group_id))
                fifo_store.refresh(tx, box_id, group_id)
        if search.passed_over == before or search.visible_ms <= search.now_ms:
            break
    return received


def _receivable(search: _Search, group_id: str) -> list[Found]:
    """Of a group, from its head as far as they may be received."""
    fit: list[Found] = []
    after = 0
    while len(fit) < search.left and not search.is_tired:
        page = fifo_store.members(search.tx, search.queue.box_id, group_id, after=after, limit=search.left - len(fit))
        for member in page:
            after = member.position
            found = _found(member)
            if member.visible_ms > search.now_ms:
                return fit
            if not search.passes_over(found):
                fit.append(found)
        if not page:
            break
    return fit


def _found(member: GroupMember) -> Found:
    return Found(member.position, member.receive_count, member.carried_count, member.sent_ms, member.first_ms)


def _repeat(tx: Transaction, queue: Queue, attempt_id: str, *, visible_ms: int, now_ms: int) -> list[Received]:
    """What the same attempt returned before, with the same receipt handles; their timeout begins anew."""
    attempts = fifo_store.find_attempt(tx, queue, attempt_id, now_ms)
    if not attempts or not all(fifo_store.is_untouched(tx, queue.box_id, one, now_ms) for one in attempts):
        return []
    received = [message_store.read_received(tx, queue.box_id, one.position) for one in attempts]
    for one in attempts:
        message_store.set_visible(tx, queue.box_id, one.position, visible_ms)
    for group_id in {one.details.group_id for one in received}:
        fifo_store.refresh(tx, queue.box_id, group_id)
    again = [Attempt(one.position, one.receive_count, visible_ms) for one in attempts]
    fifo_store.note_attempt(tx, queue, attempt_id, again, now_ms)
    return received
