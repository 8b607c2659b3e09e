"""The operations on event buses, their policies included, under AWS's names."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.events import archive_store, bus_store, buses, page_tokens, rule_store
from lambent.services.events.buses import MAX_BUSES, Bus
from lambent.services.events.errors import ResourceAlreadyExists, ResourceNotFound, ValidationException, limit_exceeded
from lambent.services.events.names import DEFAULT_BUS, BusKey, bus_not_found, own_bus
from lambent.services.events.tags import requested_tags
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

_OPTIONS = ("KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")


class BusOperations:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create_event_bus(self, caller: Caller, request: Request) -> Result:
        name, now_ms = request["Name"], self._clock.now_ms()
        if "EventSourceName" in request:
            raise ResourceNotFound(f"Event source {request['EventSourceName']} does not exist.")
        if "/" in name:
            raise ValidationException("Event bus name must not contain '/'.")
        bus = Bus(
            BusKey(caller.account_id, caller.region, name),
            description=request.get("Description", ""),
            options=_options(request),
            tags=requested_tags(request.get("Tags", ())),
            created_ms=now_ms,
            modified_ms=now_ms,
        )
        await self._database.write(lambda tx: _insert_bus(tx, bus))
        return {"EventBusArn": bus.key.arn, "Description": bus.description or None, **bus.options}

    async def update_event_bus(self, caller: Caller, request: Request) -> Result:
        key, now_ms = own_bus(caller, request.get("Name")), self._clock.now_ms()

        def update(tx: Transaction) -> Bus:
            bus = replace(
                existing_bus(tx, key),
                description=request.get("Description", ""),
                options=_options(request),
                modified_ms=now_ms,
            )
            bus_store.save_bus(tx, bus)
            return bus

        bus = await self._database.write(update)
        return {"Arn": key.arn, "Name": key.name, "Description": bus.description or None, **bus.options}

    async def delete_event_bus(self, caller: Caller, request: Request) -> Result:
        """Of one that is not there as well: deletions can be repeated."""
        key, now_ms = own_bus(caller, request["Name"]), self._clock.now_ms()
        if key.name == DEFAULT_BUS:
            raise ValidationException("Cannot delete event bus default.")

        def delete(tx: Transaction) -> None:
            if rule_store.count_rules(tx, key):
                raise ValidationException("EventBus can't be deleted since it has rules.")
            bus_store.delete_bus(tx, key)
            archive_store.delete_archives_of(tx, key, now_ms)

        await self._database.write(delete)
        return {}

    async def describe_event_bus(self, caller: Caller, request: Request) -> Result:
        key = own_bus(caller, request.get("Name"))
        bus, installed_ms = self._database.read(lambda tx: (existing_bus(tx, key), bus_store.installed_ms(tx)))
        return {**_listed(bus, installed_ms), **bus.options}

    async def list_event_buses(self, caller: Caller, request: Request) -> Result:
        start = BusKey(caller.account_id, caller.region, page_tokens.start_of(request))
        limit = page_tokens.limit_of(request) + 1

        def read(tx: Transaction) -> list[tuple[str, Result]]:
            installed_ms = bus_store.installed_ms(tx)
            found = bus_store.list_buses(tx, start, request.get("NamePrefix", ""), limit)
            return [(bus.key.name, _listed(bus, installed_ms)) for bus in found]

        entries, token = page_tokens.page(request, await self._database.scan(read))
        return {"EventBuses": entries, **token}

    async def put_permission(self, caller: Caller, request: Request) -> Result:
        key = own_bus(caller, request.get("EventBusName"))

        def changed(bus: Bus) -> str:
            if "Policy" in request:
                return buses.checked_policy(request["Policy"])
            return buses.with_statement(bus, request)

        return await self._change_policy(key, changed)

    async def remove_permission(self, caller: Caller, request: Request) -> Result:
        key = own_bus(caller, request.get("EventBusName"))
        if not request.get("RemoveAllPermissions") and not request.get("StatementId"):
            raise ValidationException("Parameter StatementId must be specified.")

        def changed(bus: Bus) -> str:
            if request.get("RemoveAllPermissions"):
                return ""
            return buses.without_statement(bus, request["StatementId"])

        return await self._change_policy(key, changed)

    async def _change_policy(self, key: BusKey, changed: Callable[[Bus], str]) -> Result:
        now_ms = self._clock.now_ms()

        def change(tx: Transaction) -> None:
            bus = existing_bus(tx, key)
            bus_store.save_bus(tx, replace(bus, policy=changed(bus), modified_ms=now_ms))

        await self._database.write(change)
        return {}


def existing_bus(tx: Transaction, key: BusKey) -> Bus:
    """Raises ResourceNotFound."""
    bus = bus_store.find_bus(tx, key)
    if bus is None:
        raise bus_not_found(key.name)
    return bus


def _insert_bus(tx: Transaction, bus: Bus) -> None:
    if bus_store.find_bus(tx, bus.key) is not None:
        raise ResourceAlreadyExists(f"Event bus {bus.key.name} already exists.")
    if bus_store.count_buses(tx, bus.key.account_id, bus.key.region) >= MAX_BUSES:
        raise limit_exceeded()
    bus_store.save_bus(tx, bus)


def _options(request: Request) -> Result:
    return {name: request[name] for name in _OPTIONS if name in request}


def _listed(bus: Bus, installed_ms: int) -> Result:
    return {
        "Name": bus.key.name,
        "Arn": bus.key.arn,
        "Description": bus.description or None,
        "Policy": bus.policy or None,
        "CreationTime": (bus.created_ms or installed_ms) / 1000,
        "LastModifiedTime": (bus.modified_ms or installed_ms) / 1000,
    }
