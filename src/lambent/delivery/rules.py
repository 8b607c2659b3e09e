"""Rules: events on buses become messages to targets, in one transaction with the checkpoint.

The log `events` has what PutEvents, schedules and everybody else put onto buses. Each event is matched against the
rules of its bus as they are now, sent to the targets of those that match, and kept by the archives that want it. A
target that refuses leaves a parcel in the same transaction (`rule_deliveries` says for how long).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambent.delivery import rule_deliveries
from lambent.delivery.consumer import AfterCommit, Consumer, Portion
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import End, Fate, Parcels
from lambent.delivery.targets import Refused, kind_of
from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.meter import Meter
from lambent.services.event_patterns import Pattern, compile_kept
from lambent.services.events import archive_store, envelopes, metrics, names, rule_store
from lambent.services.events.envelopes import Envelope
from lambent.services.events.names import BusKey
from lambent.services.events.rule_index import MatchedRule, RuleIndex
from lambent.services.events.targets import MAX_TARGETS
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

CONSUMER = "event-rules"

#: Of the events of one transaction, which are taken apart on the event loop; each may have a megabyte.
MAX_BATCH_BYTES = 2 * 1024 * 1024

#: Of one transaction, which every other write has to wait for; and those of the event that goes beyond.
MAX_PARCELS = 250

#: Buses whose rules are kept compiled; beyond, all are read again.
MAX_KNOWN_BUSES = 1_000


@frozen
class _Bus:
    rules: RuleIndex
    archives: Sequence[tuple[int, Pattern]]


class Rules:
    """The consumer of the log of events."""

    def __init__(self, *, database: Database, parcels: Parcels, meter: Meter, clock: Clock) -> None:
        self._database = database
        self._parcels = parcels
        self._meter = meter
        self._changes = database.subscribe(rule_store.RULES_TOPIC)
        self._buses: dict[BusKey, _Bus] = {}
        self._consumer = Consumer(
            database=database,
            clock=clock,
            log=envelopes.LOG,
            name=CONSUMER,
            decide=self._decide,
            max_bytes=MAX_BATCH_BYTES,
        )
        parcels.register(rule_deliveries.owner(meter))

    async def run(self) -> None:
        await self._consumer.run()

    def _decide(self, records: Sequence[LogRecord]) -> Portion:
        if self._changes.take() or len(self._buses) > MAX_KNOWN_BUSES:
            self._buses.clear()
        parcels: list[Parcel] = []
        matches: list[list[MatchedRule]] = []
        kept: defaultdict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for record in records:
            if len(parcels) >= MAX_PARCELS:
                break
            envelope = Envelope.from_bytes(record.payload)
            event = orjson.loads(envelope.event)
            matching = self._matching(envelope, event)
            matches.append(matching)
            parcels += self._parcels_of(envelope, event, matching)
            for archive_id in self._archives_for(envelope, event):
                kept[archive_id].append((envelopes.parse_time(event["time"]), envelope.event))

        def commit(tx: Transaction) -> AfterCommit:
            ends = [(parcel, self._parcels.send(tx, parcel)) for parcel in parcels]
            for archive_id, events in kept.items():
                archive_store.keep_events(tx, archive_id, events)
            return lambda: self._committed(matches, ends)

        return Portion(commit, len(matches))

    def _committed(self, matches: Sequence[Sequence[MatchedRule]], ends: Sequence[tuple[Parcel, End]]) -> None:
        """Count and tell; `matches` has the rules of each event."""
        self._parcels.report_all(ends)
        for matching in matches:
            for one in matching:
                metrics.of_rule(self._meter, one.rule.key, "TriggeredRules").add()
            if matching:
                key = matching[0].rule.key
                metrics.of_account(self._meter, key.account_id, key.region, "MatchedEvents").add()

    def _parcels_of(
        self, envelope: Envelope, event: Mapping[str, Any], matching: Sequence[MatchedRule]
    ) -> list[Parcel]:
        parcels = [
            rule_deliveries.parcel(envelope, event, one.rule, target) for one in matching for target in one.targets
        ]
        return [parcel for parcel in parcels if not self._is_third_bus(envelope, parcel)]

    def _is_third_bus(self, envelope: Envelope, parcel: Parcel) -> bool:
        if not envelope.is_forwarded or kind_of(parcel.message.target_arn) != "events":
            return False
        self._parcels.report(
            parcel, End(Fate.LOST, Refused("NotForwarded", "events from another bus go to no third one"))
        )
        return True

    def _matching(self, envelope: Envelope, event: Mapping[str, Any]) -> list[MatchedRule]:
        if envelope.fired_rule:
            return self._database.read(lambda tx: _fired(tx, envelope.fired_rule))
        matching = self._bus(envelope.bus).rules.matching(event)
        if envelope.only_rules:
            return [one for one in matching if one.rule.key.arn in envelope.only_rules]
        return matching

    def _archives_for(self, envelope: Envelope, event: Mapping[str, Any]) -> list[int]:
        """CreateArchive: "Replayed events are not sent to an archive". What a schedule fires is no event of a bus."""
        if envelope.replay or envelope.fired_rule:
            return []
        return [archive_id for archive_id, matches in self._bus(envelope.bus).archives if matches(event)]

    def _bus(self, key: BusKey) -> _Bus:
        bus = self._buses.get(key)
        if bus is None:
            bus = self._buses[key] = self._database.read(lambda tx: _read_bus(tx, key))
        return bus


def _read_bus(tx: Transaction, key: BusKey) -> _Bus:
    targets = rule_store.targets_of_bus(tx, key)
    rules = [MatchedRule(rule, targets.get(rule.key.name, ())) for rule in rule_store.rules_with_patterns(tx, key)]
    archives = [
        (archive.archive_id, compile_kept(archive.pattern) if archive.pattern else _everything)
        for archive in archive_store.archives_of(tx, key)
    ]
    return _Bus(RuleIndex(rules), archives)


def _everything(_: Any) -> bool:
    return True


def _fired(tx: Transaction, rule_arn: str) -> list[MatchedRule]:
    """A rule that was disabled or deleted after its schedule fired sends nothing."""
    rule = rule_store.find_rule(tx, names.parse_rule_arn(rule_arn))
    if rule is None or not rule.is_enabled:
        return []
    return [MatchedRule(rule, rule_store.list_targets(tx, rule.key, limit=MAX_TARGETS))]
