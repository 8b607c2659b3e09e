"""The operations on archives, under AWS's names."""

from dataclasses import replace
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.events import archive_store, page_tokens
from lambent.services.events.archives import Archive
from lambent.services.events.bus_operations import existing_bus
from lambent.services.events.errors import ResourceAlreadyExists, ResourceNotFound
from lambent.services.events.names import ResourceKey, own_bus
from lambent.services.events.rules import parse_pattern
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class ArchiveOperations:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create_archive(self, caller: Caller, request: Request) -> Result:
        archive = Archive(
            _requested(caller, request),
            archive_id=0,
            bus=own_bus(caller, request["EventSourceArn"]).name,
            pattern=_checked_pattern(request.get("EventPattern", "")),
            description=request.get("Description", ""),
            retention_days=request.get("RetentionDays", 0),
            created_ms=self._clock.now_ms(),
        )

        def create(tx: Transaction) -> None:
            existing_bus(tx, archive.bus_key)
            if archive_store.find_archive(tx, archive.key) is not None:
                raise ResourceAlreadyExists(f"Archive {archive.key.name} already exists.")
            archive_store.insert_archive(tx, archive)

        await self._database.write(create)
        return _changed(archive)

    async def update_archive(self, caller: Caller, request: Request) -> Result:
        key = _requested(caller, request)
        pattern = _checked_pattern(request.get("EventPattern", ""))

        def update(tx: Transaction) -> Archive:
            archive = existing_archive(tx, key)
            archive = replace(
                archive,
                pattern=pattern or archive.pattern,
                description=request.get("Description", archive.description),
                retention_days=request.get("RetentionDays", archive.retention_days),
            )
            archive_store.update_archive(tx, archive)
            return archive

        return _changed(await self._database.write(update))

    async def delete_archive(self, caller: Caller, request: Request) -> Result:
        key, now_ms = _requested(caller, request), self._clock.now_ms()
        await self._database.write(lambda tx: archive_store.delete_archive(tx, existing_archive(tx, key), now_ms))
        return {}

    async def describe_archive(self, caller: Caller, request: Request) -> Result:
        key = _requested(caller, request)
        archive = self._database.read(lambda tx: existing_archive(tx, key))
        return {
            **_listed(archive),
            "ArchiveArn": key.arn("archive"),
            "Description": archive.description or None,
            "EventPattern": archive.pattern or None,
        }

    async def list_archives(self, caller: Caller, request: Request) -> Result:
        start = ResourceKey(caller.account_id, caller.region, page_tokens.start_of(request))
        limit = page_tokens.limit_of(request) + 1
        source = request.get("EventSourceArn")
        bus = self._database.read(lambda tx: existing_bus(tx, own_bus(caller, source))).key.name if source else None
        if request.get("State", "ENABLED") != "ENABLED":
            return {"Archives": []}
        found = await self._database.scan(
            lambda tx: archive_store.list_archives(tx, start, request.get("NamePrefix", ""), bus, limit)
        )
        entries, token = page_tokens.page(request, [(one.key.name, _listed(one)) for one in found])
        return {"Archives": entries, **token}


def existing_archive(tx: Transaction, key: ResourceKey) -> Archive:
    """Raises ResourceNotFound."""
    archive = archive_store.find_archive(tx, key)
    if archive is None:
        raise ResourceNotFound(f"Archive {key.name} does not exist.")
    return archive


def _requested(caller: Caller, request: Request) -> ResourceKey:
    return ResourceKey(caller.account_id, caller.region, request["ArchiveName"])


def _checked_pattern(text: str) -> str:
    """Raises InvalidEventPattern."""
    if text:
        parse_pattern(text)
    return text


def _changed(archive: Archive) -> Result:
    return {
        "ArchiveArn": archive.key.arn("archive"),
        "State": "ENABLED",
        "CreationTime": archive.created_ms / 1000,
    }


def _listed(archive: Archive) -> Result:
    return {
        "ArchiveName": archive.key.name,
        "EventSourceArn": archive.bus_key.arn,
        "State": "ENABLED",
        "RetentionDays": archive.retention_days,
        "SizeBytes": archive.size_bytes,
        "EventCount": archive.event_count,
        "CreationTime": archive.created_ms / 1000,
    }
