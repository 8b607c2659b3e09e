"""PutLogEvents, GetLogEvents and FilterLogEvents: the events themselves, in and out.

Reads first flush what functions have printed up to now, so that whoever invokes a function and then reads its log
finds it there.
"""

import sys
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.logs import reading, store
from lambent.services.logs.acceptance import Accepted, accept
from lambent.services.logs.chunks import LogEvent, Place, event_id, parse_event_id
from lambent.services.logs.errors import InvalidParameter, group_not_found, stream_not_found
from lambent.services.logs.expiry import cutoff
from lambent.services.logs.filter_patterns import compile_message_filter
from lambent.services.logs.live_tail import LiveTails, TailedEvent
from lambent.services.logs.names import GroupKey, requested_group
from lambent.services.logs.page_tokens import invalid_token, read_token, write_token
from lambent.services.logs.reading import MAX_PAGE_EVENTS, Page, Search, Window
from lambent.services.logs.writer import LogWriter
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

#: A time after every event's.
END_OF_TIME_MS = 10**15 - 1


class EventOperations:
    def __init__(self, database: Database, writer: LogWriter, tails: LiveTails, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._tails = tails
        self._clock = clock

    async def put_log_events(self, caller: Caller, request: Request) -> Result:
        key, stream_name = requested_group(caller.account_id, caller.region, request), request["logStreamName"]
        times = [event["timestamp"] for event in request["logEvents"]]
        messages = [event["message"].encode() for event in request["logEvents"]]
        now_ms = self._clock.now_ms()

        def put(tx: Transaction) -> tuple[Accepted, int]:
            group, stream = _existing_stream(tx, key, stream_name)
            expired_ms = cutoff(group.retention_days, now_ms)
            accepted = accept(times, messages, now_ms=now_ms, retention_cutoff_ms=expired_ms)
            if accepted.batch.times:
                store.append_events(tx, group, stream.stream_id, accepted.batch, now_ms=now_ms)
            return accepted, stream.stream_id

        accepted, stream_id = await self._database.write(put)
        if self._tails.is_watching(key):
            for time_ms, message in zip(accepted.batch.times, accepted.batch.messages, strict=True):
                self._tails.publish(TailedEvent(key, stream_name, time_ms, message, now_ms))
        result: Result = {"nextSequenceToken": f"{stream_id:056d}"}
        rejected = _describe_rejected(accepted)
        return {**result, "rejectedLogEventsInfo": rejected} if rejected else result

    async def get_log_events(self, caller: Caller, request: Request) -> Result:
        key, stream_name = requested_group(caller.account_id, caller.region, request), request["logStreamName"]
        cursor = _Cursor.of(request)
        await self._writer.flush()
        now_ms = self._clock.now_ms()

        def read(tx: Transaction) -> list[LogEvent]:
            group, stream = _existing_stream(tx, key, stream_name)
            window = cursor.narrow(_window(request, group, now_ms, stream.longest_ms))
            search = Search(window, budget=sys.maxsize)
            chunks = store.stream_chunks(tx, stream.stream_id, window, descending=not cursor.is_forward)
            events = search.ascending(chunks) if cursor.is_forward else search.descending(chunks)
            found = search.page(events, request.get("limit", MAX_PAGE_EVENTS)).events
            return found if cursor.is_forward else found[::-1]

        events = await self._database.scan(read)
        forward, backward = cursor.following(events)
        return {
            "events": [_describe_event(event) for event in events],
            "nextForwardToken": reading.forward_token(forward),
            "nextBackwardToken": reading.backward_token(backward),
        }

    async def filter_log_events(self, caller: Caller, request: Request) -> Result:
        key = requested_group(caller.account_id, caller.region, request)
        if "logStreamNames" in request and "logStreamNamePrefix" in request:
            raise InvalidParameter("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
        search = _FilterSearch(request)
        await self._writer.flush()
        now_ms = self._clock.now_ms()
        page, names = await self._database.scan(lambda tx: search.run(tx, key, now_ms))
        result: Result = {
            "events": [_describe_found(event, names[event.place.stream_id]) for event in page.events],
            "searchedLogStreams": [],  # deprecated and empty at AWS since 2020 (FilterLogEvents)
        }
        if page.resume is not None:
            result["nextToken"] = write_token(event_id(page.resume))
        return result


class _Cursor:
    """GetLogEvents: which way to read and from where; what the tokens of the answer are."""

    def __init__(self, *, is_forward: bool, place: Place | None) -> None:
        self.is_forward = is_forward
        self._place = place

    @classmethod
    def of(cls, request: Request) -> "_Cursor":
        """A token knows its direction; without one `startFromHead` does."""
        if "nextToken" not in request:
            return cls(is_forward=request.get("startFromHead", False), place=None)
        try:
            is_forward, place = reading.parse_token(request["nextToken"])
        except ValueError as error:
            raise invalid_token() from error
        return cls(is_forward=is_forward, place=place)

    def narrow(self, window: Window) -> Window:
        if self._place is None:
            return window
        if self.is_forward:
            return Window(window.start_ms, window.end_ms, window.reach_ms, after=self._place)
        return Window(window.start_ms, window.end_ms, window.reach_ms, before=self._place)

    def following(self, events: list[LogEvent]) -> tuple[Place, Place]:
        """Places of the forward and the backward token. At an end, the token that led there comes back."""
        if events:
            return events[-1].place, events[0].place
        if self._place is None:
            return reading.FIRST_PLACE, reading.FIRST_PLACE
        if self.is_forward:
            return self._place, reading.after(self._place)
        return reading.before(self._place), self._place


class _FilterSearch:
    """FilterLogEvents, compiled: raises InvalidParameter before anything is read."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._keep = compile_message_filter(request.get("filterPattern", ""))
        self._descending = not request.get("startFromHead", True)
        self._place = _read_place(request["nextToken"]) if "nextToken" in request else None

    def run(self, tx: Transaction, key: GroupKey, now_ms: int) -> tuple[Page, dict[int, str]]:
        """The page and the names of its log streams."""
        group = store.find_group(tx, key)
        if group is None:
            raise group_not_found()
        window = self._window(group, now_ms)
        search = Search(window, self._keep)
        chunks = store.group_chunks(tx, self._streams(tx, group.group_id), window, descending=self._descending)
        events = search.descending(chunks) if self._descending else search.ascending(chunks)
        page = search.page(events, self._request.get("limit", MAX_PAGE_EVENTS))
        stream_ids = {event.place.stream_id for event in page.events}
        return page, {stream_id: store.stream_name(tx, stream_id) for stream_id in stream_ids}

    def _window(self, group: store.LogGroup, now_ms: int) -> Window:
        """FilterLogEvents includes events at `endTime`, GetLogEvents does not (their API references)."""
        request = self._request
        if "endTime" in request:
            request = {**request, "endTime": request["endTime"] + 1}
        window = _window(request, group, now_ms, group.longest_ms)
        if self._place is None:
            return window
        if self._descending:
            return Window(window.start_ms, window.end_ms, window.reach_ms, before=self._place)
        return Window(window.start_ms, window.end_ms, window.reach_ms, after=self._place)

    def _streams(self, tx: Transaction, group_id: int) -> store.StreamChoice:
        if "logStreamNamePrefix" in self._request:
            return store.StreamChoice(group_id, prefix=self._request["logStreamNamePrefix"])
        if "logStreamNames" not in self._request:
            return store.StreamChoice(group_id)
        streams = [store.find_stream(tx, group_id, name) for name in self._request["logStreamNames"]]
        if None in streams:
            raise stream_not_found()
        return store.StreamChoice(group_id, stream_ids=tuple(stream.stream_id for stream in streams if stream))


def _existing_stream(tx: Transaction, key: GroupKey, name: str) -> tuple[store.LogGroup, store.LogStream]:
    group = store.find_group(tx, key)
    if group is None:
        raise group_not_found()
    stream = store.find_stream(tx, group.group_id, name)
    if stream is None:
        raise stream_not_found()
    return group, stream


def _window(request: Request, group: store.LogGroup, now_ms: int, reach_ms: int) -> Window:
    """What has expired is not shown, though its bytes may still be there."""
    start_ms = max(request.get("startTime", 0), cutoff(group.retention_days, now_ms))
    return Window(start_ms, min(request.get("endTime", END_OF_TIME_MS), END_OF_TIME_MS), reach_ms)


def _read_place(token: str) -> Place:
    try:
        return parse_event_id(read_token(token, str)[0])
    except ValueError as error:
        raise invalid_token() from error


def _describe_rejected(accepted: Accepted) -> Result:
    """Each index only if there were such events."""
    indexes = {
        "tooNewLogEventStartIndex": accepted.too_new_start,
        "tooOldLogEventEndIndex": accepted.too_old_end,
        "expiredLogEventEndIndex": accepted.expired_end,
    }
    return {name: index for name, index in indexes.items() if index is not None}


def _describe_event(event: LogEvent) -> Result:
    return {
        "timestamp": event.place.time_ms,
        "message": event.message.decode("utf-8", "replace"),
        "ingestionTime": event.ingested_ms,
    }


def _describe_found(event: LogEvent, stream_name: str) -> Result:
    return {**_describe_event(event), "logStreamName": stream_name, "eventId": event_id(event.place)}
