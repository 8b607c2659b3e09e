"""The durable queue of asynchronous invocations: all its SQL.

A row exists from the commit that accepted an invocation until the commit that carries its result: deleted, moved to a
later time, or recorded as discarded. `enqueue` is called inside the transaction of whatever causes the invocation
(Invoke with type Event, an object notification, another invocation's destination). Positions are given by a head row
inside the writer's transaction, so whoever reads on from the last position it saw misses nothing.
"""

from collections.abc import Sequence

from lambent.kit.frozen import frozen
from lambent.storage.transaction import Transaction

#: Announced by every commit that accepted invocations.
TOPIC = "async_invocation"

#: A larger payload is read back when its invocation starts, not while the queue is looked through.
INLINE_PAYLOAD_BYTES = 65_536


@frozen
class NewInvocation:
    """An asynchronous invocation that is being accepted."""

    request_id: str
    function_arn: str
    payload: bytes
    source: str
    client_context: str | None = None
    trace_id: str = ""


@frozen
class QueuedInvocation:
    position: int
    request_id: str
    function_arn: str
    payload: bytes | None
    """None if it is larger than INLINE_PAYLOAD_BYTES: `find_payload` has it."""
    client_context: str | None
    trace_id: str
    source: str
    accepted_ms: int
    due_ms: int
    errors: int
    throttles: int


def as_queued(new: NewInvocation, now_ms: int) -> QueuedInvocation:
    """As it will stand in the queue, without a position yet."""
    return QueuedInvocation(
        position=0,
        request_id=new.request_id,
        function_arn=new.function_arn,
        payload=new.payload,
        client_context=new.client_context,
        trace_id=new.trace_id,
        source=new.source,
        accepted_ms=now_ms,
        due_ms=now_ms,
        errors=0,
        throttles=0,
    )


@frozen
class Discard:
    """An invocation given up on purpose."""

    invocation: QueuedInvocation
    payload: bytes
    discarded_ms: int
    attempts: int
    reason: str
    detail: str


def enqueue(tx: Transaction, invocations: Sequence[NewInvocation], now_ms: int) -> None:
    """Accept; the commit wakes delivery."""
    if not invocations:
        return
    row = tx.row(
        "INSERT INTO async_invocation_head (queue, position) VALUES ('', ?) "
        "ON CONFLICT (queue) DO UPDATE SET position = async_invocation_head.position + excluded.position "
        "RETURNING position",
        (len(invocations),),
    )
    assert row is not None
    first = row[0] - len(invocations) + 1
    for position, new in enumerate(invocations, first):
        tx.execute(
            "INSERT INTO async_invocation (position, request_id, function_arn, payload, client_context, trace_id, "
            "source, accepted_ms, due_ms, errors, throttles, lease_owner, lease_until_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', 0)",
            (
                *(position, new.request_id, new.function_arn, new.payload, new.client_context, new.trace_id),
                *(new.source, now_ms, now_ms),
            ),
        )
    tx.announce(TOPIC)


_COLUMNS = (
    "position, request_id, function_arn, "
    f"CASE WHEN length(payload) <= {INLINE_PAYLOAD_BYTES} THEN payload END, "
    "client_context, trace_id, source, accepted_ms, due_ms, errors, throttles"
)


def invocations_after(tx: Transaction, position: int, limit: int) -> list[QueuedInvocation]:
    """In the order they were accepted, whatever their due time."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM async_invocation WHERE position > ? ORDER BY position LIMIT ?",  # noqa: S608
        (position, limit),
    )
    return [QueuedInvocation(*row) for row in rows]


def find_invocation(tx: Transaction, position: int) -> QueuedInvocation | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM async_invocation WHERE position = ?", (position,))  # noqa: S608
    return QueuedInvocation(*row) if row else None


def find_payload(tx: Transaction, position: int) -> bytes:
    row = tx.row("SELECT payload FROM async_invocation WHERE position = ?", (position,))
    assert row is not None, "a queued invocation lost its payload"
    payload: bytes = row[0]
    return payload


def delete_invocation(tx: Transaction, position: int) -> None:
    tx.execute("DELETE FROM async_invocation WHERE position = ?", (position,))


def reschedule_invocation(tx: Transaction, position: int, *, due_ms: int, errors: int, throttles: int) -> None:
    tx.execute(
        "UPDATE async_invocation SET due_ms = ?, errors = ?, throttles = ? WHERE position = ?",
        (due_ms, errors, throttles, position),
    )


def discard_invocation(tx: Transaction, discard: Discard) -> None:
    """Take it out of the queue and keep a record of what was given up and why."""
    invocation = discard.invocation
    tx.execute(
        "INSERT INTO discarded_invocation (position, request_id, function_arn, source, accepted_ms, "
        "discarded_ms, attempts, reason, detail, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(invocation.position, invocation.request_id, invocation.function_arn, invocation.source),
            *(invocation.accepted_ms, discard.discarded_ms, discard.attempts, discard.reason),
            *(discard.detail, discard.payload),
        ),
    )
    delete_invocation(tx, invocation.position)


def forget_discards(tx: Transaction, keep: int) -> None:
    """All but the newest `keep` records."""
    tx.execute(
        "DELETE FROM discarded_invocation WHERE position IN "
        "(SELECT position FROM discarded_invocation ORDER BY discarded_ms DESC LIMIT 1000 OFFSET ?)",
        (keep,),
    )


@frozen
class DiscardRecord:
    request_id: str
    function_arn: str
    source: str
    accepted_ms: int
    discarded_ms: int
    attempts: int
    reason: str
    detail: str


def latest_discards(tx: Transaction, account_id: str, limit: int) -> list[DiscardRecord]:
    """An account's, newest first."""
    rows = tx.rows(
        "SELECT request_id, function_arn, source, accepted_ms, discarded_ms, attempts, reason, detail "
        "FROM discarded_invocation WHERE instr(function_arn, ?) ORDER BY discarded_ms DESC, position DESC LIMIT ?",
        (f":{account_id}:function:", limit),
    )
    return [DiscardRecord(*row) for row in rows]


def count_waiting(tx: Transaction) -> int:
    row = tx.row("SELECT count(*) FROM async_invocation")
    assert row is not None
    waiting: int = row[0]
    return waiting
