"""The operations on a real database, without HTTP: what needs a virtual clock or the writer itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from lambent.kit.clock import VirtualClock
from lambent.kit.ids import CountedIds
from lambent.services.caller import Caller
from lambent.services.logs import operations, store, writer
from lambent.services.logs.errors import InvalidParameter, LimitExceeded, ResourceNotFound, SessionTimeout
from lambent.services.logs.expiry import DAY_MS
from lambent.services.logs.live_tail import LiveTails
from lambent.services.logs.names import GroupKey
from lambent.services.logs.operations import LogsOperations
from lambent.services.logs.retention import Retention
from lambent.services.logs.tail_operations import MAX_SESSION_SECONDS, TailPage
from lambent.services.logs.writer import LogWriter
from lambent.storage.database import Database
from lambent.wire.http import BytesBody, Request

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "request-1")
GROUP = "/aws/lambda/f"
KEY = GroupKey("000000000000", "us-east-1", GROUP)
PATIENCE_SECONDS = 20.0


@dataclass
class World:
    database: Database
    clock: VirtualClock
    tails: LiveTails
    writer: LogWriter
    logs: LogsOperations

    async def call(self, operation: str, **request: Any) -> dict[str, Any]:
        method: Callable[..., Awaitable[dict[str, Any]]] = getattr(self.logs, operation)
        return await method(CALLER, request)

    async def put(self, *messages: str, stream: str = "s", time_ms: int | None = None) -> None:
        now_ms = self.clock.now_ms() if time_ms is None else time_ms
        events = [{"timestamp": now_ms, "message": message} for message in messages]
        await self.call("put_log_events", logGroupName=GROUP, logStreamName=stream, logEvents=events)

    async def messages(self, **request: Any) -> list[str]:
        found = await self.call("filter_log_events", logGroupName=GROUP, **request)
        return [event["message"] for event in found["events"]]


@contextlib.asynccontextmanager
async def world(path: Path) -> AsyncIterator[World]:
    database, clock, tails = Database.open(path / "db"), VirtualClock(), LiveTails()
    log_writer = LogWriter(database, tails, clock)
    logs = LogsOperations(database, log_writer, tails, clock, CountedIds(), lambda *_: True)
    yield World(database, clock, tails, log_writer, logs)
    await log_writer.close()
    await database.close()


async def with_stream(w: World) -> None:
    await w.call("create_log_group", logGroupName=GROUP)
    await w.call("create_log_stream", logGroupName=GROUP, logStreamName="s")


def test_printed_lines_make_their_group_and_stream_and_are_read_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            name = "2026/01/01/[$LATEST]a"
            for number in range(3):
                w.writer.append(KEY, name, w.clock.now_ms() + number, b"line %d" % number)
            found = await w.call("get_log_events", logGroupName=GROUP, logStreamName=name)
            assert [event["message"] for event in found["events"]] == ["line 0\n", "line 1\n", "line 2\n"]
            [stream] = (await w.call("describe_log_streams", logGroupName=GROUP))["logStreams"]
            assert (stream["logStreamName"], stream["lastEventTimestamp"]) == (name, w.clock.now_ms() + 2)

    asyncio.run(main())


def test_the_background_flush_stores_lines_without_a_reader(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(w.writer.run())
            w.writer.append(KEY, "s", w.clock.now_ms(), b"hello")
            async with asyncio.timeout(PATIENCE_SECONDS):
                while w.database.read(lambda tx: store.find_group(tx, KEY)) is None:
                    await asyncio.sleep(0.01)
            running.cancel()

    asyncio.run(main())


def test_lines_wait_for_a_full_disk_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 101_000)

    async def main() -> None:
        async with world(tmp_path) as w:
            size = w.database.read(lambda tx: tx.rows("PRAGMA page_count"))[0][0]
            await w.database.write(lambda tx: tx.rows(f"PRAGMA max_page_count = {size}"))
            filling = b"x" * 100_000
            w.writer.append(KEY, "s", w.clock.now_ms(), filling)
            for number in range(100):
                w.writer.append(KEY, "s", w.clock.now_ms() + number, b"line %02d" % number)
            assert not await w.writer.flush()
            await w.database.write(lambda tx: tx.rows("PRAGMA max_page_count = 1000000"))
            messages = await w.messages()
            assert messages[:2] == [filling.decode() + "\n", "line 00\n"]
            kept = len(messages) - 2
            assert 10 < kept < 20
            assert messages[-1].startswith(f"LAMBENT {100 - kept} log lines dropped")

    asyncio.run(main())


def test_a_long_line_becomes_several_events(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            w.writer.append(KEY, "s", w.clock.now_ms(), b"x" * (writer.MAX_LINE_BYTES + 5))
            assert [len(message) for message in await w.messages()] == [writer.MAX_LINE_BYTES + 1, 6]

    asyncio.run(main())


def test_tokens_walk_forward_and_backward_and_stay_at_the_ends(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            await with_stream(w)
            await w.put("a", "b", "c", "d", "e")

            async def get(**request: Any) -> tuple[str, str, str]:
                found = await w.call("get_log_events", logGroupName=GROUP, logStreamName="s", limit=2, **request)
                text = "".join(event["message"] for event in found["events"])
                return text, found["nextForwardToken"], found["nextBackwardToken"]

            text, forward, _ = await get(startFromHead=True)
            assert text == "ab"
            text, forward, backward = await get(nextToken=forward)
            assert text == "cd"
            assert (await get(nextToken=backward))[0] == "ab"
            text, forward, _ = await get(nextToken=forward)
            assert text == "e"
            text, again, backward = await get(nextToken=forward)
            assert (text, again) == ("", forward)
            assert (await get(nextToken=backward))[0] == "de"
            await w.put("f")
            assert (await get(nextToken=forward))[0] == "f"

            text, _, backward = await get()
            assert text == "ef"
            text, _, backward = await get(nextToken=backward)
            assert text == "cd"
            text, _, backward = await get(nextToken=backward)
            assert text == "ab"
            text, forward, again = await get(nextToken=backward)
            assert (text, again) == ("", backward)
            assert (await get(nextToken=forward))[0] == "ab"
            with pytest.raises(InvalidParameter):
                await get(nextToken="f/12/s")

    asyncio.run(main())


def test_an_empty_log_stream_has_tokens_that_find_what_comes_later(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            await with_stream(w)
            found = await w.call("get_log_events", logGroupName=GROUP, logStreamName="s")
            assert found["events"] == []
            await w.put("late")
            found = await w.call(
                "get_log_events", logGroupName=GROUP, logStreamName="s", nextToken=found["nextForwardToken"]
            )
            assert [event["message"] for event in found["events"]] == ["late"]

    asyncio.run(main())


def test_a_listing_that_looks_at_many_groups_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_GROUPS_READ", 2)

    async def main() -> None:
        async with world(tmp_path) as w:
            for name in ("a", "b", "c", "d-x", "e"):
                await w.call("create_log_group", logGroupName=name)
            found: list[str] = []
            token: dict[str, str] = {}
            for _ in range(4):
                page = await w.call("describe_log_groups", logGroupNamePattern="x", **token)
                found += [group["logGroupName"] for group in page["logGroups"]]
                if "nextToken" not in page:
                    break
                token = {"nextToken": page["nextToken"]}
            assert found == ["d-x"]
            assert "nextToken" not in page

    asyncio.run(main())


def test_retention_hides_expired_events_at_once_and_deletes_them_within_the_hour(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(Retention(w.database, w.clock).run())
            await with_stream(w)
            await w.put("old")
            await w.call("put_retention_policy", logGroupName=GROUP, retentionInDays=1)
            await w.clock.advance(DAY_MS / 1000 + 1)
            await w.put("new")
            assert await w.messages() == ["new"]
            await w.clock.advance(3_600)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (await w.call("describe_log_groups"))["logGroups"][0]["storedBytes"] != len("new") + 26:
                    await asyncio.sleep(0.01)
            await w.call("delete_retention_policy", logGroupName=GROUP)
            assert await w.messages() == ["new"]
            running.cancel()

    asyncio.run(main())


def test_rows_of_a_deleted_group_go_and_its_successor_starts_empty(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            await with_stream(w)
            await w.put("gone")
            await w.call("delete_log_group", logGroupName=GROUP)
            with pytest.raises(ResourceNotFound, match="The specified log group does not exist"):
                await w.messages()
            await with_stream(w)
            assert await w.messages() == []
            await w.put("here")
            await Retention(w.database, w.clock).delete_garbage()
            assert await w.messages() == ["here"]
            assert w.database.read(lambda tx: tx.row("SELECT count(*) FROM log_chunk")) == (1,)

    asyncio.run(main())


def test_too_new_too_old_and_expired_events_are_rejected_by_index(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            await with_stream(w)
            now_ms = w.clock.now_ms()

            async def put(*times: int) -> dict[str, Any]:
                events = [{"timestamp": time_ms, "message": "m"} for time_ms in times]
                result = await w.call("put_log_events", logGroupName=GROUP, logStreamName="s", logEvents=events)
                found: dict[str, Any] = result.get("rejectedLogEventsInfo", {})
                return found

            hour_ms = 3_600_000
            assert await put(now_ms, now_ms + 2 * hour_ms) == {}
            assert await put(now_ms, now_ms + 2 * hour_ms + 1) == {"tooNewLogEventStartIndex": 1}
            edge = now_ms - 14 * DAY_MS
            assert await put(edge - 2, edge - 1, edge) == {"tooOldLogEventEndIndex": 2}
            await w.call("put_retention_policy", logGroupName=GROUP, retentionInDays=3)
            edge = now_ms - 3 * DAY_MS
            assert await put(edge - 1, edge) == {"expiredLogEventEndIndex": 1}

    asyncio.run(main())


def test_live_tail_updates_every_second_until_its_time_is_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            await with_stream(w)
            result = await w.call("start_live_tail", logGroupIdentifiers=[GROUP], logEventFilterPattern="ERROR")
            stream = result["responseStream"]
            assert (await anext(stream))["sessionStart"]["logGroupIdentifiers"] == [GROUP]
            w.writer.append(KEY, "s", 1, b"ERROR one")
            w.writer.append(KEY, "s", 1, b"fine")
            await w.put("ERROR two")

            async def update() -> dict[str, Any]:
                async with asyncio.TaskGroup() as tasks:
                    waiting = tasks.create_task(anext(stream))
                    await w.clock.advance(1)
                found: dict[str, Any] = waiting.result()["sessionUpdate"]
                return found

            first = await update()
            assert [event["message"] for event in first["sessionResults"]] == ["ERROR one\n", "ERROR two"]
            assert not first["sessionMetadata"]["sampled"]
            for number in range(501):
                w.writer.append(KEY, "s", number, b"ERROR")
            second = await update()
            assert len(second["sessionResults"]) == 500
            assert second["sessionMetadata"]["sampled"]
            await stream.aclose()
            assert w.tails.count == 0

    asyncio.run(main())


def test_live_tail_needs_an_existing_group_and_a_free_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            with pytest.raises(ResourceNotFound):
                await w.call("start_live_tail", logGroupIdentifiers=["nowhere"])
            await with_stream(w)
            with contextlib.ExitStack() as open_tails:
                for _ in range(100):
                    stream = (await w.call("start_live_tail", logGroupIdentifiers=[GROUP]))["responseStream"]
                    await anext(stream)
                    open_tails.callback(lambda: None)
                with pytest.raises(LimitExceeded):
                    await w.call("start_live_tail", logGroupIdentifiers=[GROUP])

    asyncio.run(main())


def test_tails_end_when_the_platform_stops(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            page = TailPage(w.tails)
            response = await page.serve(Request("GET", f"/_lambent/tail?group={GROUP}", {}, BytesBody()), CALLER)
            assert isinstance(response.body, AsyncIterator)
            assert await anext(response.body) == b"\n"
            w.writer.append(KEY, "s", 5, b"line")
            assert orjson.loads(await anext(response.body)) == {"timestamp": 5, "stream": "s", "message": "line\n"}
            w.tails.close()
            assert [part async for part in response.body] == []
            assert w.tails.count == 0

    asyncio.run(main())


def test_a_three_hour_session_ends_with_awss_exception(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as w:
            await with_stream(w)
            stream = (await w.call("start_live_tail", logGroupIdentifiers=[GROUP]))["responseStream"]
            await anext(stream)
            async with asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(anext(stream))
                await w.clock.advance(MAX_SESSION_SECONDS)
                assert "sessionUpdate" in await waiting
            with pytest.raises(SessionTimeout):
                await anext(stream)

    asyncio.run(main())
