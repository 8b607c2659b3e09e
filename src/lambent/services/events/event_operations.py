"""PutEvents and TestEventPattern, under AWS's names."""

from typing import Any

import orjson

from lambent.kit import trace
from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.kit.meter import Meter
from lambent.services.caller import Caller
from lambent.services.events import bus_store, buses, envelopes, metrics, putting
from lambent.services.events.buses import Bus
from lambent.services.events.envelopes import Envelope, Facts
from lambent.services.events.errors import AccessDenied, ValidationException
from lambent.services.events.names import BusKey, requested_bus
from lambent.services.events.rules import parse_pattern
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

#: TestEventPattern: "the following fields are mandatory". The API reference names `resources` as well, for which AWS
#: does not ask (so AWS answers).
_MANDATORY = frozenset({"id", "account", "source", "time", "region", "detail-type"})


class EventOperations:
    def __init__(self, database: Database, clock: Clock, ids: Ids, meter: Meter) -> None:
        self._database = database
        self._meter = meter
        self._clock = clock
        self._ids = ids

    async def put_events(self, caller: Caller, request: Request) -> Result:
        """Those that are not taken are told of one by one; the others are on disk when the answer goes out."""
        entries: list[Request] = request["Entries"]
        putting.check_size(entries)
        now_ms = self._clock.now_ms()
        results: list[Result] = []
        accepted: list[tuple[Envelope, Request]] = []
        for entry in entries:
            error = putting.entry_error(entry)
            if error is not None:
                results.append({"ErrorCode": error.code, "ErrorMessage": error.message})
                continue
            event_id = self._ids.uuid()
            results.append({"EventId": event_id})
            accepted.append((_envelope(caller, entry, event_id, now_ms), entry))
        if accepted:
            await self._database.write(lambda tx: _append(tx, caller, accepted))
        failed = len(entries) - len(accepted)
        self._count(caller, "PutEventsEntriesCount", len(entries))
        if failed:
            self._count(caller, "PutEventsFailedEntriesCount", failed)
        return {"FailedEntryCount": failed, "Entries": results}

    def _count(self, caller: Caller, metric: str, number: int) -> None:
        metrics.of_account(self._meter, caller.account_id, caller.region, metric).add(number)

    async def test_event_pattern(self, caller: Caller, request: Request) -> Result:
        del caller
        matches = parse_pattern(request["EventPattern"])
        if not putting.is_plain_object(request["Event"]):
            raise ValidationException("Parameter Event is not valid.")
        event = orjson.loads(request["Event"])
        if not event.keys() >= _MANDATORY:
            raise ValidationException("Parameter Event is not valid.")
        return {"Result": matches(event)}


def _envelope(caller: Caller, entry: Request, event_id: str, now_ms: int) -> Envelope:
    facts = Facts(
        event_id=event_id,
        source=entry["Source"],
        detail_type=entry["DetailType"],
        account_id=caller.account_id,
        region=caller.region,
        time_ms=round(entry["Time"] * 1000) if "Time" in entry else now_ms,
        resources=entry.get("Resources", ()),
    )
    return Envelope(
        requested_bus(caller, entry.get("EventBusName")),
        envelopes.document(facts, entry["Detail"]),
        now_ms,
        trace.accepted(entry.get("TraceHeader", "")) or caller.trace,
    )


def _append(tx: Transaction, caller: Caller, accepted: list[tuple[Envelope, Request]]) -> None:
    """An event for a bus that does not exist is accepted and goes nowhere, as at AWS. Raises AccessDenied for all."""
    buses_named = {envelope.bus for envelope, _ in accepted}
    known = {key: bus for key in buses_named if (bus := bus_store.find_bus(tx, key)) is not None}
    for envelope, entry in accepted:
        bus = known.get(envelope.bus, Bus(envelope.bus))
        if not buses.may_put(
            bus,
            account_id=caller.account_id,
            principal_arn=caller.arn,
            source=entry["Source"],
            detail_type=entry["DetailType"],
        ):
            raise _denied(caller, envelope.bus)
    putting.append(tx, *(envelope for envelope, _ in accepted if envelope.bus in known))


def _denied(caller: Caller, bus: BusKey) -> AccessDenied:
    return AccessDenied(
        f"User: {caller.arn} is not authorized to perform: events:PutEvents on resource: {bus.arn} "
        "because no resource-based policy allows the events:PutEvents action"
    )
