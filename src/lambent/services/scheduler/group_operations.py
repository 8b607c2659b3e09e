"""Schedule groups and their tags, under AWS's names. Every account has the group `default`, made when it is needed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.scheduler import group_store
from lambent.services.scheduler.errors import Conflict, ServiceQuotaExceeded, group_not_found, invalid
from lambent.services.scheduler.page_tokens import read_token, write_token
from lambent.services.scheduler.schedules import DEFAULT_GROUP, ScheduleGroup
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]
Tags = Mapping[str, str]

#: ListScheduleGroups, ListSchedules: at most 100, which is what comes without MaxResults.
DEFAULT_PAGE = 100
MAX_TAGS = 50


class GroupOperations:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create_schedule_group(self, caller: Caller, request: Request) -> Result:
        group = _new_group(caller, request["Name"], self._clock.now_ms())
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
        _check_tags(tags)
        token = request.get("ClientToken", "")

        def create(tx: Transaction) -> None:
            present = _find(tx, caller, group.name, group.created_ms)
            if present is None:
                group_store.insert_group(tx, replace(group, client_token=token, tags=tags))
            elif not token or token != present.client_token:
                raise Conflict(f"Schedule Group {group.name} already exists.")

        await self._database.write(create)
        return {"ScheduleGroupArn": group.arn}

    async def get_schedule_group(self, caller: Caller, request: Request) -> Result:
        return _describe(await self._existing(caller, request["Name"]))

    async def delete_schedule_group(self, caller: Caller, request: Request) -> Result:
        name, now_ms = request["Name"], self._clock.now_ms()
        if name == DEFAULT_GROUP:
            raise invalid("The default schedule group cannot be deleted.")

        def delete(tx: Transaction) -> None:
            group_store.begin_deletion(tx, existing_group(tx, caller, name, now_ms), now_ms)

        await self._database.write(delete)
        return {}

    async def list_schedule_groups(self, caller: Caller, request: Request) -> Result:
        limit = request.get("MaxResults", DEFAULT_PAGE)
        after = read_token(request["NextToken"], 1)[0] if "NextToken" in request else ""
        await self._existing(caller, DEFAULT_GROUP)
        found = self._database.read(
            lambda tx: group_store.list_groups(
                *(tx, caller.account_id, caller.region),
                prefix=request.get("NamePrefix", ""),
                after=after,
                limit=limit + 1,
            )
        )
        result: Result = {"ScheduleGroups": [_describe(group) for group in found[:limit]]}
        return {**result, "NextToken": write_token(found[limit - 1].name)} if len(found) > limit else result

    # Tags: groups have them, schedules do not (TagResource).

    async def tag_resource(self, caller: Caller, request: Request) -> Result:
        added = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return await self._change_tags(caller, request, lambda tags: {**tags, **added})

    async def untag_resource(self, caller: Caller, request: Request) -> Result:
        removed = set(request["TagKeys"])
        return await self._change_tags(
            caller, request, lambda tags: {name: value for name, value in tags.items() if name not in removed}
        )

    async def list_tags_for_resource(self, caller: Caller, request: Request) -> Result:
        group = await self._existing(caller, _tagged(caller, request))
        return {"Tags": [{"Key": name, "Value": value} for name, value in group.tags.items()]}

    async def _change_tags(self, caller: Caller, request: Request, change: Callable[[Tags], Tags]) -> Result:
        name, now_ms = _tagged(caller, request), self._clock.now_ms()

        def write(tx: Transaction) -> None:
            group = existing_group(tx, caller, name, now_ms)
            tags = change(group.tags)
            _check_tags(tags)
            group_store.update_tags(tx, group, tags, now_ms)

        await self._database.write(write)
        return {}

    async def _existing(self, caller: Caller, name: str) -> ScheduleGroup:
        """Raises ResourceNotFound. Writes only when an account's `default` is met for the first time."""
        found = self._database.read(lambda tx: group_store.find_group(tx, caller.account_id, caller.region, name))
        if found is not None:
            return found
        if name != DEFAULT_GROUP:
            raise group_not_found(name)
        now_ms = self._clock.now_ms()
        return await self._database.write(lambda tx: existing_group(tx, caller, name, now_ms))


def existing_group(tx: Transaction, caller: Caller, name: str, now_ms: int) -> ScheduleGroup:
    """Raises ResourceNotFound; Conflict if it is being deleted."""
    group = _find(tx, caller, name, now_ms)
    if group is None:
        raise group_not_found(name)
    if group.is_being_deleted:
        raise Conflict(f"Schedule Group {name} is being deleted.")
    return group


def _find(tx: Transaction, caller: Caller, name: str, now_ms: int) -> ScheduleGroup | None:
    found = group_store.find_group(tx, caller.account_id, caller.region, name)
    if found is None and name == DEFAULT_GROUP:
        found = _new_group(caller, name, now_ms)
        group_store.insert_group(tx, found)
    return found


def _new_group(caller: Caller, name: str, now_ms: int) -> ScheduleGroup:
    return ScheduleGroup(
        *(caller.account_id, caller.region, name),
        is_being_deleted=False,
        created_ms=now_ms,
        modified_ms=now_ms,
        client_token="",
        tags={},
    )


def _tagged(caller: Caller, request: Request) -> str:
    """The group that an ARN names. Another account's or region's does not exist for the caller."""
    place, _, name = request["ResourceArn"].rpartition(":schedule-group/")
    if place != f"arn:aws:scheduler:{caller.region}:{caller.account_id}":
        raise group_not_found(name)
    return str(name)


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise ServiceQuotaExceeded(f"A schedule group can have at most {MAX_TAGS} tags.")
    if any(name.lower().startswith("aws:") for name in tags):
        raise invalid("Tag keys cannot begin with aws:.")


def _describe(group: ScheduleGroup) -> Result:
    return {
        "Arn": group.arn,
        "Name": group.name,
        "State": "DELETING" if group.is_being_deleted else "ACTIVE",
        "CreationDate": group.created_ms / 1000,
        "LastModificationDate": group.modified_ms / 1000,
    }
