"""The operations of EventBridge Scheduler, under AWS's names: schedules here, groups and tags in `group_operations`.

What a schedule needs to know of other services (which targets there are) comes as a callable.
"""

from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.scheduler import store, timing
from lambent.services.scheduler.definitions import Accepts, read_definition
from lambent.services.scheduler.errors import Conflict, schedule_not_found
from lambent.services.scheduler.group_operations import DEFAULT_PAGE, GroupOperations, existing_group
from lambent.services.scheduler.page_tokens import read_token, write_token
from lambent.services.scheduler.schedules import DEFAULT_GROUP, Definition, Schedule, ScheduleKey
from lambent.services.scheduler.timing import Spread
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class SchedulerOperations:
    SERVED = frozenset((
        "CreateSchedule", "GetSchedule", "UpdateSchedule", "DeleteSchedule", "ListSchedules",
        "CreateScheduleGroup", "GetScheduleGroup", "DeleteScheduleGroup", "ListScheduleGroups",
        "TagResource", "UntagResource", "ListTagsForResource",
    ))  # fmt: skip

    def __init__(self, database: Database, clock: Clock, *, accepts: Accepts, spread: Spread) -> None:
        self._database = database
        self._clock = clock
        self._accepts = accepts
        self._spread = spread
        groups = GroupOperations(database, clock)
        self.create_schedule_group = groups.create_schedule_group
        self.get_schedule_group = groups.get_schedule_group
        self.delete_schedule_group = groups.delete_schedule_group
        self.list_schedule_groups = groups.list_schedule_groups
        self.tag_resource = groups.tag_resource
        self.untag_resource = groups.untag_resource
        self.list_tags_for_resource = groups.list_tags_for_resource

    async def create_schedule(self, caller: Caller, request: Request) -> Result:
        key, now_ms = _key(caller, request), self._clock.now_ms()
        definition = read_definition(request, now_ms, self._accepts)
        token = request.get("ClientToken", "")
        plan = timing.first_plan(definition.timetable, now_ms, self._spread)

        def create(tx: Transaction) -> None:
            existing_group(tx, caller, key.group, now_ms)
            present = store.find_schedule(tx, key)
            if present is None:
                store.put_schedule(tx, Schedule(key, definition, plan, token, now_ms, now_ms))
            elif not token or (token, definition) != (present.client_token, present.definition):
                # else it is the same request, sent again
                raise Conflict(f"Schedule {key.name} already exists.")

        await self._database.write(create)
        return {"ScheduleArn": key.arn}

    async def get_schedule(self, caller: Caller, request: Request) -> Result:
        key = _key(caller, request)
        return _describe(self._database.read(lambda tx: _existing_schedule(tx, key)))

    async def update_schedule(self, caller: Caller, request: Request) -> Result:
        """What the request leaves out falls back to its default (UpdateSchedule: "uses all values").

        The same request sent again changes nothing more, so its ClientToken is not looked at.
        """
        key, now_ms = _key(caller, request), self._clock.now_ms()
        definition = read_definition(request, now_ms, self._accepts)
        token = request.get("ClientToken", "")

        def update(tx: Transaction) -> None:
            existing_group(tx, caller, key.group, now_ms)
            present = _existing_schedule(tx, key)
            store.put_schedule(tx, self._changed(present, definition, token, now_ms))

        await self._database.write(update)
        return {"ScheduleArn": key.arn}

    def _changed(self, present: Schedule, definition: Definition, token: str, now_ms: int) -> Schedule:
        """Its plan stays if the times it follows from do: a new description fires no rate and moves no window."""
        plan, before, after = present.plan, present.definition.timetable, definition.timetable
        if before != after:
            same_rate = (before.expression, before.start_ms) == (after.expression, after.start_ms)
            anchor_ms = plan.anchor_ms if same_rate else None
            plan = timing.first_plan(after, now_ms, self._spread, anchor_ms=anchor_ms)
        return Schedule(present.key, definition, plan, token, present.created_ms, now_ms)

    async def delete_schedule(self, caller: Caller, request: Request) -> Result:
        key = _key(caller, request)
        if not await self._database.write(lambda tx: store.delete_schedule(tx, key)):
            raise schedule_not_found(key.name)
        return {}

    async def list_schedules(self, caller: Caller, request: Request) -> Result:
        limit = request.get("MaxResults", DEFAULT_PAGE)
        state = request.get("State")
        group, name = read_token(request["NextToken"], 2) if "NextToken" in request else ("", "")
        choice = store.Choice(
            group=request.get("GroupName", ""),
            prefix=request.get("NamePrefix", ""),
            is_enabled=None if state is None else state == "ENABLED",
            after=(group, name),
        )
        now_ms = self._clock.now_ms()
        if choice.group and choice.group != DEFAULT_GROUP:
            self._database.read(lambda tx: existing_group(tx, caller, choice.group, now_ms))
        found = await self._database.scan(
            lambda tx: store.list_schedules(tx, caller.account_id, caller.region, choice, limit + 1)
        )
        result: Result = {"Schedules": [_summarize(schedule) for schedule in found[:limit]]}
        if len(found) <= limit:
            return result
        last = found[limit - 1].key
        return {**result, "NextToken": write_token(last.group, last.name)}


def _key(caller: Caller, request: Request) -> ScheduleKey:
    return ScheduleKey(caller.account_id, caller.region, request.get("GroupName", DEFAULT_GROUP), request["Name"])


def _existing_schedule(tx: Transaction, key: ScheduleKey) -> Schedule:
    schedule = store.find_schedule(tx, key)
    if schedule is None:
        raise schedule_not_found(key.name)
    return schedule


def _describe(schedule: Schedule) -> Result:
    definition, times = schedule.definition, schedule.definition.timetable
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": times.window_minutes}
    retries = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    target = {**definition.target, "RetryPolicy": {**retries, **definition.target.get("RetryPolicy", {})}}
    return {
        **_summarize(schedule),
        "ScheduleExpression": times.expression,
        "ScheduleExpressionTimezone": times.zone,
        "StartDate": None if times.start_ms is None else times.start_ms / 1000,
        "EndDate": None if times.end_ms is None else times.end_ms / 1000,
        "Description": definition.description or None,
        "KmsKeyArn": definition.kms_key_arn or None,
        "Target": target,
        "FlexibleTimeWindow": window if times.window_minutes else {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE" if definition.is_deleted_after else "NONE",
    }


def _summarize(schedule: Schedule) -> Result:
    return {
        "Arn": schedule.key.arn,
        "Name": schedule.key.name,
        "GroupName": schedule.key.group,
        "State": "ENABLED" if schedule.definition.timetable.is_enabled else "DISABLED",
        "CreationDate": schedule.created_ms / 1000,
        "LastModificationDate": schedule.modified_ms / 1000,
        "Target": {"Arn": schedule.definition.target["Arn"]},
    }
