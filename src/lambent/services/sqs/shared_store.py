"""What many requests ask of queues, done in one call for all that wait (`Database.write_shared`).

Each queue is looked up once, and messages of standard queues are written a statement for many. In a FIFO queue each
message depends on those before it, so there they are handled one after the other. A request that is refused has its
refusal in its place and has begun nothing. See `docs/decisions/0021-shared-messages.md`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from lambent.kit.clock import Clock
from lambent.services.sqs import contents, message_store, receive_store, store
from lambent.services.sqs.access import Approach
from lambent.services.sqs.contents import Draft
from lambent.services.sqs.in_flight import InFlight
from lambent.services.sqs.message_store import Incoming, Sent
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.services.sqs.receipts import Receipt
from lambent.services.sqs.receive_store import Taken, Wish
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError


class Sending(NamedTuple):
    """A SendMessage, or a SendMessageBatch."""

    approach: Approach
    drafts: Sequence[Draft | ServiceError]
    """What was wrong with one of a batch already stands in its place."""
    message_ids: Sequence[str]
    now_ms: int
    is_batch: bool = False


class Deletion(NamedTuple):
    """A DeleteMessage, or a DeleteMessageBatch."""

    approach: Approach
    handles: Sequence[str]
    receipts: Sequence[Receipt | ServiceError]
    """What the handles say."""
    now_ms: int


class Reception(NamedTuple):
    """A ReceiveMessage."""

    approach: Approach
    wish: Wish
    in_flight: InFlight
    clock: Clock
    """What is visible is asked when the writer has come to it."""


T = TypeVar("T")
Answers = list[tuple[Queue, T] | Exception]
"""For each request the queue it was for and what came of it, or why nothing did."""


def send_all(tx: Transaction, sendings: Sequence[Sending]) -> Answers[list[Sent | ServiceError]]:
    queues = _Queues(tx)
    piles: dict[int, tuple[Queue, list[Incoming]]] = {}
    answers: Answers[list[Sent | ServiceError]] = []
    for sending in sendings:
        try:
            queue = queues.enter(sending.approach)
            if sending.is_batch:
                contents.check_batch_against([one for one in sending.drafts if isinstance(one, Draft)], queue)
        except ServiceError as refusal:
            answers.append(refusal)
            continue
        _, pile = piles.setdefault(queue.queue_id, (queue, []))
        answers.append((queue, _send(tx, queue, sending, pile)))
    for queue, pile in piles.values():
        if pile:
            message_store.insert_messages(tx, queue, pile)
    return answers


def _send(tx: Transaction, queue: Queue, sending: Sending, pile: list[Incoming]) -> list[Sent | ServiceError]:
    """What is to be written for a standard queue is put on the pile."""
    outcomes: list[Sent | ServiceError] = []
    for draft, message_id in zip(sending.drafts, sending.message_ids, strict=True):
        try:
            if isinstance(draft, ServiceError):
                outcomes.append(draft)
            elif queue.key.is_fifo:
                outcomes.append(message_store.send(tx, queue, draft, message_id=message_id, now_ms=sending.now_ms))
            else:
                incoming = message_store.draw_up(draft, queue, message_id=message_id, now_ms=sending.now_ms)
                pile.append(incoming)
                outcomes.append(Sent(message_id, incoming.body_md5))
        except ServiceError as refusal:
            outcomes.append(refusal)
    return outcomes


def delete_all(tx: Transaction, deletions: Sequence[Deletion]) -> Answers[list[ServiceError | None]]:
    """What a handle no longer stands for is left alone."""
    queues = _Queues(tx)
    pile: list[Receipt] = []
    answers: Answers[list[ServiceError | None]] = []
    for deletion in deletions:
        try:
            queue = queues.enter(deletion.approach)
        except ServiceError as refusal:
            answers.append(refusal)
        else:
            answers.append((queue, _delete(tx, queue, deletion, pile)))
    message_store.delete_latest(tx, pile)
    return answers


def _delete(tx: Transaction, queue: Queue, deletion: Deletion, pile: list[Receipt]) -> list[ServiceError | None]:
    """What is to be deleted from a standard queue is put on the pile."""
    outcomes: list[ServiceError | None] = []
    for handle, receipt in zip(deletion.handles, deletion.receipts, strict=True):
        refusal = None
        if isinstance(receipt, ServiceError):
            refusal = receipt
        elif queue.key.is_fifo:
            try:
                message_store.delete(tx, queue, receipt, handle=handle, now_ms=deletion.now_ms)
            except ServiceError as error:
                refusal = error
        elif receipt.box_id == queue.box_id:
            pile.append(receipt)
        outcomes.append(refusal)
    return outcomes


def receive_all(tx: Transaction, receptions: Sequence[Reception]) -> Answers[Taken]:
    queues = _Queues(tx)
    answers: dict[int, tuple[Queue, Taken] | Exception] = {}
    crowds: dict[tuple[int, int, int], list[int]] = {}
    entered: dict[int, Queue] = {}
    for place, one in enumerate(receptions):
        try:
            entered[place] = queue = queues.enter(one.approach)
        except ServiceError as refusal:
            answers[place] = refusal
        else:
            crowds.setdefault(_crowd(queue, one.wish, place), []).append(place)
    for places in crowds.values():
        queue = entered[places[0]]
        takings = _receive(tx, queue, [receptions[place] for place in places])
        for place, taken in zip(places, takings, strict=True):
            answers[place] = (queue, taken) if isinstance(taken, Taken) else taken
    return [answers[place] for place in range(len(receptions))]


def _crowd(queue: Queue, wish: Wish, place: int) -> tuple[int, int, int]:
    """The same for receptions to which messages can be dealt out that are received together.

    Not in FIFO queues, and not where a message stays visible and so can be had by each of them.
    """
    seconds = queue.settings.visibility_seconds if wish.visibility_seconds is None else wish.visibility_seconds
    return queue.queue_id, seconds, place if queue.key.is_fifo or not seconds else -1


def _receive(tx: Transaction, queue: Queue, crowd: Sequence[Reception]) -> list[Taken | ServiceError]:
    first, limits = crowd[0], [one.wish.limit for one in crowd]
    wanted, now_ms = sum(limits), first.clock.now_ms()
    try:
        admitted = first.in_flight.admit(tx, queue, wanted, now_ms)
    except ServiceError as refusal:
        if len(crowd) == 1:
            return [refusal]
        admitted = 0
    if admitted < wanted and len(crowd) > 1:
        return [outcome for one in crowd for outcome in _receive(tx, queue, (one,))]
    if not admitted:
        return [Taken()]
    taken = receive_store.receive(tx, queue, replace(first.wish, limit=admitted), now_ms)
    messages = iter(taken.messages)
    return [Taken(list(itertools.islice(messages, limit)), taken.is_unfinished) for limit in limits]


class _Queues:
    """Those that the requests of one call are for."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._found: dict[QueueKey, Queue | None] = {}

    def enter(self, approach: Approach) -> Queue:
        """Raises QueueDoesNotExist, AccessDenied."""
        key = approach.key
        if key not in self._found:
            self._found[key] = store.find_queue(self._tx, key)
        return approach.admitted_to(self._found[key])
