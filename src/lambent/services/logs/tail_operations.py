"""Live tails over HTTP: StartLiveTail as AWS has it, and `/_lambent/tail` for `lambent logs -f`.

AWS sends one update a second with at most 500 events; a person who watches a function wants each line at once, which
is what the second one does: JSON lines, one per event, as they come.
"""

import urllib.parse
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.logs import store
from lambent.services.logs.errors import InvalidParameter, LimitExceeded, SessionTimeout, group_not_found
from lambent.services.logs.filter_patterns import compile_message_filter
from lambent.services.logs.live_tail import Interest, LiveTails, Tail, TailedEvent
from lambent.services.logs.names import GroupKey, identified_group
from lambent.storage.database import Database
from lambent.wire.http import Request, Response

#: "The session updates ... are sent every second ... up to 500 log events" (LiveTailSessionUpdate).
UPDATE_SECONDS = 1.0
MAX_UPDATE_EVENTS = 500
#: "A session can last up to three hours" (StartLiveTail).
MAX_SESSION_SECONDS = 3 * 3_600.0
#: Live tails at once, of all callers together; each holds a connection and a queue.
MAX_SESSIONS = 100
#: An empty line now and then, so that a watcher that has gone is noticed.
HEARTBEAT_SECONDS = 15.0


class TailOperations:
    def __init__(self, database: Database, tails: LiveTails, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._tails = tails
        self._clock = clock
        self._ids = ids

    async def start_live_tail(self, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
        keys = [identified_group(caller.account_id, caller.region, one) for one in request["logGroupIdentifiers"]]
        if len(keys) > 1 and ("logStreamNames" in request or "logStreamNamePrefixes" in request):
            raise InvalidParameter("Log streams can be chosen in one log group only.")
        if "logStreamNames" in request and "logStreamNamePrefixes" in request:
            raise InvalidParameter("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
        interest = Interest(
            frozenset(keys),
            _stream_filter(request.get("logStreamNames"), request.get("logStreamNamePrefixes")),
            compile_message_filter(request.get("logEventFilterPattern", "")),
        )
        if any(self._database.read(lambda tx: [store.find_group(tx, key) is None for key in keys])):
            raise group_not_found()
        if self._tails.count >= MAX_SESSIONS:
            raise LimitExceeded(f"{MAX_SESSIONS} live tail sessions are open; close one and try again")
        return {"responseStream": self._session(caller, request, interest)}

    async def _session(
        self, caller: Caller, request: dict[str, Any], interest: Interest
    ) -> AsyncIterator[dict[str, Any]]:
        with self._tails.watch(interest) as tail:
            yield {"sessionStart": self._describe_start(caller, request)}
            end = self._clock.monotonic() + MAX_SESSION_SECONDS
            while tail.is_open and self._clock.monotonic() < end:
                await self._clock.sleep(UPDATE_SECONDS)
                yield {"sessionUpdate": _describe_update(tail)}
        if tail.is_open:
            raise SessionTimeout("The live tail session has reached its time limit of three hours")

    def _describe_start(self, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "requestId": caller.request_id,
            "sessionId": self._ids.uuid(),
            "logGroupIdentifiers": request["logGroupIdentifiers"],
            "logStreamNames": request.get("logStreamNames", []),
            "logStreamNamePrefixes": request.get("logStreamNamePrefixes", []),
            "logEventFilterPattern": request.get("logEventFilterPattern", ""),
        }


class TailPage:
    """`GET /_lambent/tail?group=G[&region=R][&filter=PATTERN]`: the group need not exist yet."""

    def __init__(self, tails: LiveTails) -> None:
        self._tails = tails

    async def serve(self, request: Request, caller: Caller) -> Response:
        """Raises InvalidParameter, LimitExceeded."""
        query = dict(urllib.parse.parse_qsl(request.query))
        if not query.get("group"):
            raise InvalidParameter("Say which log group: /_lambent/tail?group=NAME")
        if self._tails.count >= MAX_SESSIONS:
            raise LimitExceeded(f"{MAX_SESSIONS} live tail sessions are open; close one and try again")
        key = GroupKey(caller.account_id, query.get("region", caller.region), query["group"])
        interest = Interest(frozenset([key]), _any_stream, compile_message_filter(query.get("filter", "")))
        return Response(200, {"content-type": "application/x-ndjson"}, self._lines(interest))

    async def _lines(self, interest: Interest) -> AsyncIterator[bytes]:
        with self._tails.watch(interest) as tail:
            yield b"\n"  # tells the watcher that from here on nothing is missed
            while tail.is_open:
                events, lost = await tail.next_events(HEARTBEAT_SECONDS)
                yield b"".join(map(_line, events)) or b"\n"
                if lost:
                    yield orjson.dumps({"lost": lost}) + b"\n"


def _any_stream(_name: str) -> bool:
    return True


def _stream_filter(names: list[str] | None, prefixes: list[str] | None) -> Callable[[str], bool]:
    if names is not None:
        chosen = frozenset(names)
        return lambda name: name in chosen
    if prefixes is not None:
        beginnings = tuple(prefixes)
        return lambda name: name.startswith(beginnings)
    return _any_stream


def _describe_update(tail: Tail) -> dict[str, Any]:
    """Events beyond the limit are left out, which AWS calls sampled."""
    events, lost = tail.take()
    return {
        "sessionMetadata": {"sampled": bool(lost) or len(events) > MAX_UPDATE_EVENTS},
        "sessionResults": [_describe(event) for event in events[:MAX_UPDATE_EVENTS]],
    }


def _describe(event: TailedEvent) -> dict[str, Any]:
    return {
        "logStreamName": event.stream,
        "logGroupIdentifier": f"{event.group.account_id}:{event.group.name}",
        "message": event.message.decode("utf-8", "replace"),
        "timestamp": event.time_ms,
        "ingestionTime": event.ingested_ms,
    }


def _line(event: TailedEvent) -> bytes:
    return (
        orjson.dumps(
            {
                "timestamp": event.time_ms,
                "stream": event.stream,
                "message": event.message.decode("utf-8", "replace"),
            }
        )
        + b"\n"
    )
