"""A log group as a target: every event becomes one log event, in a stream of its own, as EventBridge writes them.

What an input transformer makes of it may say the time and the message:
`{"timestamp": 1448487372000, "message": "..."}`. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
Whoever watches the group sees the event at once, as all that is logged (`logs.live_tail`).
"""

import asyncio
from typing import Any

import orjson

from lambent.delivery.targets import Message, Moment, Refused, Send
from lambent.kit.arn import Arn
from lambent.services.events import envelopes
from lambent.services.logs import store
from lambent.services.logs.chunks import EVENT_OVERHEAD_BYTES, Batch
from lambent.services.logs.errors import InvalidParameter, ResourceNotFound
from lambent.services.logs.live_tail import LiveTails, TailedEvent
from lambent.services.logs.names import GroupKey, identified_group
from lambent.storage.transaction import Transaction

#: PutLogEvents, "Each log event can be no larger than 1 MB".
MAX_MESSAGE_BYTES = 1024 * 1024

#: The end of the year 9999: what is later is no time, and nobody could show it.
MAX_TIME_MS = 253_402_300_799_999


def sender(tails: LiveTails) -> Send:
    """Called on the event loop, where tails live; sending happens in the writer's thread."""
    loop = asyncio.get_running_loop()

    def send(tx: Transaction, message: Message, moment: Moment) -> None:
        event = _append(tx, message, moment)
        if tails.is_watching(event.group):
            loop.call_soon_threadsafe(tails.publish, event)

    return send


def _append(tx: Transaction, message: Message, moment: Moment) -> TailedEvent:
    """Raises Refused: no such group, one of another account (no policy can open it here), or too large an event."""
    key = _group_key(message.target_arn)
    if message.sender.account_id != key.account_id:
        raise Refused(
            "AccessDeniedException", f"{message.target_arn} is another account's: {message.sender.arn} cannot log there"
        )
    group = store.find_group(tx, key)
    if group is None:
        raise Refused("ResourceNotFoundException", f"Log group not found: {message.target_arn}")
    time_ms, text = _log_event(message.body, moment.now_ms)
    if len(text) + EVENT_OVERHEAD_BYTES > MAX_MESSAGE_BYTES:
        raise Refused("InvalidParameterException", "The event is too large for a log event", is_final=True)
    stream = moment.ids.uuid()
    store.append_lines(tx, key, {stream: Batch([time_ms], [text])}, now_ms=moment.now_ms)
    return TailedEvent(key, stream, time_ms, text, moment.now_ms)


def _group_key(arn: str) -> GroupKey:
    parsed = Arn.parse(arn)
    try:
        return identified_group(parsed.account_id, parsed.region, arn)
    except (InvalidParameter, ResourceNotFound) as error:
        raise Refused("InvalidTarget", f"{arn} is no log group", is_final=True) from error


def _log_event(body: bytes, now_ms: int) -> tuple[int, bytes]:
    """Its time and its text: of an event, its own time."""
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return now_ms, body
    if not isinstance(document, dict):
        return now_ms, body
    if document.keys() == {"timestamp", "message"}:
        return _time(document["timestamp"], now_ms), _text(document["message"])
    return _time(document.get("time"), now_ms), body


def _time(value: Any, now_ms: int) -> int:
    """In milliseconds or as an event has it; what is no time is now."""
    try:
        time_ms = value if isinstance(value, int) else envelopes.parse_time(value)
    except (TypeError, ValueError, OverflowError):
        return now_ms
    return time_ms if 0 <= time_ms <= MAX_TIME_MS and not isinstance(value, bool) else now_ms


def _text(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else orjson.dumps(value)
