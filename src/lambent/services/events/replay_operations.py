"""The operations on replays, under AWS's names. `delivery.replays` does the work."""

from dataclasses import replace
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.events import archive_store, names, page_tokens, replay_store
from lambent.services.events.archives import ACTIVE, MAX_REPLAYS, Archive, Replay, ReplayState
from lambent.services.events.bus_operations import existing_bus
from lambent.services.events.errors import (
    IllegalStatus,
    ResourceAlreadyExists,
    ResourceNotFound,
    ValidationException,
    limit_exceeded,
)
from lambent.services.events.names import ResourceKey, own_bus
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class ReplayOperations:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def start_replay(self, caller: Caller, request: Request) -> Result:
        key, now_ms = _requested(caller, request), self._clock.now_ms()
        first_ms, end_ms = (round(request[name] * 1000) for name in ("EventStartTime", "EventEndTime"))
        if first_ms >= end_ms:
            raise _invalid("EventEndTime", "EventStartTime must be before EventEndTime.")
        archive_key = names.parse_archive_arn(request["EventSourceArn"])
        destination = request["Destination"]

        def start(tx: Transaction) -> Replay:
            archive = _source(tx, caller, archive_key)
            existing_bus(tx, own_bus(caller, destination["Arn"]))
            if destination["Arn"] != archive.bus_key.arn:
                raise _invalid("Destination.Arn", "Cross event bus replay is not permitted.")
            if replay_store.find_replay(tx, key) is not None:
                raise ResourceAlreadyExists(f"Replay {key.name} already exists.")
            if replay_store.count_active(tx, key) >= MAX_REPLAYS:
                raise limit_exceeded()
            replay = Replay(
                key,
                archive_id=archive.archive_id,
                archive=archive.key.name,
                bus=archive.bus,
                rules=destination.get("FilterArns", ()),
                description=request.get("Description", ""),
                state=ReplayState.STARTING,
                first_ms=first_ms,
                end_ms=end_ms,
                time_ms=first_ms,
                position=-1,
                started_ms=now_ms,
                ended_ms=None,
            )
            replay_store.insert_replay(tx, replay)
            return replay

        replay = await self._database.write(start)
        return {
            "ReplayArn": key.arn("replay"),
            "State": replay.state.value,
            "ReplayStartTime": replay.started_ms / 1000,
        }

    async def cancel_replay(self, caller: Caller, request: Request) -> Result:
        key = _requested(caller, request)

        def cancel(tx: Transaction) -> None:
            replay = _existing(tx, key)
            if replay.state not in ACTIVE:
                raise IllegalStatus(f"Replay {key.name} is not in a valid state for this operation.")
            replay_store.update_replay(tx, replace(replay, state=ReplayState.CANCELLING))

        await self._database.write(cancel)
        return {"ReplayArn": key.arn("replay"), "State": ReplayState.CANCELLING.value}

    async def describe_replay(self, caller: Caller, request: Request) -> Result:
        key = _requested(caller, request)
        replay = self._database.read(lambda tx: _existing(tx, key))
        return {
            **_listed(replay),
            "ReplayArn": key.arn("replay"),
            "Description": replay.description or None,
            "Destination": {"Arn": replay.bus_key.arn, "FilterArns": list(replay.rules)},
        }

    async def list_replays(self, caller: Caller, request: Request) -> Result:
        start = ResourceKey(caller.account_id, caller.region, page_tokens.start_of(request))
        limit = page_tokens.limit_of(request) + 1
        state, source = request.get("State"), request.get("EventSourceArn")
        found = await self._database.scan(
            lambda tx: replay_store.list_replays(tx, start, request.get("NamePrefix", ""), limit)
        )
        entries, token = page_tokens.page(request, [(replay.key.name, _listed(replay)) for replay in found])
        wanted = [
            entry
            for entry in entries
            if entry["State"] == (state or entry["State"])
            and entry["EventSourceArn"] == (source or entry["EventSourceArn"])
        ]
        return {"Replays": wanted, **token}


def _requested(caller: Caller, request: Request) -> ResourceKey:
    return ResourceKey(caller.account_id, caller.region, request["ReplayName"])


def _existing(tx: Transaction, key: ResourceKey) -> Replay:
    """Raises ResourceNotFound."""
    replay = replay_store.find_replay(tx, key)
    if replay is None:
        raise ResourceNotFound(f"Replay {key.name} does not exist.")
    return replay


def _source(tx: Transaction, caller: Caller, key: ResourceKey) -> Archive:
    """Raises ValidationException."""
    is_own = (key.account_id, key.region) == (caller.account_id, caller.region)
    archive = archive_store.find_archive(tx, key) if is_own else None
    if archive is None:
        raise _invalid("EventSourceArn", f"Archive {key.name} does not exist.")
    return archive


def _invalid(name: str, reason: str) -> ValidationException:
    return ValidationException(f"Parameter {name} is not valid. Reason: {reason}")


def _listed(replay: Replay) -> Result:
    archive = ResourceKey(replay.key.account_id, replay.key.region, replay.archive)
    listed: Result = {
        "ReplayName": replay.key.name,
        "EventSourceArn": archive.arn("archive"),
        "State": replay.state.value,
        "EventStartTime": replay.first_ms / 1000,
        "EventEndTime": replay.end_ms / 1000,
        "ReplayStartTime": replay.started_ms / 1000,
    }
    if replay.position >= 0:
        listed["EventLastReplayedTime"] = replay.time_ms / 1000
    if replay.ended_ms is not None:
        listed["ReplayEndTime"] = replay.ended_ms / 1000
    return listed
