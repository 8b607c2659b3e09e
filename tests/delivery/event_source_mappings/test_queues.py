"""Mappings over queues: what goes into a batch, when, how many at a time, and what becomes of failures."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from delivery.event_source_mappings.queue_stage import VISIBILITY_SECONDS, failing_on, queue_stage, reporting
from delivery.event_source_mappings.stage import NO_FUNCTION, Function, accept, flat, quiet, refuse, until
from lambent.delivery.burials import Burials
from lambent.delivery.event_source_mappings.queue_width import FIRST_WIDTH
from lambent.kit import trace
from lambent.services.happenings import Happenings
from lambent.services.lambda_.errors import InvalidParameterValue, TooManyRequests
from lambent.services.lambda_.event_source_mappings import State
from lambent.services.sqs import store

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"


def test_messages_come_in_batches_and_are_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            uuid = await scene.map(batch_size=3, maximum_concurrency=2)
            await until(lambda: scene.stage.state(uuid) is State.ENABLED)
            await scene.send("a", "b", "c", "d", trace=TRACE)
            await until(lambda: not scene.waiting())
            assert sorted(map(len, scene.batches)) == [1, 3]
            assert sorted(flat(scene.batches)) == ["a", "b", "c", "d"]
            assert scene.stage.last_result(uuid) == "OK"
            assert set(scene.function.traces) == {TRACE}
            assert (scene.standing["records"], scene.standing["invocations"]) == (4, 2)

    asyncio.run(main())


def test_a_message_without_a_trace_has_the_same_one_at_every_attempt(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path, failing_on("bad")) as scene:
            await scene.map(batch_size=1)
            await scene.send("bad")
            await scene.stage.advance_until(lambda: len(scene.function.traces) >= 2)
            first, second, *_ = scene.function.traces
            assert trace.root(first) == trace.root(second) != ""

    asyncio.run(main())


def test_the_record_is_as_documented(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path, fifo=True) as scene:
            await scene.map()
            await scene.send("hello", group="g", trace=TRACE)
            await until(lambda: scene.function.events)
            [record] = scene.function.events[0]["Records"]
            assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == (
                "aws:sqs",
                scene.key.arn,
                "us-east-1",
            )
            assert (record["body"], record["md5OfBody"]) == ("hello", "5d41402abc4b2a76b9719d911017c592")
            assert record["messageAttributes"] == {}
            assert "md5OfMessageAttributes" not in record
            assert set(record["attributes"]) == {
                "ApproximateFirstReceiveTimestamp",
                "ApproximateReceiveCount",
                "AWSTraceHeader",
                "MessageDeduplicationId",
                "MessageGroupId",
                "SenderId",
                "SentTimestamp",
                "SequenceNumber",
            }
            assert len(record["messageId"]) == 36
            assert record["receiptHandle"]

    asyncio.run(main())


def test_a_window_gathers_until_it_ends_or_the_batch_is_full(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            await scene.map(batch_size=20, batching_window_seconds=5)
            await scene.send(*(f"a{n}" for n in range(3)))
            await quiet()
            await scene.clock.advance(4)
            await scene.send("a3")
            await quiet()
            assert scene.batches == []
            await scene.stage.advance_until(lambda: scene.batches, step=0.5)
            assert [sorted(batch) for batch in scene.batches] == [["a0", "a1", "a2", "a3"]]
            await scene.send(*(f"b{n}" for n in range(20)))
            await until(lambda: len(scene.batches) == 2)
            assert len(scene.batches[1]) == 20

    asyncio.run(main())


def test_a_batch_fits_into_an_event(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            await scene.send(*(f"{n}" * 900_000 for n in range(9)))
            await scene.map(batch_size=10)
            await until(lambda: not scene.waiting())
            assert all(len(batch) <= 6 for batch in scene.batches)
            assert len(flat(scene.batches)) == 9

    asyncio.run(main())


def test_quotes_make_an_event_longer_and_nothing_is_lost(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            await scene.send(*(f"{n}" + '"' * 1_000_000 for n in range(6)))
            await scene.map(batch_size=10)
            await until(lambda: not scene.waiting())
            assert all(len(batch) <= 3 for batch in scene.batches)
            assert len(flat(scene.batches)) == 6

    asyncio.run(main())


def test_a_failed_batch_comes_again_by_its_timeout(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path, refuse) as scene:
            uuid = await scene.map()
            await scene.send("m")
            await until(lambda: scene.standing["errors"] == 1)
            await scene.clock.advance(VISIBILITY_SECONDS - 1)
            await quiet()
            assert scene.batches == [["m"]]
            scene.function.behaviour = accept
            await scene.stage.advance_until(lambda: len(scene.batches) == 2)
            await until(lambda: not scene.waiting())
            assert scene.stage.last_result(uuid) == "OK"

    asyncio.run(main())


def test_what_keeps_failing_is_a_dead_letter(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path, failing_on("bad"), max_receives=3) as scene:
            await scene.map(batch_size=1)
            await scene.send("bad", "good")
            await scene.stage.advance_until(lambda: scene.dead, step=5)
            assert (scene.dead, scene.waiting()) == (["bad"], [])
            assert flat(scene.batches).count("bad") == 3

    asyncio.run(main())


def test_people_are_told_of_a_dead_letter(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path, failing_on("bad"), max_receives=1) as scene:
            happenings, on = Happenings(), scene.stage
            telling = asyncio.create_task(Burials(database=on.database, happenings=happenings, clock=on.clock).run())
            await scene.map()
            await scene.send("bad", trace=TRACE)
            await on.advance_until(lambda: scene.dead, step=5)
            await until(lambda: happenings.after(0, 10, account_id="000000000000"))
            [told] = happenings.after(0, 10, account_id="000000000000")
            assert (told["outcome"], told["source"], told["targetArn"]) == ("discarded", "sqs:q", scene.dead_key.arn)
            assert (told["traceRoot"], "was received once" in told["detail"]) == (trace.root(TRACE), True)
            telling.cancel()

    asyncio.run(main())


def test_only_what_failed_stays(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path, reporting("b")) as scene:
            await scene.map(reports_item_failures=True, maximum_concurrency=2)
            await scene.send("a", "b", "c")
            await until(lambda: scene.waiting() == ["b"])
            scene.function.behaviour = accept
            await scene.stage.advance_until(lambda: not scene.waiting())
            assert scene.batches[-1] == ["b"]

    asyncio.run(main())


@pytest.mark.parametrize("answer", ["text", {"batchItemFailures": [{"itemIdentifier": "unknown"}]}])
def test_a_response_that_makes_no_sense_is_a_failure(tmp_path: Path, answer: Any) -> None:
    async def behaviour(_: Any) -> Any:
        return answer

    async def main() -> None:
        async with queue_stage(tmp_path, behaviour) as scene:
            await scene.map(reports_item_failures=True)
            await scene.send("m")
            await until(lambda: scene.standing["invocations"] == 1 and not scene.standing["running"])
            assert scene.waiting() == ["m"]

    asyncio.run(main())


def test_a_group_is_in_order_and_with_one_invocation_only(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def behaviour(event: Any) -> None:
        if event["Records"][0]["body"].startswith("a"):
            await gate.wait()

    async def main() -> None:
        async with queue_stage(tmp_path, behaviour, fifo=True) as scene:
            await scene.map(batch_size=2)
            await scene.send(*(f"a{n}" for n in range(5)), group="a")
            await until(lambda: scene.batches == [["a0", "a1"]])
            await scene.send("b0", group="b")
            await until(lambda: len(scene.batches) == 2)
            await quiet()
            assert scene.batches == [["a0", "a1"], ["b0"]]
            gate.set()
            await until(lambda: not scene.waiting())
            assert scene.batches[2:] == [["a2", "a3"], ["a4"]]

    asyncio.run(main())


def test_behind_the_first_failure_a_group_stops(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path, reporting("a1"), fifo=True) as scene:
            await scene.map(reports_item_failures=True)
            await scene.stage.database.write(lambda _: None)
            await scene.send("a0", "a1", "a2", group="a")
            await until(lambda: scene.standing["invocations"] >= 1 and scene.waiting() == ["a1", "a2"])
            scene.function.behaviour = accept
            await scene.stage.advance_until(lambda: not scene.waiting())
            assert flat(scene.batches[1:]) == ["a1", "a2"]

    asyncio.run(main())


def test_filters_look_into_the_body_and_delete_the_rest(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            await scene.map(filters=('{"body": {"kind": ["order"]}}',))
            await scene.send('{"kind": "order"}', '{"kind": "other"}', "plain", "5", '{"broken')
            await until(lambda: not scene.waiting())
            assert flat(scene.batches) == ['{"kind": "order"}']
            await until(lambda: scene.standing["filtered"] == 4)

    asyncio.run(main())


def test_concurrency_is_limited_and_grows_with_the_backlog(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def behaviour(_: Any) -> None:
        await gate.wait()

    async def main() -> None:
        async with queue_stage(tmp_path, behaviour) as scene:
            uuid = await scene.map(batch_size=1, maximum_concurrency=8)
            await scene.send(*map(str, range(30)))
            await until(lambda: scene.function.running == FIRST_WIDTH)
            await quiet()
            assert scene.function.running == FIRST_WIDTH
            await scene.stage.advance_until(lambda: scene.function.running == 8, step=0.25, limit=20)
            await scene.clock.advance(2)
            await quiet()
            assert scene.function.running == 8
            await scene.stage.change(uuid, maximum_concurrency=9)
            await scene.stage.advance_until(lambda: scene.function.running == 9, step=0.25, limit=20)
            gate.set()
            await until(lambda: not scene.waiting())
            assert scene.function.most_running == 9

    asyncio.run(main())


@pytest.mark.parametrize("refusal", [TooManyRequests("Rate Exceeded."), NO_FUNCTION])
def test_throttled_messages_come_again_by_their_timeout(tmp_path: Path, refusal: Any) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            scene.function.refusal = refusal
            uuid = await scene.map()
            await scene.send("a", "b")
            await until(lambda: scene.stage.last_result(uuid) == "PROBLEM: Function call failed")
            assert sorted(scene.waiting()) == ["a", "b"]
            scene.function.refusal = None
            await scene.stage.advance_until(lambda: not scene.waiting(), limit=VISIBILITY_SECONDS + 5)
            assert sorted(flat(scene.batches)) == ["a", "b"]

    asyncio.run(main())


def test_who_waits_receives_in_the_senders_own_transaction(tmp_path: Path) -> None:
    """As soon as the sender knows that it was sent; but not what there is no place for."""
    gate = asyncio.Event()

    async def behaviour(_: Any) -> None:
        await gate.wait()

    async def main() -> None:
        async with queue_stage(tmp_path, behaviour) as scene:
            uuid = await scene.map(batch_size=1, maximum_concurrency=2)
            await until(lambda: scene.stage.state(uuid) is State.ENABLED)
            await quiet()
            for body in ("a", "b"):
                await scene.send(body)
                assert not scene.is_any_visible()
                await quiet()
            await scene.send("c")
            assert scene.is_any_visible()
            assert await scene.receive() == ["c"]
            gate.set()
            await until(lambda: sorted(flat(scene.batches)) == ["a", "b"])

    asyncio.run(main())


def test_what_came_while_it_stopped_is_let_go(tmp_path: Path) -> None:
    """A message that is sent as the mapping is switched off is with the function, or others can have it at once."""

    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            uuid = await scene.map()
            await until(lambda: scene.stage.state(uuid) is State.ENABLED)
            for number in range(20):
                sending = asyncio.ensure_future(scene.send(f"m{number}"))
                for _ in range(number):
                    await asyncio.sleep(0)
                await scene.stage.change(uuid, State.DISABLING)
                await sending
                await until(lambda: scene.stage.state(uuid) is State.DISABLED)
                received = await scene.receive()
                assert sorted([*flat(scene.batches), *received]) == [f"m{number}"]
                scene.function.events.clear()
                await scene.stage.change(uuid, State.ENABLING)
                await until(lambda: scene.stage.state(uuid) is State.ENABLED)

    asyncio.run(main())


def test_switched_off_it_leaves_the_queue_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            uuid = await scene.map(enabled=False)
            await scene.send("a")
            await quiet()
            assert scene.batches == []
            await scene.stage.change(uuid, State.ENABLING)
            await until(lambda: scene.batches == [["a"]])
            await until(lambda: scene.stage.state(uuid) is State.ENABLED)
            await scene.stage.change(uuid, State.DISABLING)
            await until(lambda: scene.stage.state(uuid) is State.DISABLED)
            await scene.send("b")
            await quiet()
            assert await scene.receive() == ["b"]
            await scene.stage.change(uuid, State.DELETING)
            await until(lambda: scene.stage.state(uuid) is None)

    asyncio.run(main())


def test_what_was_gathered_is_let_go_when_it_stops(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            uuid = await scene.map(batching_window_seconds=100)
            await scene.send("a")
            await quiet()
            assert await scene.receive() == []
            await scene.stage.change(uuid, State.DISABLING)
            await until(lambda: scene.stage.state(uuid) is State.DISABLED)
            assert await scene.receive() == ["a"]

    asyncio.run(main())


def test_a_queue_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            uuid = await scene.map()
            await until(lambda: scene.stage.state(uuid) is State.ENABLED)
            await scene.stage.database.write(lambda tx: store.delete_queue(tx, scene.present(tx)))
            await until(lambda: scene.stage.last_result(uuid) == "PROBLEM: Queue not found")
            await scene.make_queues()
            await scene.send("a")
            await until(lambda: not scene.waiting())
            assert scene.batches == [["a"]]

    asyncio.run(main())


def test_a_mapping_needs_its_queue(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            await scene.stage.database.write(lambda tx: store.delete_queue(tx, scene.present(tx)))
            with pytest.raises(InvalidParameterValue, match="NonExistentQueue"):
                await scene.map()

    asyncio.run(main())


@pytest.mark.parametrize("fifo", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_under_errors_throttles_and_restarts(tmp_path: Path, *, fifo: bool, seed: int) -> None:
    """Messages in = handled + dead letters + still in the queue; a FIFO queue's groups stay in order."""
    chance = random.Random(seed)
    handled: list[tuple[str, str]] = []

    async def behaviour(event: Any) -> Any:
        await asyncio.sleep(chance.choice([0, 0, 0.003]))
        failed = []
        stopped: set[str] = set()
        for record in event["Records"]:
            group = record["attributes"].get("MessageGroupId", "")
            if group in stopped or chance.random() < 0.15:
                failed.append({"itemIdentifier": record["messageId"]})
                stopped.add(group if fifo else record["messageId"])
            else:
                handled.append((group, record["body"]))
        if chance.random() < 0.1:
            raise ValueError("after the work")
        return {"batchItemFailures": failed}

    async def main() -> None:
        function, clock = Function(behaviour), None
        sent: list[tuple[str, str]] = []
        for round_number in range(6):
            async with queue_stage(tmp_path, fifo=fifo, function=function, clock=clock, max_receives=6) as scene:
                clock = scene.clock
                if round_number == 0:
                    await scene.map(batch_size=4, reports_item_failures=True)
                for _ in range(8):
                    group = chance.choice("abc") if fifo else ""
                    body = f"{len(sent):03d}"
                    await scene.send(body, group=group or None)
                    sent.append((group, body))
                    function.refusal = TooManyRequests("Rate Exceeded.") if chance.random() < 0.2 else None
                    await clock.advance(chance.choice([0, 1, 20]))
                    await asyncio.sleep(chance.choice([0, 0.002]))
        function.refusal = None
        async with queue_stage(tmp_path, fifo=fifo, function=function, clock=clock) as scene:
            await scene.stage.advance_until(lambda: not scene.waiting(), step=5)
            known = {body for _, body in handled} | set(scene.dead)
            assert known == {body for _, body in sent}
            if fifo:
                _check_order(handled, set(scene.dead))

    asyncio.run(main())


def _check_order(handled: list[tuple[str, str]], dead: set[str]) -> None:
    """What was never a dead letter came first in the order it was sent; repetitions go back and on again."""
    for group in {group for group, _ in handled}:
        first_time = list(dict.fromkeys(body for of, body in handled if of == group))
        assert [body for body in first_time if body not in dead] == sorted(set(first_time) - dead)


def test_drained_it_waits_for_what_runs(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def behaviour(_: Any) -> None:
        await gate.wait()

    async def main() -> None:
        async with queue_stage(tmp_path, behaviour) as scene:
            await scene.map()
            await scene.send("a")
            await until(lambda: scene.function.running)
            draining = asyncio.create_task(scene.stage.mappings.drain())
            await quiet()
            assert not draining.done()
            gate.set()
            await draining
            assert scene.waiting() == []

    asyncio.run(main())
