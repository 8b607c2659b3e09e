"""Log subscriptions: what is committed to a log group is sent to the destinations of its subscription filters.

Each filter is a feed of its own: it reads its group's log of chunks from where it stands, and what it sends goes out
in the transaction that moves it on, in the order of the commits. The commit of log events wakes it. A destination that
refuses (a stream that is throttled, a function whose permission was taken away) holds up its own filter and no other:
the same events are tried again, less and less often, until they are a day old. (CloudWatch Logs gives up after 24
hours as well, "Subscriptions concepts"; where access is denied it skips what is logged meanwhile, and we do not.)

A function that is subscribed to the log group it writes to would feed on its own output for ever: after
MAX_LOOP_BATCHES batches without a pause of LOOP_PAUSE_SECONDS the group's events are passed over until there is one.
"""

import asyncio
import logging
from collections.abc import Sequence

from lambent.delivery import function_target
from lambent.delivery.targets import Message, Moment, Refused, Sender, Targets
from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.happenings import HappeningKind, Happenings
from lambent.services.lambda_ import names as function_names
from lambent.services.lambda_ import store as function_store
from lambent.services.logs import subscription_store, subscriptions
from lambent.services.logs.filter_patterns import compile_message_filter
from lambent.services.logs.names import GroupKey, group_arn
from lambent.services.logs.store import SUBSCRIPTIONS_TOPIC
from lambent.services.logs.subscription_store import Feed, Loop, Portion
from lambent.services.logs.subscriptions import SubscriptionFilter
from lambent.storage import log as storage_log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

SERVICE = "logs.amazonaws.com"

#: "CloudWatch Logs retries for up to 24 hours" (User Guide, "Subscriptions concepts").
MAX_AGE_SECONDS = 24 * 3_600.0
#: Pauses after a refusal: the first, and the longest they grow to.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
#: As many as Lambda lets a chain of invocations come back to where it began ("Recursive loop detection").
MAX_LOOP_BATCHES = 16
LOOP_PAUSE_SECONDS = 60.0

_LOOP = (
    "the function is subscribed to its own log group: what it logs is passed over until it is silent for a minute; "
    "a filter pattern that its own lines do not match ends the loop"
)

log = logging.getLogger(__name__)


class LogSubscriptions:
    """A feed for every filter there is."""

    def __init__(self, *, database: Database, targets: Targets, happenings: Happenings, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._targets = targets
        self._happenings = happenings
        self._clock = clock
        self._ids = ids

    def probe(self, tx: Transaction, key: GroupKey, subscription: SubscriptionFilter) -> bool:
        """Whether the destination takes the group's messages. A stream is sent AWS's control message."""
        now_ms = self._clock.now_ms()
        try:
            if subscription.vendor == "lambda":
                function_target.check(tx, _message(key, subscription, b""))
            else:
                body = subscriptions.control_message(now_ms)
                self._targets.send(tx, _message(key, subscription, body), Moment(now_ms, self._ids))
        except Refused:
            return False
        return True

    async def run(self) -> None:
        """Runs until cancelled."""
        changed = self._database.subscribe(SUBSCRIPTIONS_TOPIC)
        running: dict[Feed, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                wanted = set(await self._database.scan(subscription_store.list_feeds))
                for feed in running.keys() - wanted:  # gone, or changed: what was refused is tried again at once
                    running.pop(feed).cancel()
                for feed in wanted - running.keys():
                    reader = _Reader(self._database, self._targets, self._happenings, self._clock, self._ids, feed)
                    running[feed] = tasks.create_task(reader.run())
                await changed.wait()


class _Reader:
    """One filter's reading and sending. May be cancelled anywhere: what it sends is in its transaction."""

    def __init__(
        self, database: Database, targets: Targets, happenings: Happenings, clock: Clock, ids: Ids, feed: Feed
    ) -> None:
        self._database = database
        self._targets = targets
        self._happenings = happenings
        self._clock = clock
        self._ids = ids
        self._filter_id = feed.filter_id
        self._topic = storage_log.topic(subscriptions.log_name(feed.group_id))
        self._refusals = 0

    async def run(self) -> None:
        appended = self._database.subscribe(self._topic)
        try:
            while True:
                try:
                    while await self._send_portion():
                        self._refusals = 0
                except Refused as refusal:
                    await self._pause(refusal)
                except Exception:
                    # Whatever it is: events wait for its mending, and no other filter does.
                    log.exception("subscription filter %d failed; it tries again", self._filter_id)
                    await self._clock.sleep(LONGEST_PAUSE_SECONDS)
                else:
                    await appended.wait()
        finally:
            self._database.unsubscribe(self._topic, appended)

    async def _pause(self, refusal: Refused) -> None:
        if self._refusals == 0:
            log.warning("a log subscription is refused and will be tried again: %s", refusal.message)
        pause = self._pause_seconds
        self._refusals += 1
        await self._clock.sleep(pause)

    @property
    def _pause_seconds(self) -> float:
        return min(FIRST_PAUSE_SECONDS * 2.0 ** min(self._refusals, 30), LONGEST_PAUSE_SECONDS)

    async def _send_portion(self) -> bool:
        """False if there was nothing to read. Raises Refused."""
        after_ms = self._clock.now_ms() - round(MAX_AGE_SECONDS * 1000)
        portion, messages = await self._database.scan(lambda tx: _prepare(tx, self._filter_id, after_ms))
        if portion is None:
            return False
        try:
            enters_loop = await self._database.write(lambda tx: self._commit(tx, portion, messages))
        except Refused as refusal:
            again = f"tried again in {self._pause_seconds:.0f} s, for 24 hours"
            self._tell(HappeningKind.REFUSED, portion, f"{refusal.code}: {refusal.message}; {again}")
            raise
        if enters_loop:
            log.warning("%s: %s", portion.subscription.destination_arn, _LOOP)
            self._tell(HappeningKind.STOPPED, portion, _LOOP)
        return True

    def _tell(self, kind: HappeningKind, portion: Portion, detail: str) -> None:
        self._happenings.record_sent(
            kind,
            time_ms=self._clock.now_ms(),
            source=f"logs:{portion.key.name}",
            target_arn=portion.subscription.destination_arn,
            account_id=portion.key.account_id,
            detail=detail,
        )

    def _commit(self, tx: Transaction, portion: Portion, messages: Sequence[Message]) -> bool:
        """Whether a loop was recognized just now. Raises Refused, and then nothing has happened."""
        if not subscription_store.advance(tx, self._filter_id, portion):
            return False  # deleted or changed since it was read: it is read again
        now_ms = self._clock.now_ms()
        rounds = self._rounds(tx, portion, now_ms) if messages else 0
        if rounds <= MAX_LOOP_BATCHES:
            moment = Moment(now_ms, self._ids)
            for message in messages:
                self._targets.send(tx, message, moment)
        return rounds == MAX_LOOP_BATCHES + 1

    def _rounds(self, tx: Transaction, portion: Portion, now_ms: int) -> int:
        """How often the function has now fed on itself; not counted any further once that is too often."""
        if not _writes_to(tx, portion.subscription, portion.key):
            return 0
        loop = subscription_store.find_loop(tx, self._filter_id)
        goes_on = portion.first_ms - loop.last_ms < LOOP_PAUSE_SECONDS * 1000
        rounds = loop.batches + 1 if goes_on else 1
        if rounds <= MAX_LOOP_BATCHES + 1:
            last_ms = now_ms if rounds <= MAX_LOOP_BATCHES else loop.last_ms
            subscription_store.update_loop(tx, self._filter_id, Loop(rounds, last_ms))
        return rounds


def _prepare(tx: Transaction, filter_id: int, after_ms: int) -> tuple[Portion | None, list[Message]]:
    """What to send next; runs in a reader's thread, since matching and zipping a megabyte takes its time."""
    portion = subscription_store.read_portion(tx, filter_id, after_ms=after_ms)
    if portion is None:
        return None, []
    key, subscription = portion.key, portion.subscription
    messages = []
    for passage in subscriptions.passages(portion.chunks, compile_message_filter(subscription.pattern)):
        zipped = subscriptions.data_message(key, subscription.name, passage)
        body = subscriptions.function_event(zipped) if subscription.vendor == "lambda" else zipped
        partition_key = subscriptions.partition_key(subscription, key, passage.stream)
        messages.append(_message(key, subscription, body, partition_key))
    return portion, messages


def _message(key: GroupKey, subscription: SubscriptionFilter, body: bytes, partition_key: str = "") -> Message:
    """A function's policy is asked about the service and the group; a stream is written to with a role."""
    return Message(
        target_arn=subscription.destination_arn,
        body=body,
        sender=Sender("" if subscription.role_arn else SERVICE, f"{group_arn(key)}:*", key.account_id),
        source=f"logs:{key.name}",
        partition_key=partition_key,
    )


def _writes_to(tx: Transaction, subscription: SubscriptionFilter, key: GroupKey) -> bool:
    """Whether the destination is a function whose output goes to this log group."""
    reference = function_names.parse_arn(subscription.destination_arn)
    if reference is None or (reference.key.account_id, reference.key.region) != (key.account_id, key.region):
        return False
    function = function_store.find_function(tx, reference.key)
    return function is not None and function.log_group == key.name
