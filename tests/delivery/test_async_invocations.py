"""The asynchronous queue: retries, ages, destinations, limits, restarts. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from delivery.scene import Functions, answer, arn, failure, limit_pages, scene, until
from delivery.schedule_stage import SettableClock
from lambent.delivery import parcel_store
from lambent.delivery.async_invocations import AsyncSettings
from lambent.delivery.outcomes import NewObject
from lambent.delivery.retries import RetrySchedule
from lambent.kit.clock import VirtualClock
from lambent.sandbox.types import Outcome
from lambent.services.lambda_ import queue_store, recursion
from lambent.services.lambda_.errors import TooManyRequests
from lambent.services.lambda_.event_invoke import AsyncPolicy
from lambent.services.lambda_.queue_store import NewInvocation


async def succeed(_: bytes) -> Outcome:
    return answer()


async def fail(_: bytes) -> Outcome:
    return failure()


async def throttle(_: bytes) -> Outcome:
    raise TooManyRequests("Rate Exceeded.")


async def stop_as_a_loop(_: bytes) -> Outcome:
    raise recursion.refusal()


def failing_at_first(count: int) -> Callable[[bytes], Awaitable[Outcome]]:
    left = count

    async def behave(_: bytes) -> Outcome:
        nonlocal left
        left -= 1
        return failure() if left >= 0 else answer()

    return behave


def test_an_accepted_event_runs_at_once_and_leaves_the_queue(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", succeed)
        async with scene(tmp_path, functions) as stage:
            await stage.accept(function, b'{"n": 1}')
            await until(lambda: stage.waiting() == 0)
            assert functions.calls == [("f", "request", b'{"n": 1}')]
            assert stage.discards() == []

    asyncio.run(main())


def test_errors_are_tried_again_after_one_and_after_two_minutes(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", fail)
        async with scene(tmp_path, functions) as stage:
            await stage.accept(function)
            for attempts, pause in ((1, 60.0), (2, 120.0)):
                await until(lambda attempts=attempts: [row.errors for row in stage.rows()] == [attempts])  # type: ignore[misc]
                await stage.clock.advance(pause - 1)
                assert functions.count("f") == attempts
                await stage.clock.advance(1.1)
            await until(lambda: stage.waiting() == 0)
            assert functions.count("f") == 3
            assert len({request_id for _, request_id, _ in functions.calls}) == 1
            [discard] = stage.discards()
            assert (discard.reason, discard.attempts) == ("RetriesExhausted", 3)
            assert discard.detail == '{"errorMessage": "no"}'

    asyncio.run(main())


def test_the_second_attempt_may_succeed(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", failing_at_first(1))
        async with scene(tmp_path, functions) as stage:
            await stage.accept(function)
            await until(lambda: [row.errors for row in stage.rows()] == [1])
            await stage.clock.advance(61)
            await until(lambda: stage.waiting() == 0)
            assert (functions.count("f"), stage.discards()) == (2, [])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("policy", "behaviour", "reason", "attempts"),
    [
        (AsyncPolicy(maximum_retry_attempts=0), fail, "RetriesExhausted", 1),
        (AsyncPolicy(disabled=True), succeed, "ZeroReservedConcurrency", 0),
        (AsyncPolicy(maximum_age_seconds=60, maximum_retry_attempts=2), fail, "EventAgeExceeded", 2),
        (AsyncPolicy(maximum_age_seconds=60), throttle, "EventAgeExceeded", 0),
        (AsyncPolicy(), stop_as_a_loop, "RecursiveInvocation", 0),
    ],
)
def test_what_is_given_up_and_why(
    tmp_path: Path, policy: AsyncPolicy, behaviour: Callable[[bytes], Awaitable[Outcome]], reason: str, attempts: int
) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", behaviour)
        functions.policies[function] = policy
        async with scene(tmp_path, functions) as stage:
            await stage.accept(function)
            for _ in range(200):
                if not stage.waiting():
                    break
                await stage.clock.advance(1)
                await asyncio.sleep(0.005)
            [discard] = stage.discards()
            assert (discard.reason, discard.attempts) == (reason, attempts)

    asyncio.run(main())


def test_throttled_events_wait_and_run_when_there_is_room(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", throttle)
        async with scene(tmp_path, functions) as stage:
            await stage.accept(function)
            for attempt in range(1, 6):
                await until(lambda attempt=attempt: [row.throttles for row in stage.rows()] == [attempt])  # type: ignore[misc]
                await stage.clock.advance(2 ** (attempt - 1) + 0.01)
            functions.define("f", succeed)
            await until(lambda: [row.throttles for row in stage.rows()] == [6])
            await stage.clock.advance(33)
            await until(lambda: stage.waiting() == 0)
            assert stage.discards() == []

    asyncio.run(main())


def test_a_fault_of_the_platform_is_tried_again(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()

        async def break_down(_: bytes) -> Outcome:
            raise RuntimeError("the sandbox is out of order")

        function = functions.define("f", break_down)
        async with scene(tmp_path, functions) as stage:
            await stage.accept(function)
            await until(lambda: [row.throttles for row in stage.rows()] == [1])
            functions.define("f", succeed)
            await stage.clock.advance(1.01)
            await until(lambda: stage.waiting() == 0)

    asyncio.run(main())


def test_a_deleted_function_takes_its_events_along(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, Functions()) as stage:
            await stage.accept(arn("gone"))
            await until(lambda: stage.waiting() == 0)
            [discard] = stage.discards()
            assert discard.reason == "FunctionNotFound"

    asyncio.run(main())


def test_destinations_receive_the_record_as_their_event(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        after = functions.define("after", succeed)
        good = functions.define("good", succeed, on_success=after, on_failure=after)
        bad = functions.define("bad", fail, maximum_retry_attempts=0, on_success=after, on_failure=after)
        async with scene(tmp_path, functions) as stage:
            await stage.accept(good, b'{"n": 1}', "one")
            await stage.accept(bad, b'{"n": 2}', "two")
            await until(lambda: functions.count("after") == 2 and stage.waiting() == 0)
            records = [orjson.loads(payload) for name, _, payload in functions.calls if name == "after"]
            told = {record["requestContext"]["requestId"]: record for record in records}
            assert told["one"]["requestContext"]["condition"] == "Success"
            assert told["one"]["requestPayload"] == {"n": 1}
            assert told["two"]["requestContext"]["condition"] == "RetriesExhausted"
            assert told["two"]["responsePayload"] == {"errorMessage": "no"}

    asyncio.run(main())


def test_a_record_whose_way_into_the_bucket_is_gone_twice_lies_there_once(tmp_path: Path) -> None:
    """It was put, and the platform was ended before that was on disk."""
    found: dict[str, bytes] = {}
    clock = VirtualClock()

    async def put(new: NewObject) -> None:
        found[new.key] = new.content
        if clock.now_ms() == started_ms:
            await asyncio.get_running_loop().create_future()

    async def main() -> None:
        functions = Functions()
        function = functions.define("f", fail, maximum_retry_attempts=0, on_failure="arn:aws:s3:::given-up")
        async with scene(tmp_path, functions, clock=clock, put_object=put) as stage:
            await stage.accept(function)
            await until(lambda: found)
        await clock.advance(60)
        async with scene(tmp_path, functions, clock=clock, put_object=put) as stage:
            await until(lambda: stage.database.read(parcel_store.count_parcels) == 0)
        ((key, record),) = found.items()
        request_id = orjson.loads(record)["requestContext"]["requestId"]
        assert key == f"aws/lambda/async/f/2025/06/15/2025-06-15T15.06.40-{request_id}"

    started_ms = clock.now_ms()
    asyncio.run(main())


@pytest.mark.parametrize(
    "event", [b"[" * 1_024 + b"]" * 1_024, b'"\\ud800"', b'{"requestId":"another"}'], ids=["deep", "half", "same"]
)
def test_the_record_of_any_event_comes_into_the_bucket(tmp_path: Path, event: bytes) -> None:
    """Of whatever Invoke takes."""
    found: list[NewObject] = []

    async def put(new: NewObject) -> None:
        found.append(new)

    async def main() -> None:
        functions = Functions()
        function = functions.define("f", fail, maximum_retry_attempts=0, on_failure="arn:aws:s3:::given-up")
        async with scene(tmp_path, functions, put_object=put) as stage:
            await stage.accept(function, event)
            await until(lambda: found)
        (record,) = found
        assert event in record.content
        assert not record.key.endswith("another")

    asyncio.run(main())


def test_a_wall_clock_that_is_set_forward_makes_a_retry_late_at_most_a_minute(tmp_path: Path) -> None:
    """As it is where a machine without a clock of its own learns the time after its start."""
    clock = SettableClock(1_750_000_000.0)

    async def main() -> None:
        functions = Functions()
        function = functions.define("f", fail)
        async with scene(tmp_path, functions, clock=clock) as stage:
            await stage.accept(function)
            await until(lambda: functions.count("f") == 1 and stage.rows()[0].errors == 1)
        clock.error_seconds = -50 * 365 * 86_400.0
        async with scene(tmp_path, functions, clock=clock):
            await clock.advance(120)
            clock.error_seconds = 0.0
            await clock.advance(60)
            await until(lambda: functions.count("f") == 2)

    asyncio.run(main())


def test_no_more_of_a_function_at_once_than_allowed(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions(spare=1_000)
        now = most = 0

        async def count(_: bytes) -> Outcome:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.002)
            now -= 1
            return answer()

        function = functions.define("f", count)
        settings = AsyncSettings(max_running_per_function=3)
        async with scene(tmp_path, functions, settings=settings) as stage:
            await asyncio.gather(*(stage.accept(function, request_id=str(number)) for number in range(200)))
            await until(lambda: stage.waiting() == 0)
            assert functions.count("f") == 200
            assert most == 3

    asyncio.run(main())


def test_a_slow_function_does_not_hold_up_another(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        released = asyncio.Event()

        async def hang(_: bytes) -> Outcome:
            await released.wait()
            return answer()

        slow, quick = functions.define("slow", hang), functions.define("quick", succeed)
        async with scene(tmp_path, functions, settings=AsyncSettings(max_running_per_function=2)) as stage:
            for number in range(200):
                await stage.accept(slow, request_id=f"slow {number}")
            await stage.accept(quick)
            await until(lambda: functions.count("quick") == 1)
            assert functions.count("slow") == 2
            released.set()
            await until(lambda: stage.waiting() == 0)

    asyncio.run(main())


def test_more_than_memory_shall_hold_waits_on_disk(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", succeed)
        settings = AsyncSettings(max_running=2, max_running_per_function=2, max_waiting=5)
        async with scene(tmp_path, functions, settings=settings) as stage:
            await asyncio.gather(*(stage.accept(function, request_id=str(number)) for number in range(300)))
            await until(lambda: stage.waiting() == 0)
            assert functions.count("f") == 300

    asyncio.run(main())


def test_large_events_arrive_whole(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", succeed)
        large = orjson.dumps("x" * 1_000_000)
        async with scene(tmp_path, functions) as stage:
            await stage.accept(function, large)
            await until(lambda: stage.waiting() == 0)
            assert functions.calls[0][2] == large

    asyncio.run(main())


def test_drain_waits_for_what_runs_and_starts_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        released = asyncio.Event()

        async def hang(_: bytes) -> Outcome:
            await released.wait()
            return answer()

        function = functions.define("f", hang)
        async with scene(tmp_path, functions, settings=AsyncSettings(max_running_per_function=1)) as stage:
            await stage.accept(function, request_id="one")
            await stage.accept(function, request_id="two")
            await until(lambda: functions.count("f") == 1)
            drained = asyncio.create_task(stage.delivery.drain())
            await asyncio.sleep(0.02)
            assert not drained.done()
            released.set()
            await drained
            assert functions.count("f") == 1
            assert [row.request_id for row in stage.rows()] == ["two"]

    asyncio.run(main())


def test_an_early_start_runs_once_and_is_settled_with_its_row(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        after = functions.define("after", succeed)
        function = functions.define("f", failing_at_first(1), on_success=after)
        async with scene(tmp_path, functions) as stage:
            await asyncio.sleep(0)
            new = [NewInvocation("early", function, b"{}", "s3:b")]
            stage.delivery.start_early(new)
            await until(lambda: functions.count("f") == 1)
            await stage.database.write(lambda tx: queue_store.enqueue(tx, new, stage.clock.now_ms()))
            await until(lambda: [row.errors for row in stage.rows()] == [1])
            await stage.clock.advance(61)
            await until(lambda: functions.count("after") == 1 and stage.waiting() == 0)
            assert functions.count("f") == 2

    asyncio.run(main())


def test_an_early_start_whose_commit_fails_is_made_again(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", succeed)
        async with scene(tmp_path, functions) as stage:
            await asyncio.sleep(0)
            stage.delivery.start_early([NewInvocation("failed", function, b"{}", "s3:b")])
            again = [NewInvocation("again", function, b"{}", "s3:b")]
            stage.delivery.start_early(again)
            await stage.database.write(lambda tx: queue_store.enqueue(tx, again, stage.clock.now_ms()))
            await until(lambda: functions.count("f") == 2 and stage.waiting() == 0)
            await stage.delivery.drain()

    asyncio.run(main())


def test_an_early_start_in_the_only_place_finds_its_row(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        function = functions.define("f", succeed)
        async with scene(tmp_path, functions, settings=AsyncSettings(max_running=1)) as stage:
            await asyncio.sleep(0)
            new = [NewInvocation(str(number), function, b"{}", "s3:b") for number in range(3)]
            stage.delivery.start_early(new)
            await stage.database.write(lambda tx: queue_store.enqueue(tx, new, stage.clock.now_ms()))
            await until(lambda: stage.waiting() == 0)
            assert sorted(request_id for _, request_id, _ in functions.calls) == ["0", "1", "2"]

    asyncio.run(main())


def test_nothing_starts_early_past_those_who_wait(tmp_path: Path) -> None:
    async def main() -> None:
        functions = Functions()
        released = asyncio.Event()

        async def hang(_: bytes) -> Outcome:
            await released.wait()
            return answer()

        function = functions.define("f", hang)
        async with scene(tmp_path, functions, settings=AsyncSettings(max_running_per_function=1)) as stage:
            for number in range(3):
                await stage.accept(function, request_id=str(number))
            new = [NewInvocation("early", function, b"{}", "s3:b")]
            stage.delivery.start_early(new)
            await stage.database.write(lambda tx: queue_store.enqueue(tx, new, stage.clock.now_ms()))
            released.set()
            await until(lambda: stage.waiting() == 0)
            assert [request_id for _, request_id, _ in functions.calls] == ["0", "1", "2", "early"]

    asyncio.run(main())


def test_results_wait_for_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        functions = Functions()
        released = asyncio.Event()

        async def hang(_: bytes) -> Outcome:
            await released.wait()
            return answer(orjson.dumps("x" * 1_000_000))

        after = functions.define("after", succeed)
        function = functions.define("f", hang, on_success=after)
        async with scene(tmp_path, functions) as stage:
            await stage.accept(function)
            await until(lambda: functions.count("f") == 1)
            await limit_pages(stage.database, spare=50)
            released.set()
            await until(lambda: "wait for the disk" in caplog.text)
            assert stage.waiting() == 1
            await limit_pages(stage.database, spare=10_000)
            await stage.clock.advance(1.1)
            await until(lambda: functions.count("after") == 1 and stage.waiting() == 0)
            assert functions.count("f") == 1

    asyncio.run(main())


def test_what_was_due_later_is_due_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        functions, clock = Functions(), VirtualClock()
        function = functions.define("f", failing_at_first(1))
        async with scene(tmp_path, functions, clock=clock) as stage:
            await stage.accept(function)
            await until(lambda: [row.errors for row in stage.rows()] == [1])
        async with scene(tmp_path, functions, clock=clock) as stage:
            await clock.advance(59)
            assert functions.count("f") == 1
            await clock.advance(2)
            await until(lambda: stage.waiting() == 0)
            assert functions.count("f") == 2

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(12))
def test_stopped_anywhere_nothing_accepted_is_lost(tmp_path: Path, seed: int) -> None:
    """Stops after a random number of turns of the loop, over and over; then lets it finish."""
    chance = random.Random(seed)

    async def main() -> None:
        functions, clock = Functions(), VirtualClock()
        settings = AsyncSettings(RetrySchedule((0.01,), 0.01, 0.05), max_running_per_function=chance.randint(1, 5))

        async def moody(_: bytes) -> Outcome:
            for _turn in range(chance.randint(0, 3)):
                await asyncio.sleep(0)
            mood = chance.random()
            if mood < 0.1:
                raise TooManyRequests("Rate Exceeded.")
            return failure() if mood < 0.2 else answer()

        after = functions.define("after", succeed)
        function = functions.define("f", moody, on_success=after, on_failure=after)
        accepted: set[str] = set()
        for round_number in range(8):
            async with scene(tmp_path, functions, clock=clock, settings=settings) as stage:
                for number in range(chance.randint(1, 15)):
                    request_id = f"{round_number}-{number}"
                    if chance.random() < 0.3:
                        early = NewInvocation(request_id, function, orjson.dumps(request_id), "s3:b")
                        stage.delivery.start_early([early])
                    await stage.accept(function, orjson.dumps(request_id), request_id)
                    accepted.add(request_id)
                for _turn in range(chance.randint(0, 150)):
                    await asyncio.sleep(0)
                await clock.advance(chance.choice([0, 0.01, 0.1]))
        async with scene(tmp_path, functions, clock=clock, settings=settings) as stage:
            while stage.waiting():
                await clock.advance(0.05)
                await asyncio.sleep(0.001)
        reached = {request_id for name, request_id, _ in functions.calls if name == "f"}
        told = {
            orjson.loads(payload)["requestContext"]["requestId"]
            for name, _, payload in functions.calls
            if name == "after"
        }
        assert reached == accepted
        assert told == accepted

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
