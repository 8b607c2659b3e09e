"""Rules with a schedule: when one is due, an event for it alone goes into the log of events, and its next time is set.

Both in one transaction, so a time fires once, whatever dies when. The next time is on disk: after a restart what fell
due meanwhile fires once, late rather than never, and then goes on in its rhythm.
"""

import asyncio
import logging

from lambent.delivery.alarms import Alarm
from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.events import envelopes, putting, rule_store, rules
from lambent.services.events.envelopes import Envelope, Facts
from lambent.services.events.rules import Rule
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

#: Rules that fire in one transaction.
PORTION = 100

#: Pause after a full disk.
FAULT_MS = 1_000

log = logging.getLogger(__name__)


class ScheduledRules:
    def __init__(self, *, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._bell = database.subscribe(rule_store.SCHEDULES_TOPIC)

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            alarm = Alarm(self._bell, self._clock, tasks)
            while True:
                try:
                    while await self._fire_due():
                        pass
                    alarm.set(self._database.read(rule_store.next_due_ms))
                except StorageError:
                    log.exception("scheduled rules wait for the disk")
                    alarm.set(self._clock.now_ms() + FAULT_MS)
                await self._bell.wait()

    async def _fire_due(self) -> bool:
        """A portion of the rules that are due; False if none is."""
        now_ms = self._clock.now_ms()
        due = self._database.read(lambda tx: rule_store.due_rules(tx, now_ms, PORTION))
        if not due:
            return False
        event_ids = [self._ids.uuid() for _ in due]

        def fire(tx: Transaction) -> None:
            fired = list(zip(rule_store.due_rules(tx, now_ms, PORTION), event_ids, strict=False))
            putting.append(tx, *(_scheduled_event(rule, event_id, now_ms) for rule, event_id in fired))
            for rule, _ in fired:
                rule_store.update_next_time(tx, rule.key, rules.next_time(rule, now_ms))

        await self._database.write(fire)
        return True


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
