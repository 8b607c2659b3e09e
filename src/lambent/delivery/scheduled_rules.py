"""Rules with a schedule: when one is due, an event for it alone goes into the log of events, and its next time is set.

Both in one transaction, so a time fires once, whatever dies when. The next time is on disk: after a restart what fell
due meanwhile fires once, late rather than never, and then goes on in its rhythm. A wall clock that is set wedges
nothing (`alarms`): next times that a wrong one gave are found anew.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from lambent.delivery import together
from lambent.delivery.alarms import CLOCK_TOLERANCE_SECONDS, Alarm, ClockWatch
from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.events import envelopes, putting, rule_store, rules
from lambent.services.events.envelopes import Envelope, Facts
from lambent.services.events.names import RuleKey
from lambent.services.events.rules import Rule
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

#: Rules that fire in one transaction.
PORTION = 100

#: Pause after a full disk.
FAULT_SECONDS = 1.0

#: A rule that meets a bug of ours is tried again after this.
ASIDE_SECONDS = 60.0

log = logging.getLogger(__name__)


class ScheduledRules:
    def __init__(self, *, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._watch = ClockWatch(clock)
        self._bell = database.subscribe(rule_store.SCHEDULES_TOPIC)

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            alarm = Alarm(self._bell, self._clock, tasks)
            while True:
                try:
                    if self._watch.went_back():
                        await self._plan_anew()
                    while await self._fire_due():
                        pass
                    alarm.set(self._database.read(rule_store.next_due_ms))
                except StorageError:
                    log.exception("scheduled rules wait for the disk")
                    alarm.ring_in(FAULT_SECONDS)
                await self._bell.wait()

    async def _plan_anew(self) -> None:
        """Whatever is due in what is now the future: by a clock that was wrong that may be years away."""
        now_ms = self._clock.now_ms()
        limit_ms = now_ms + round(CLOCK_TOLERANCE_SECONDS * 1000)
        for rule in await self._database.scan(lambda tx: rule_store.rules_due_after(tx, limit_ms)):
            try:
                await self._database.write(lambda tx, key=rule.key: _replan(tx, key, now_ms))  # type: ignore[misc]  # the bound key
            except StorageError:
                raise
            except Exception:
                log.exception("%s stays planned as it was", rule.key.arn)

    async def _fire_due(self) -> bool:
        """A portion of the rules that are due; False if none is."""
        now_ms = self._clock.now_ms()
        due = self._database.read(lambda tx: rule_store.due_rules(tx, now_ms, PORTION))
        if due:
            await self._fire_all([rule.key for rule in due], now_ms)
        return bool(due)

    async def _fire_all(self, keys: Sequence[RuleKey], now_ms: int) -> None:
        due = [(key, self._ids.uuid()) for key in keys]
        async for _ in together.done(self._database, due, lambda tx, one: _fire(tx, *one, now_ms), self._set_aside):
            pass

    async def _set_aside(self, due: tuple[RuleKey, str], error: Exception) -> None:
        key, later_ms = due[0], self._clock.now_ms() + round(ASIDE_SECONDS * 1000)
        log.error("%s failed; it is tried again in a minute", key.arn, exc_info=error)
        await self._database.write(lambda tx: rule_store.update_next_time(tx, key, later_ms))


def _fire(tx: Transaction, key: RuleKey, event_id: str, now_ms: int) -> None:
    """Nothing if it was changed meanwhile and is not due."""
    rule = rule_store.find_rule(tx, key)
    if rule is not None and rule.next_ms is not None and rule.next_ms <= now_ms:
        putting.append(tx, _scheduled_event(rule, event_id, now_ms))
        rule_store.update_next_time(tx, key, rules.next_time(rule, now_ms))


def _replan(tx: Transaction, key: RuleKey, now_ms: int) -> None:
    rule = rule_store.find_rule(tx, key)
    if rule is None:
        return
    rule = replace(rule, started_ms=min(rule.started_ms, now_ms))
    next_ms = rules.next_time(rule, now_ms)
    if next_ms != rule.next_ms:
        rule_store.save_rule(tx, replace(rule, next_ms=next_ms))


def _scheduled_event(rule: Rule, event_id: str, now_ms: int) -> Envelope:
    """Its time is the one that was due: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html."""
    facts = Facts(
        event_id=event_id,
        source="aws.events",
        detail_type="Scheduled Event",
        account_id=rule.key.account_id,
        region=rule.key.region,
        time_ms=rule.next_ms or now_ms,
        resources=[rule.key.arn],
    )
    return Envelope(rule.key.bus_key, envelopes.document(facts, "{}"), now_ms, fired_rule=rule.key.arn)
