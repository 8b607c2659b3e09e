"""Topics on a real database and virtual time: fan-out, order, retries over HTTP, dead letters, restarts anywhere.

The queues of these tests append to a log, in the transaction they are given: what is in there was sent.
"""

import asyncio
import contextlib
import json
import random
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import posts
from certificates import Authority
from delivery.scene import until
from lambent.delivery import checkpoints, parcel_store, topic_parcels, topic_target, topics
from lambent.delivery.http_posts import HttpPosts
from lambent.delivery.message_signer import MessageSigner
from lambent.delivery.parcels import Parcels
from lambent.delivery.targets import Message, Moment, Refused, Sender, Targets
from lambent.delivery.topics import Topics
from lambent.kit import trace
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.services.happenings import Happenings
from lambent.services.sns import messages, publish_store, store, subscription_store
from lambent.services.sns.messages import Draft, Kind, Published
from lambent.services.sns.subscriptions import State, Subscription
from lambent.services.sns.topics import Topic
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

ACCOUNT = "000000000000"
NAMES = ("orders", "orders.fifo")


def topic(name: str = "orders", **attributes: str) -> Topic:
    fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"
    return Topic(arn, ACCOUNT, "us-east-1", name, 0, {**fifo, **attributes}, {})


def queue(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def dead_letters(name: str) -> str:
    return json.dumps({"deadLetterTargetArn": queue(name)})


@dataclass
class Stage:
    database: Database
    clock: VirtualClock
    happenings: Happenings
    closed: set[str] = field(default_factory=set)
    meter: Meter = field(default_factory=Meter)

    def take(self, tx: Transaction, sent: Message, moment: Moment) -> None:
        if sent.target_arn in self.closed:
            raise Refused("NonExistentQueue", "it is closed")
        line = {
            "body": sent.body.decode(),
            "group": sent.group_id,
            "deduplication": sent.deduplication_id,
            "trace": sent.trace,
        }
        log.append(tx, sent.target_arn, json.dumps(line).encode(), moment.now_ms)

    def taken(self, name: str) -> list[dict[str, Any]]:
        rows = self.database.read(lambda tx: log.read_after(tx, queue(name), 0, 10_000))
        return [json.loads(row.payload) for row in rows]

    def texts(self, name: str) -> list[str]:
        return [one["body"] for one in self.taken(name)]

    async def subscribe(self, endpoint: str, of: Topic, protocol: str = "sqs", **attributes: str) -> None:
        number = RandomIds().uuid()
        made = Subscription(
            f"{of.arn}:{number}", of.arn, ACCOUNT, "us-east-1", "", protocol, endpoint, attributes, State.CONFIRMED,
            "", 0, True, True, "http://localhost:4566",
        )  # fmt: skip
        await self.database.write(lambda tx: subscription_store.save_subscription(tx, made))

    async def publish(self, text: str, to: Topic, group: str = "", **more: Any) -> None:
        draft = Draft(text, {}, "", {}, group, text if to.is_fifo else "", **more)
        now_ms = self.clock.now_ms()
        await self.database.write(
            lambda tx: publish_store.publish(tx, to, draft, message_id=RandomIds().uuid(), now_ms=now_ms)
        )

    def is_done(self) -> bool:
        """Whether everything published was fanned out."""
        return self.database.read(
            lambda tx: checkpoints.find(tx, messages.LOG, topics.CONSUMER) == log.head(tx, messages.LOG)
        )

    def waiting(self) -> int:
        return self.database.read(parcel_store.count_parcels)

    def due(self) -> list[int]:
        """Parcels that are to be attempted now, or are on their way."""
        now_ms = self.clock.now_ms()

        def read(tx: Transaction) -> list[int]:
            lanes = ["", *parcel_store.lanes_after(tx, "")]
            return [
                one
                for lane in lanes
                for one in parcel_store.due_parcels(tx, now_ms, owners=["sns"], limit=1_000, lane=lane)
            ]

        return self.database.read(read)


@contextlib.asynccontextmanager
async def stage(directory: Path, *, clock: VirtualClock | None = None) -> AsyncIterator[Stage]:
    """With the topics of NAMES. At the end everything is cancelled where it stands."""
    clock = clock or VirtualClock()
    database = Database.open(directory / "lambent.db")
    made = Stage(database, clock, Happenings())
    targets = Targets({"sqs": made.take, "sns": topic_target.send})
    parcels = Parcels(
        database=database, targets=targets, happenings=made.happenings, meter=made.meter, clock=clock, ids=RandomIds()
    )
    fan_out = Topics(
        database=database,
        sending=parcels,
        carry=HttpPosts(clock).carry,
        signer=MessageSigner(database, clock),
        meter=made.meter,
        clock=clock,
    )

    def begin(tx: Transaction) -> None:
        for name in NAMES:
            if store.find_topic(tx, topic(name).arn) is None:
                store.insert_topic(tx, topic(name))

    await database.write(begin)
    running = [asyncio.create_task(part) for part in (fan_out.run(), parcels.run())]
    try:
        yield made
        assert not any(task.done() for task in running), "it ended by itself"
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await database.close()


def in_stage(body: Any, directory: Path) -> None:
    async def scenario() -> None:
        async with stage(directory) as one:
            await body(one)

    asyncio.run(scenario())


def test_every_subscription_that_wants_it_gets_it(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        of = topic()
        await stage.subscribe(queue("all"), of, RawMessageDelivery="true")
        await stage.subscribe(
            queue("some"), of, RawMessageDelivery="true", FilterPolicyScope="MessageBody", FilterPolicy='{"n": [1]}'
        )
        for text in ('{"n": 1}', '{"n": 2}', "no object"):
            await stage.publish(text, of)
        await until(lambda: len(stage.texts("all")) == 3)
        assert stage.texts("all") == ['{"n": 1}', '{"n": 2}', "no object"]
        assert stage.texts("some") == ['{"n": 1}']

    in_stage(body, tmp_path)


def test_no_transaction_is_made_of_more_deliveries_than_others_can_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of one message, and no further one once there are enough: each queue still gets everything, in order."""
    monkeypatch.setattr(topic_parcels, "MAX_DELIVERIES", 3)

    async def body(stage: Stage) -> None:
        of, names, texts = topic(), [f"q{number}" for number in range(5)], [f"{number}" for number in range(20)]
        for name in names:
            await stage.subscribe(queue(name), of, RawMessageDelivery="true")
        for text in texts:
            await stage.publish(text, of)
        await until(stage.is_done)
        assert [stage.texts(name) for name in names] == [texts] * len(names)
        published = [Published(Kind.NOTIFICATION, of.arn, text, 0, text) for text in texts]
        plan = stage.database.read(lambda tx: topic_parcels.plan(tx, published))
        assert (len(plan.deliveries), plan.count) == (5, 1)

    in_stage(body, tmp_path)


def test_a_message_of_lists_in_lists_holds_up_nobody(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        wanted = {"RawMessageDelivery": "true", "FilterPolicyScope": "MessageBody", "FilterPolicy": '{"n": [1]}'}
        await stage.subscribe(queue("q"), topic(), **wanted)
        deep = f'{{"n": {"[" * 1_000}1{"]" * 1_000}}}'
        for text in (deep, '{"n": 1}'):
            await stage.publish(text, topic())
        await until(stage.is_done)
        assert stage.texts("q") == [deep, '{"n": 1}']

    in_stage(body, tmp_path)


def test_the_trace_goes_along(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.subscribe(queue("q"), topic())
        await stage.publish("m", topic(), trace="Root=1-5759e988-bd862e3fe1be46a994272793")
        await until(lambda: stage.taken("q"))
        assert stage.taken("q")[0]["trace"] == "Root=1-5759e988-bd862e3fe1be46a994272793"

    in_stage(body, tmp_path)


def test_a_message_without_a_trace_begins_one_for_all_its_subscriptions(tmp_path: Path) -> None:
    """X-Ray, "Tracing header": the first service that has none adds one (docs/tracing.md, "How it goes on")."""

    async def body(stage: Stage) -> None:
        await stage.subscribe(queue("q"), topic())
        await stage.subscribe(queue("r"), topic())
        await stage.publish("m", topic())
        await stage.publish("n", topic())
        await until(lambda: len(stage.taken("q")) == len(stage.taken("r")) == 2)
        traces = [one["trace"] for one in stage.taken("q")]
        assert traces == [one["trace"] for one in stage.taken("r")]
        assert len({trace.root(one) for one in traces} - {""}) == 2

    in_stage(body, tmp_path)


def test_what_is_counted_of_filters_and_dead_letters(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html"""

    async def body(stage: Stage) -> None:
        of = topic()
        stage.closed = {queue("gone"), queue("gone-too"), queue("dead-too")}
        await stage.subscribe(queue("q"), of, FilterPolicy='{"kind": ["a"]}')
        await stage.subscribe(queue("r"), of, FilterPolicy='{"kind": ["a"]}', FilterPolicyScope="MessageBody")
        await stage.subscribe(queue("gone"), of, RedrivePolicy=dead_letters("dead"))
        await stage.subscribe(queue("gone-too"), of, RedrivePolicy=dead_letters("dead-too"))
        await stage.publish('{"kind": "b"}', of)
        await stage.publish("no JSON", of)
        expected = {
            "FilteredOut": 4,
            "FilteredOut-NoMessageAttributes": 2,
            "FilteredOut-MessageBody": 1,
            "FilteredOut-InvalidMessageBody": 1,
            "Failed": 4,
            "RedrivenToDlq": 2,
            "FailedToRedriveToDlq": 2,
        }

        def counted() -> dict[str, float]:
            return {one.series.metric.removeprefix("NumberOfNotifications"): one.total for one in stage.meter.totals()}

        await until(lambda: counted() == expected)

    in_stage(body, tmp_path)


def test_what_is_refused_is_a_dead_letter_at_once(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        of = topic()
        stage.closed = {queue("gone"), queue("dead-too")}
        await stage.subscribe(queue("gone"), of, RawMessageDelivery="true", RedrivePolicy=dead_letters("dead"))
        await stage.subscribe(queue("dead-too"), of, RedrivePolicy=dead_letters("dead-too"))
        await stage.publish("m", of)
        await until(stage.is_done)
        assert stage.texts("dead") == ["m"]
        assert stage.waiting() == 0
        await until(lambda: len(stage.happenings._ring) == 2)
        fates = {entry[7].rpartition("; ")[2] for entry in stage.happenings._ring}
        assert fates == {"it is now in the dead-letter queue", "given up, and nobody has it"}

    in_stage(body, tmp_path)


def test_a_topic_that_is_deleted_takes_its_messages_along(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.subscribe(queue("q"), topic())

        def publish_and_delete(tx: Transaction) -> None:
            draft = Draft("m", {}, "", {}, "", "")
            publish_store.publish(tx, topic(), draft, message_id="id", now_ms=0)
            store.delete_topic(tx, topic().arn)

        await stage.database.write(publish_and_delete)
        await until(stage.is_done)
        assert stage.taken("q") == []

    in_stage(body, tmp_path)


def test_fifo_keeps_the_order_of_groups_and_their_names(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        of = topic("orders.fifo")
        await stage.subscribe(queue("q.fifo"), of, RawMessageDelivery="true")
        await stage.subscribe(queue("plain"), of, RawMessageDelivery="true")
        await stage.subscribe(
            queue("gone.fifo"), of, RawMessageDelivery="true", RedrivePolicy=dead_letters("dead.fifo")
        )
        stage.closed = {queue("gone.fifo")}
        published = [(f"group-{number % 3}", f"{number:03}") for number in range(90)]
        for group, text in published:
            await stage.publish(text, of, group)
        await until(stage.is_done)
        for name in ("q.fifo", "dead.fifo"):
            assert [(one["group"], one["body"]) for one in stage.taken(name)] == published
            assert [one["deduplication"] for one in stage.taken(name)] == [text for _, text in published]
        assert {(one["group"], one["deduplication"]) for one in stage.taken("plain")} == {("", "")}

    in_stage(body, tmp_path)


def test_a_standard_topic_hands_groups_to_standard_queues_only(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.subscribe(queue("q"), topic())
        await stage.publish("m", topic(), "tenant-1")
        await until(lambda: stage.taken("q"))
        assert stage.taken("q")[0]["group"] == "tenant-1"

    in_stage(body, tmp_path)


def test_a_message_for_a_topic_is_a_publish(tmp_path: Path) -> None:
    """Of a bucket that the topic's policy does not know, of the account itself, of what is no text."""

    async def body(stage: Stage) -> None:
        await stage.subscribe(queue("q"), topic(), RawMessageDelivery="true")
        bucket = Sender("s3.amazonaws.com", "arn:aws:s3:::b", ACCOUNT)
        role = Sender("", "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s", ACCOUNT)

        async def send(sender: Sender, body: bytes) -> None:
            message = Message(topic().arn, body, sender, "s3:b", subject="x" * 200)
            moment = Moment(stage.clock.now_ms(), RandomIds())
            await stage.database.write(lambda tx: topic_target.send(tx, message, moment))

        with pytest.raises(Refused) as refused:
            await send(bucket, b"m")
        assert (refused.value.code, refused.value.is_final) == ("AuthorizationError", False)
        with pytest.raises(Refused) as refused:
            await send(role, b"\xff")
        assert refused.value.is_final
        await send(role, b"from a schedule")
        allowed = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "SNS:Publish",
                   "Resource": topic().arn, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}}}  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        await stage.database.write(lambda tx: store.update_attributes(tx, topic().arn, {"Policy": policy}))
        await send(bucket, b"from a bucket")
        await until(lambda: len(stage.texts("q")) == 2)
        assert stage.texts("q") == ["from a schedule", "from a bucket"]

    in_stage(body, tmp_path)


# Over HTTP, with a real server.


@dataclass
class Endpoint:
    url: str = ""
    bodies: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    """Answered with success."""
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    """Answered with first."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    found = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            status = found.statuses.pop() if found.statuses else found.status
            if status == 200:
                found.taken.append(text)
            found.bodies.append(text)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield found
        server.shutdown()


async def quiet(stage: Stage, endpoint: Endpoint, attempts: int) -> None:
    """Until so many attempts were made and what came of them is on disk."""
    await until(lambda: len(endpoint.bodies) == attempts)
    await asyncio.sleep(0.05)


def test_an_endpoint_is_tried_as_its_policy_says_then_given_up(tmp_path: Path, endpoint: Endpoint) -> None:
    async def body(stage: Stage) -> None:
        policy = {"healthyRetryPolicy": {"numRetries": 3, "numNoDelayRetries": 1, "minDelayTarget": 10,
                                         "maxDelayTarget": 30}}  # fmt: skip
        endpoint.status = 500
        await stage.subscribe(
            endpoint.url,
            topic(),
            "http",
            RawMessageDelivery="true",
            DeliveryPolicy=json.dumps(policy),
            RedrivePolicy=dead_letters("dead"),
        )
        await stage.publish("m", topic())
        await quiet(stage, endpoint, 2)
        await stage.clock.advance(9)
        await quiet(stage, endpoint, 2)
        await stage.clock.advance(1)
        await quiet(stage, endpoint, 3)
        await stage.clock.advance(29)
        await quiet(stage, endpoint, 3)
        assert stage.texts("dead") == []
        await stage.clock.advance(1)
        await quiet(stage, endpoint, 4)
        await until(lambda: stage.texts("dead") == ["m"])
        assert stage.waiting() == 0

    in_stage(body, tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_at_any_time_everything_is_somewhere(tmp_path: Path, endpoint: Endpoint, seed: int) -> None:
    """Publishes = what the endpoint took + dead letters + what is still due, however it answers."""

    async def body(stage: Stage) -> None:
        chance = random.Random(seed)
        endpoint.statuses = [chance.choice((200, 404, 429, 500, 503)) for _ in range(80)]
        dead = dead_letters("dead")
        await stage.subscribe(endpoint.url, topic(), "http", RawMessageDelivery="true", RedrivePolicy=dead)
        published = [f"m{number:02}" for number in range(30)]
        for text in published:
            await stage.publish(text, topic())
        await until(stage.is_done)
        for _ in range(4):
            await until(lambda: not stage.due())
            assert len(endpoint.taken) + len(stage.texts("dead")) + stage.waiting() == len(published)
            await stage.clock.advance(20)
        await until(lambda: not stage.due())
        assert stage.waiting() == 0
        assert sorted(endpoint.taken + stage.texts("dead")) == published

    in_stage(body, tmp_path)


def test_a_client_error_is_final(tmp_path: Path, endpoint: Endpoint) -> None:
    async def body(stage: Stage) -> None:
        endpoint.status = 403
        await stage.subscribe(endpoint.url, topic(), "http", RedrivePolicy=dead_letters("dead"))
        await stage.publish("m", topic())
        await until(lambda: stage.taken("dead"))
        assert json.loads(stage.texts("dead")[0])["Message"] == "m"
        assert (len(endpoint.bodies), stage.waiting()) == (1, 0)

    in_stage(body, tmp_path)


def test_nobody_listens(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.subscribe("http://127.0.0.1:9/", topic(), "http", RedrivePolicy=dead_letters("dead"))
        await stage.publish("m", topic())
        await until(stage.is_done)
        for _ in range(200):  # a refused connection takes real time
            if stage.taken("dead"):
                break
            await asyncio.sleep(0.1)
            await stage.clock.advance(20)
        assert stage.taken("dead")

    in_stage(body, tmp_path)


def test_a_wrong_certificate_is_tried_again_then_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or mended: a message after that arrives."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    shown, wrong = authority.server(), authority.server("elsewhere.test")
    handshakes: list[int] = []
    taken: list[str] = []

    def choose(connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        handshakes.append(1)
        if len(handshakes) <= 3:
            connection.context = wrong

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        taken.append(body.decode())
        handler.send_response(200)
        handler.end_headers()

    async def body(stage: Stage) -> None:
        policy = json.dumps({"healthyRetryPolicy": {"numRetries": 2, "minDelayTarget": 10, "maxDelayTarget": 10}})
        attributes = {"DeliveryPolicy": policy, "RedrivePolicy": dead_letters("dead"), "RawMessageDelivery": "true"}
        await stage.subscribe(url, topic(), "https", **attributes)
        await stage.publish("lost", topic())
        for attempts in (1, 2, 3):
            await until(lambda attempts=attempts: len(handshakes) == attempts)  # type: ignore[misc]  # the bound number
            await until(lambda: not stage.due())
            await stage.clock.advance(10)
        await until(lambda: stage.texts("dead") == ["lost"])
        await stage.publish("found", topic())
        await until(lambda: taken == ["found"] and stage.waiting() == 0)

    shown.sni_callback = choose
    with posts.listening(answer, shown) as url:
        in_stage(body, tmp_path)


@pytest.mark.parametrize("url", ["http://", "http://[bad", "http://\u2100.test/", "https://a b/", "http://h:port/"])
def test_what_is_no_url_holds_up_nobody(tmp_path: Path, url: str) -> None:
    """Subscribe looks only how it begins."""

    async def body(stage: Stage) -> None:
        protocol = url.partition(":")[0]
        await stage.subscribe(url, topic(), protocol, RawMessageDelivery="true", RedrivePolicy=dead_letters("dead"))
        await stage.subscribe(queue("all"), topic(), RawMessageDelivery="true")
        await stage.publish("m", topic())
        await until(lambda: stage.texts("all") == ["m"] and stage.texts("dead") == ["m"])
        assert stage.waiting() == 0

    in_stage(body, tmp_path)


def test_an_endpoint_that_wants_few_gets_few(tmp_path: Path, endpoint: Endpoint) -> None:
    async def body(stage: Stage) -> None:
        throttle = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 2}})
        await stage.subscribe(endpoint.url, topic(), "http", RawMessageDelivery="true", DeliveryPolicy=throttle)
        for number in range(4):
            await stage.publish(str(number), topic())
        await quiet(stage, endpoint, 1)
        for expected in (2, 3, 4):
            await stage.clock.advance(0.5)
            await quiet(stage, endpoint, expected)
        await until(lambda: stage.waiting() == 0)

    in_stage(body, tmp_path)


def test_a_request_survives_a_restart(tmp_path: Path, endpoint: Endpoint) -> None:
    async def main() -> None:
        clock = VirtualClock()
        endpoint.status = 500
        async with stage(tmp_path, clock=clock) as first:
            await first.subscribe(endpoint.url, topic(), "http", RawMessageDelivery="true")
            await first.publish("m", topic())
            await quiet(first, endpoint, 1)
            await until(lambda: first.waiting() == 1)
        endpoint.status = 200
        async with stage(tmp_path, clock=clock) as second:
            await clock.advance(20)
            await quiet(second, endpoint, 2)
            await until(lambda: second.waiting() == 0)

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost_or_doubled_whenever_it_stops(tmp_path: Path, seed: int) -> None:
    """Publishes times subscriptions that want them = what arrived + dead letters, each exactly once, FIFO in order."""

    async def main() -> None:
        chance, clock = random.Random(seed), VirtualClock()
        published: list[str] = []
        lives = 6
        for life in range(lives):
            async with stage(tmp_path, clock=clock) as one:
                one.closed = {queue("gone")}
                if life == 0:
                    await one.subscribe(queue("all"), topic(), RawMessageDelivery="true")
                    await one.subscribe(queue("gone"), topic(), RedrivePolicy=dead_letters("dead"))
                    await one.subscribe(queue("q.fifo"), topic("orders.fifo"), RawMessageDelivery="true")
                for _ in range(chance.randrange(20)):
                    text = f"m{len(published):04}"
                    await one.publish(text, topic())
                    await one.publish(text, topic("orders.fifo"), "group")
                    published.append(text)
                for _ in range(chance.randrange(40)):
                    await asyncio.sleep(0)
                if life == lives - 1:
                    await until(one.is_done)
                    assert one.texts("all") == published
                    assert one.texts("q.fifo") == published
                    dead = Counter(json.loads(text)["Message"] for text in one.texts("dead"))
                    assert dead == Counter(published)
                    assert one.waiting() == 0

    asyncio.run(main())
