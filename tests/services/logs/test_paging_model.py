"""Whatever is put, every way of reading it page by page gives what a sorted list would, on a real database."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambent.kit.clock import VirtualClock
from lambent.kit.ids import CountedIds
from lambent.services.caller import Caller
from lambent.services.logs import chunks, store
from lambent.services.logs.live_tail import LiveTails
from lambent.services.logs.operations import LogsOperations
from lambent.services.logs.writer import LogWriter
from lambent.storage.database import Database

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "request-1")
STREAMS = ("a", "ab", "b")

_puts = st.lists(
    st.tuples(st.sampled_from(STREAMS), st.lists(st.integers(0, 400), min_size=1, max_size=6).map(sorted)), max_size=8
)

Call = Callable[..., Awaitable[dict[str, Any]]]


async def _read_forward(get: Call, **request: Any) -> list[str]:
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = await get(CALLER, {"startFromHead": True, **request, **token})
        found += [event["message"] for event in page["events"]]
        if token.get("nextToken") == page["nextForwardToken"]:
            return found
        token = {"nextToken": page["nextForwardToken"]}


async def _read_backward(get: Call, **request: Any) -> list[str]:
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = await get(CALLER, {**request, **token})
        found = [event["message"] for event in page["events"]] + found
        if token.get("nextToken") == page["nextBackwardToken"]:
            return found
        if not page["events"]:
            return found
        token = {"nextToken": page["nextBackwardToken"]}


async def _filter(search: Call, **request: Any) -> list[str]:
    found: list[str] = []
    while True:
        page = await search(CALLER, request)
        found += [event["message"] for event in page["events"]]
        if "nextToken" not in page:
            return found
        request["nextToken"] = page["nextToken"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(puts=_puts, limit=st.integers(1, 5), start=st.integers(0, 400), length=st.integers(0, 400))
def test_reading_agrees_with_a_sorted_list(
    puts: list[tuple[str, list[int]]],
    limit: int,
    start: int,
    length: int,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "CHUNKS_PER_QUERY", 2)
    monkeypatch.setattr(chunks, "MAX_CHUNK_SPAN_MS", 100)
    monkeypatch.setattr(store, "MAX_CHUNK_SPAN_MS", 100)
    asyncio.run(_compare(puts, limit, (start, start + length), tmp_path_factory.mktemp("model")))


async def _compare(puts: list[tuple[str, list[int]]], limit: int, window: tuple[int, int], folder: Path) -> None:
    database, clock, tails = Database.open(folder / "db"), VirtualClock(), LiveTails()
    logs = LogsOperations(database, LogWriter(database, tails, clock), tails, clock, CountedIds(), lambda *_: True)
    base_ms = clock.now_ms()
    await logs.create_log_group(CALLER, {"logGroupName": "g"})
    for name in STREAMS:
        await logs.create_log_stream(CALLER, {"logGroupName": "g", "logStreamName": name})
    rows: list[tuple[int, int, int, str]] = []
    for number, (name, times) in enumerate(puts):
        messages = [f"{name} {number} {index}" for index in range(len(times))]
        events = [{"timestamp": base_ms + at, "message": text} for at, text in zip(times, messages, strict=True)]
        await logs.put_log_events(CALLER, {"logGroupName": "g", "logStreamName": name, "logEvents": events})
        rows += [(at, STREAMS.index(name), number * 10 + index, messages[index]) for index, at in enumerate(times)]
    rows.sort()

    def expected(names: tuple[str, ...], low: int, high: int) -> list[str]:
        return [text for at, _, _, text in rows if low <= at <= high and text.split()[0] in names]

    low, high = window
    times_get = {"startTime": base_ms + low, "endTime": base_ms + high + 1}
    times_filter = {"startTime": base_ms + low, "endTime": base_ms + high}
    for name in STREAMS:
        request = {"logGroupName": "g", "logStreamName": name, "limit": limit}
        wanted = expected((name,), low, high)
        assert await _read_forward(logs.get_log_events, **request, **times_get) == wanted
        assert await _read_backward(logs.get_log_events, **request, **times_get) == wanted
    search = {"logGroupName": "g", "limit": limit, **times_filter}
    wanted = expected(STREAMS, low, high)
    assert await _filter(logs.filter_log_events, **search) == wanted
    assert await _filter(logs.filter_log_events, **search, startFromHead=False) == wanted[::-1]
    assert await _filter(logs.filter_log_events, **search, logStreamNamePrefix="a") == expected(("a", "ab"), low, high)
    assert await _filter(logs.filter_log_events, **search, logStreamNames=["b"]) == expected(("b",), low, high)
    whole = expected(STREAMS, 0, 400)
    assert await _filter(logs.filter_log_events, logGroupName="g", limit=limit, filterPattern="%[a-b]%") == whole
    await database.close()
