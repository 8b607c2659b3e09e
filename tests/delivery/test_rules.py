"""From an event on a bus to its targets: matched, shaped, sent, tried again, given up; restarted anywhere."""

import asyncio
import functools
import json
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from delivery.event_stage import ACCOUNT, BUS, CLOSED, DEAD, OPEN, Stage, in_stage, stage
from delivery.scene import until
from lambent.delivery import bus_target
from lambent.delivery import rules as delivery_rules
from lambent.delivery.targets import Attribute, Message, Moment, Refused, Sender
from lambent.kit import trace
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.services.events import bus_store, putting
from lambent.services.events.buses import Bus
from lambent.services.events.names import BusKey
from lambent.services.events.rules import State
from lambent.services.logs import store as logs_store
from lambent.services.logs.chunks import unpack
from lambent.services.logs.live_tail import Interest
from lambent.services.logs.names import GroupKey
from lambent.services.logs.reading import Window
from lambent.storage.transaction import Transaction

OTHER, THIRD = (BusKey(ACCOUNT, "us-east-1", name) for name in ("other", "third"))
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"


async def make_bus(one: Stage, key: BusKey, policy: str = "") -> None:
    await one.database.write(lambda tx: bus_store.save_bus(tx, Bus(key, policy=policy, created_ms=1)))


def test_rules_that_match_and_no_others(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        arn = await stage.rule("yes", {})
        await stage.rule("not", {}, pattern='{"source": ["others"]}')
        await stage.rule("off", {}, state=State.DISABLED)
        await make_bus(stage, OTHER)
        await stage.rule("elsewhere", {}, bus=OTHER)
        await stage.put('{"n": 1.10}', trace=TRACE)
        await stage.settled()
        [sent] = stage.sent
        assert sent.sender == Sender("events.amazonaws.com", arn, ACCOUNT)
        assert sent.trace == TRACE
        assert sent.body.endswith(b'"detail":{"n": 1.10}}')
        event = orjson.loads(sent.body)
        assert (event["source"], event["detail-type"], event["account"]) == ("orders", "placed", ACCOUNT)

    in_stage(body, tmp_path)


def test_an_event_without_a_trace_begins_one_for_all_its_targets(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.rule("yes", {}, {})
        await stage.put()
        await stage.put()
        await stage.settled()
        roots = [trace.root(one.trace) for one in stage.sent]
        assert roots[0] == roots[1] != roots[2] == roots[3]
        assert all(roots)

    in_stage(body, tmp_path)


def test_a_rule_counts_from_the_moment_it_is_there(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.put("{}")
        await stage.settled()
        await stage.rule("late", {})
        await stage.put('{"n": 2}')
        await stage.settled()
        assert [event["detail"] for event in stage.documents()] == [{"n": 2}]

    in_stage(body, tmp_path)


def test_what_each_target_is_given(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        targets: list[dict[str, Any]] = [
            {"Input": '{"constant": 1}', "SqsParameters": {"MessageGroupId": "g"}},
            {"InputPath": "$.detail.n"},
            {"InputPath": "$.detail.nothing"},
            {
                "InputTransformer": {
                    "InputPathsMap": {"n": "$.detail.n"},
                    "InputTemplate": '"<n> by <aws.events.rule-name>"',
                }
            },
            {
                "Arn": STREAM,
                "RoleArn": "arn:aws:iam::1:role/r",
                "KinesisParameters": {"PartitionKeyPath": "$.detail.n"},
            },
        ]
        await stage.rule("shapes", *targets)
        whole: dict[str, Any] = {"InputTransformer": {"InputTemplate": "<aws.events.event>"}}
        await stage.rule("whole", whole)
        await stage.put('{"n": 7}')
        await stage.settled()
        *bodies, brief = stage.bodies()
        assert bodies == [b'{"constant": 1}', b"7", b"null", b'"7 by shapes"']
        # AWS sends all but the detail, with one name in camel case
        assert set(json.loads(brief)) == {
            *("version", "id", "detailType", "source", "account", "time", "region", "resources")
        }
        assert stage.sent[0].group_id == "g"
        assert (stage.sent[4].partition_key, stage.sent[4].sender.service) == ("7", "")

    in_stage(body, tmp_path)


def test_refused_is_tried_again_later_and_later(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.rule("r", {"Arn": CLOSED})
        await stage.put()
        await stage.settled()
        for seconds in (1, 2, 4, 8):
            assert stage.waiting() == 1
            await stage.advance(seconds)
        stage.refusals.clear()
        await stage.advance(15.9)
        assert stage.bodies(CLOSED) == []
        await stage.advance(0.1)
        await until(lambda: len(stage.bodies(CLOSED)) == 1)
        assert stage.waiting() == 0

    in_stage(body, tmp_path)


@pytest.mark.parametrize(
    ("policy", "seconds", "condition", "retries"),
    [
        ({"MaximumRetryAttempts": 0}, 0, "MaximumRetryAttempts", "0"),
        ({"MaximumRetryAttempts": 2}, 3, "MaximumRetryAttempts", "2"),
        ({"MaximumEventAgeInSeconds": 60}, 60, "MaximumEventAgeInSeconds", "6"),
    ],
)
def test_given_up_goes_to_the_dead_letter_queue(
    tmp_path: Path, policy: dict[str, int], seconds: int, condition: str, retries: str
) -> None:
    """With the event as it was matched, though the target was to be given something else."""

    async def body(stage: Stage) -> None:
        target = {"Arn": CLOSED, "RetryPolicy": policy, "DeadLetterConfig": {"Arn": DEAD}, "Input": "1"}
        arn = await stage.rule("r", target)
        await stage.put('{"n": 1}')
        await stage.settled()
        for _ in range(seconds):
            assert stage.bodies(DEAD) == []
            await stage.advance(1)
        await until(lambda: len(stage.bodies(DEAD)) == 1)
        assert stage.documents(DEAD)[0]["detail"] == {"n": 1}
        told = {
            "RULE_ARN": arn,
            "TARGET_ARN": CLOSED,
            "ERROR_CODE": "THROTTLING",
            "ERROR_MESSAGE": "too much",
            "RETRY_ATTEMPTS": retries,
            "EXHAUSTED_RETRY_CONDITION": condition,
        }
        assert stage.sent[0].attributes == {name: Attribute("String", value) for name, value in told.items()}
        assert stage.waiting() == 0

    in_stage(body, tmp_path)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refused("AccessDeniedException", "no"), "NO_PERMISSIONS"),
        (Refused("AuthorizationError", "no"), "NO_PERMISSIONS"),
        (Refused("ResourceNotFoundException", "no"), "NO_RESOURCE"),
        (Refused("AWS.SimpleQueueService.NonExistentQueue", "no"), "NO_RESOURCE"),
        (Refused("InvalidParameterValue", "no", is_final=True), "INVALID_PARAMETER"),
    ],
)
def test_what_no_attempt_can_mend_is_given_up_at_once(tmp_path: Path, refusal: Refused, code: str) -> None:
    async def body(stage: Stage) -> None:
        stage.refusals[CLOSED] = refusal
        await stage.rule("r", {"Arn": CLOSED, "DeadLetterConfig": {"Arn": DEAD}}, {})
        await stage.put()
        await stage.settled()
        attributes = {message.target_arn: message.attributes for message in stage.sent}[DEAD]
        assert attributes["ERROR_CODE"].value == code
        assert attributes["RETRY_ATTEMPTS"].value == "0"
        assert "EXHAUSTED_RETRY_CONDITION" not in attributes
        assert len(stage.bodies(OPEN)) == 1

    in_stage(body, tmp_path)


def test_another_bus_and_no_third(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await make_bus(stage, OTHER)
        await make_bus(stage, THIRD)
        await stage.rule("on", {"Arn": OTHER.arn, "Input": "{}"})
        await stage.rule("on", {"Arn": THIRD.arn}, {"Arn": BUS.arn}, {"InputPath": "$.detail"}, bus=OTHER)
        await stage.rule("third", {"InputPath": "$.detail"}, bus=THIRD)
        await stage.put('{"n": 1}', trace=TRACE)
        await until(stage.bodies)
        await stage.settled()
        assert stage.documents() == [{"n": 1}]
        assert stage.sent[0].trace == TRACE

    in_stage(body, tmp_path)


@pytest.mark.parametrize(("principal", "count"), [("", 0), ("222222222222", 0), (ACCOUNT, 1), ("*", 1)])
def test_another_accounts_bus(tmp_path: Path, principal: str, count: int) -> None:
    theirs = BusKey("111111111111", "eu-west-1", "theirs")
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "events:*", "Resource": theirs.arn}
    policy = orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode() if principal else ""

    async def body(stage: Stage) -> None:
        await make_bus(stage, theirs, policy)
        await stage.rule("there", {}, bus=theirs)
        await stage.rule("on", {"Arn": theirs.arn, "DeadLetterConfig": {"Arn": DEAD}})
        await stage.put()
        await until(lambda: stage.bodies(OPEN) or stage.bodies(DEAD))
        assert (len(stage.bodies(OPEN)), len(stage.bodies(DEAD))) == (count, 1 - count)
        assert [event["account"] for event in stage.documents()] == [ACCOUNT] * count

    in_stage(body, tmp_path)


def test_a_log_group(tmp_path: Path) -> None:
    group = GroupKey(ACCOUNT, "us-east-1", "/aws/events/orders")
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/events/orders"
    template = '{"timestamp": 1750000000123, "message": "<n> came"}'

    def lines(tx: Transaction) -> list[tuple[int, bytes]]:
        found = logs_store.find_group(tx, group)
        assert found is not None
        window = Window(start_ms=0, end_ms=10**14, reach_ms=0)
        chunks = logs_store.group_chunks(tx, logs_store.StreamChoice(found.group_id), window)
        return [(event.place.time_ms, event.message) for chunk in chunks for event in unpack(chunk)]

    async def body(stage: Stage) -> None:
        await stage.database.write(lambda tx: logs_store.insert_group(tx, group, logs_store.GroupSettings(), now_ms=1))
        await stage.rule(
            "r",
            {"Arn": f"{arn}:*"},
            {"Arn": arn, "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": template}},
            {"Arn": f"{arn}-of-nobody", "DeadLetterConfig": {"Arn": DEAD}},
        )
        everything = Interest(frozenset({group}), bool, None)
        with stage.tails.watch(everything) as tail:
            await stage.put('{"n": 1}')
            await stage.settled()
            watched, _ = await tail.next_events(5)
        assert b"1 came" in [event.message for event in watched]
        (first_ms, first), (second_ms, second) = sorted(stage.database.read(lines), reverse=True)
        assert {first_ms, second_ms} == {stage.clock.now_ms(), 1_750_000_000_123}
        assert b"1 came" in (first, second)
        assert any(b'"detail":{"n": 1}' in text for text in (first, second))
        assert len(stage.bodies(DEAD)) == 1

    in_stage(body, tmp_path)


def test_no_transaction_is_made_of_more_messages_than_others_can_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_rules, "MAX_PARCELS", 3)

    async def body(stage: Stage) -> None:
        await stage.rule("r", *[{"InputPath": "$.detail"}] * 2)
        await asyncio.gather(*[stage.put(json.dumps({"n": n})) for n in range(10)])
        await stage.settled()
        assert [one["n"] for one in stage.documents()] == [n for n in range(10) for _ in range(2)]

    in_stage(body, tmp_path)


@pytest.mark.parametrize("time", [2**64 - 1, 2**63 - 1, -1, 1e300, True, None, "0001-01-01T00:00:00", "yesterday", [1]])
def test_what_is_no_time_is_now(tmp_path: Path, time: object) -> None:
    """A log event of a time that the database cannot hold, or nobody can show, would stop whatever reads it."""
    group = GroupKey(ACCOUNT, "us-east-1", "g")
    template = '{"timestamp": <t>, "message": "m"}'

    def times(tx: Transaction) -> list[int]:
        found = logs_store.find_group(tx, group)
        assert found is not None
        chunks = logs_store.group_chunks(tx, logs_store.StreamChoice(found.group_id), Window(0, 10**14, 0))
        return [event.place.time_ms for chunk in chunks for event in unpack(chunk)]

    async def body(stage: Stage) -> None:
        await stage.database.write(lambda tx: logs_store.insert_group(tx, group, logs_store.GroupSettings(), now_ms=1))
        transformer = {"InputPathsMap": {"t": "$.detail.t"}, "InputTemplate": template}
        arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g"
        await stage.rule("r", {"Arn": arn, "InputTransformer": transformer})
        await stage.put(json.dumps({"t": time}))
        await stage.settled()
        assert stage.database.read(times) == [stage.clock.now_ms()]

    in_stage(body, tmp_path)


def test_every_event_reaches_its_target_once_whatever_stops(tmp_path: Path) -> None:
    """Cancelled at any moment, and opened again on the same directory."""
    chance = random.Random(7)
    clock = VirtualClock()

    async def scenario() -> None:
        for life in range(8):
            async with stage(tmp_path, clock=clock, closed=life % 2 == 0) as one:
                if life == 0:
                    await one.rule("r", {}, {"Arn": CLOSED})
                for number in range(40):
                    await one.put(f'{{"n": {life * 40 + number}}}')
                await asyncio.sleep(chance.uniform(0, 0.02))
        async with stage(tmp_path, clock=clock, closed=False) as one:
            await one.settled()
            await one.advance(1200)
            await until(lambda: one.waiting() == 0)
            for target in (OPEN, CLOSED):
                numbers = [event["detail"]["n"] for event in one.documents(target)]
                assert sorted(numbers) == list(range(320)), "lost or repeated"
            assert [event["detail"]["n"] for event in one.documents(OPEN)] == list(range(320))

    asyncio.run(scenario())


def test_as_deep_as_a_detail_may_be(tmp_path: Path) -> None:
    """The deepest that is taken passes a template that puts all there is around it; nothing waits behind it."""

    async def body(stage: Stage) -> None:
        depth = max(n for n in range(260) if putting.is_plain_object('{"a":' + "[" * n + "]" * n + "}"))
        template = '{"a": {"b": [<aws.events.event.json>]}, "c": "<aws.events.event.json>"}'
        await stage.rule("r", {"InputTransformer": {"InputTemplate": template}}, {"InputPath": "$"})
        await stage.put('{"a":' + "[" * depth + "]" * depth + "}")
        await stage.put('{"a": 1}')
        await stage.settled()
        assert len(stage.bodies()) == 4
        assert depth > 200

    in_stage(body, tmp_path)


def test_what_is_no_event_is_put_onto_no_bus(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        sender = Sender("", "arn:aws:scheduler:us-east-1:1:schedule/default/s", ACCOUNT)
        for text, source in ((b"[]", ""), (b'{"source": 1}', ""), (b"[]", "orders"), (b"{", "orders")):
            message = Message(BUS.arn, text, sender, "test", event_source=source, detail_type="placed")
            put = functools.partial(bus_target.send, message=message, moment=Moment(1, RandomIds()))
            with pytest.raises(Refused, match=r"no event|malformed"):
                await stage.database.write(put)

    in_stage(body, tmp_path)


def test_others_put_events_through_the_target(tmp_path: Path) -> None:
    """As functions' destinations, S3 and Scheduler do: sources of AWS's own are theirs to use."""

    async def body(stage: Stage) -> None:
        await stage.rule("r", {}, pattern='{"source": ["aws.s3"]}')
        message = Message(
            BUS.arn,
            b'{"bucket": 1}',
            Sender("", "arn:aws:s3:::b", ACCOUNT),
            "s3:b",
            trace=TRACE,
            event_source="aws.s3",
            detail_type="Object Created",
            resources=("arn:aws:s3:::b",),
        )
        moment = Moment(stage.clock.now_ms(), RandomIds())
        await stage.database.write(lambda tx: bus_target.send(tx, message, moment))
        await until(stage.bodies)
        [event] = stage.documents()
        event.pop("id")
        assert event == {
            "version": "0",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "account": ACCOUNT,
            "time": "2025-06-15T15:06:40Z",
            "region": "us-east-1",
            "resources": ["arn:aws:s3:::b"],
            "detail": {"bucket": 1},
        }
        assert stage.sent[0].trace == TRACE

    in_stage(body, tmp_path)


def test_what_is_counted(tmp_path: Path) -> None:
    """Under AWS/Events: what a later attempt mends is an attempt, and no failure."""

    async def body(stage: Stage) -> None:
        await stage.rule("kept", {"Arn": CLOSED}, {})
        once = {"Arn": CLOSED, "RetryPolicy": {"MaximumRetryAttempts": 0}}
        await stage.rule("lost", once, {**once, "DeadLetterConfig": {"Arn": DEAD}})
        await stage.put()
        await stage.put(source="nobody")
        await stage.settled()
        assert stage.counted("kept") == {
            "TriggeredRules": 1,
            "InvocationAttempts": 2,
            "InvocationsCreated": 2,
            "SuccessfulInvocationAttempts": 1,
            "Invocations": 1,
        }
        assert stage.counted("lost") == {
            "TriggeredRules": 1,
            "InvocationAttempts": 2,
            "InvocationsCreated": 2,
            "Invocations": 2,
            "FailedInvocations": 2,
            "InvocationsSentToDlq": 1,
        }
        stage.refusals.clear()
        await stage.advance(1)
        await until(lambda: stage.counted("kept")["InvocationAttempts"] == 3)
        assert stage.counted("kept")["Invocations"] == stage.counted("kept")["SuccessfulInvocationAttempts"] == 2
        assert (stage.counted("kept")["RetryInvocationAttempts"], stage.counted("kept")["InvocationsCreated"]) == (1, 2)
        assert stage.counted()["MatchedEvents"] == 1

    in_stage(body, tmp_path)
