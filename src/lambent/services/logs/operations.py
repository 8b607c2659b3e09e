"""The operations of CloudWatch Logs, under AWS's names.

Log groups and streams here; events in `event_operations`, live tails in `tail_operations`, subscription filters in
`subscription_operations`, all of which the gateway sees as one object.
"""

from collections.abc import Callable
from typing import Any

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.logs import store
from lambent.services.logs.errors import (
    InvalidParameter,
    ResourceAlreadyExists,
    TooManyTags,
    ValidationFailed,
    stream_not_found,
)
from lambent.services.logs.event_operations import EventOperations
from lambent.services.logs.expiry import RETENTION_DAYS
from lambent.services.logs.live_tail import LiveTails
from lambent.services.logs.names import GroupKey, group_arn, identified_group, requested_group, stream_arn
from lambent.services.logs.page_tokens import read_token, write_token
from lambent.services.logs.subscription_operations import Probe, SubscriptionOperations
from lambent.services.logs.tail_operations import TailOperations
from lambent.services.logs.writer import LogWriter
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

#: DescribeLogGroups and DescribeLogStreams: "default is up to 50 items".
DEFAULT_PAGE = 50
MAX_TAGS = 50
#: Log groups looked at by one DescribeLogGroups that filters by pattern or class.
MAX_GROUPS_READ = 2_000


class LogsOperations:
    SERVED = frozenset((
        "CreateLogGroup", "DeleteLogGroup", "DescribeLogGroups", "PutLogGroupDeletionProtection",
        "CreateLogStream", "DeleteLogStream", "DescribeLogStreams",
        "PutLogEvents", "GetLogEvents", "FilterLogEvents", "StartLiveTail",
        "PutRetentionPolicy", "DeleteRetentionPolicy",
        "PutSubscriptionFilter", "DescribeSubscriptionFilters", "DeleteSubscriptionFilter",
        "TagLogGroup", "UntagLogGroup", "ListTagsLogGroup", "TagResource", "UntagResource", "ListTagsForResource",
    ))  # fmt: skip

    def __init__(
        self, database: Database, writer: LogWriter, tails: LiveTails, clock: Clock, ids: Ids, probe: Probe
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        events = EventOperations(database, writer, tails, clock)
        self.put_log_events = events.put_log_events
        self.get_log_events = events.get_log_events
        self.filter_log_events = events.filter_log_events
        self.start_live_tail = TailOperations(database, tails, clock, ids).start_live_tail
        subscriptions = SubscriptionOperations(database, clock, probe)
        self.put_subscription_filter = subscriptions.put_subscription_filter
        self.describe_subscription_filters = subscriptions.describe_subscription_filters
        self.delete_subscription_filter = subscriptions.delete_subscription_filter

    # Log groups

    async def create_log_group(self, caller: Caller, request: Request) -> Result:
        key = GroupKey(caller.account_id, caller.region, request["logGroupName"])
        settings = store.GroupSettings(
            group_class=request.get("logGroupClass", "STANDARD"),
            kms_key_id=request.get("kmsKeyId", ""),
            is_protected=request.get("deletionProtectionEnabled", False),
            tags=request.get("tags", {}),
        )
        now_ms = self._clock.now_ms()
        if not await self._database.write(lambda tx: store.insert_group(tx, key, settings, now_ms=now_ms)):
            raise ResourceAlreadyExists("The specified log group already exists")
        return {}

    async def delete_log_group(self, caller: Caller, request: Request) -> Result:
        def delete(tx: Transaction, group: store.LogGroup) -> None:
            if group.is_protected:
                raise ValidationFailed("The log group is protected from deletion; disable its deletion protection")
            store.delete_group(tx, group)

        return await self._change_group(requested_group(caller.account_id, caller.region, request), delete)

    async def describe_log_groups(self, caller: Caller, request: Request) -> Result:
        prefix, pattern = request.get("logGroupNamePrefix", ""), request.get("logGroupNamePattern", "")
        if prefix and pattern:
            raise InvalidParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        if request.get("logGroupIdentifiers"):
            return self._describe_identified_groups(caller, request["logGroupIdentifiers"])
        start = read_token(request["nextToken"], str)[0] if "nextToken" in request else prefix
        wanted_class = request.get("logGroupClass")

        def is_wanted(group: store.LogGroup) -> bool:
            return pattern in group.name and (wanted_class is None or group.group_class == wanted_class)

        key = GroupKey(caller.account_id, caller.region, start)
        limit = request.get("limit", DEFAULT_PAGE)
        await self._writer.flush()
        found, following = await self._database.scan(lambda tx: _find_groups(tx, key, prefix, is_wanted, limit))
        result: Result = {"logGroups": [_describe_group(caller, group) for group in found]}
        if following is not None:
            result["nextToken"] = write_token(following)
        return result

    def _describe_identified_groups(self, caller: Caller, identifiers: list[str]) -> Result:
        keys = [identified_group(caller.account_id, caller.region, identifier) for identifier in identifiers]
        found = self._database.read(lambda tx: [store.find_group(tx, key) for key in keys])
        return {"logGroups": [_describe_group(caller, group) for group in found if group is not None]}

    async def put_log_group_deletion_protection(self, caller: Caller, request: Request) -> Result:
        key = identified_group(caller.account_id, caller.region, request["logGroupIdentifier"])
        wanted: bool = request["deletionProtectionEnabled"]
        return await self._change_group(
            key, lambda tx, group: store.update_protection(tx, group.group_id, is_protected=wanted)
        )

    async def put_retention_policy(self, caller: Caller, request: Request) -> Result:
        days: int = request["retentionInDays"]
        if days not in RETENTION_DAYS:
            raise InvalidParameter(f"Invalid retention value. Possible retention values are {sorted(RETENTION_DAYS)}")
        return await self._put_retention(caller, request, days)

    async def delete_retention_policy(self, caller: Caller, request: Request) -> Result:
        return await self._put_retention(caller, request, 0)

    async def _put_retention(self, caller: Caller, request: Request, days: int) -> Result:
        key = requested_group(caller.account_id, caller.region, request)
        return await self._change_group(key, lambda tx, group: store.update_retention(tx, group.group_id, days))

    # Tags

    async def tag_log_group(self, caller: Caller, request: Request) -> Result:
        return await self._add_tags(requested_group(caller.account_id, caller.region, request), request["tags"])

    async def untag_log_group(self, caller: Caller, request: Request) -> Result:
        return await self._remove_tags(requested_group(caller.account_id, caller.region, request), request["tags"])

    async def list_tags_log_group(self, caller: Caller, request: Request) -> Result:
        return self._list_tags(requested_group(caller.account_id, caller.region, request))

    async def tag_resource(self, caller: Caller, request: Request) -> Result:
        return await self._add_tags(_resource(caller, request), request["tags"])

    async def untag_resource(self, caller: Caller, request: Request) -> Result:
        return await self._remove_tags(_resource(caller, request), request["tagKeys"])

    async def list_tags_for_resource(self, caller: Caller, request: Request) -> Result:
        return self._list_tags(_resource(caller, request))

    async def _add_tags(self, key: GroupKey, added: dict[str, str]) -> Result:
        def add(tx: Transaction, group: store.LogGroup) -> None:
            tags = {**group.tags, **added}
            if len(tags) > MAX_TAGS:
                raise TooManyTags(f"A resource can have at most {MAX_TAGS} tags")
            store.update_tags(tx, group.group_id, tags)

        return await self._change_group(key, add)

    async def _remove_tags(self, key: GroupKey, names: list[str]) -> Result:
        def remove(tx: Transaction, group: store.LogGroup) -> None:
            kept = {name: value for name, value in group.tags.items() if name not in names}
            store.update_tags(tx, group.group_id, kept)

        return await self._change_group(key, remove)

    def _list_tags(self, key: GroupKey) -> Result:
        return {"tags": dict(self._database.read(lambda tx: store.existing_group(tx, key)).tags)}

    # Log streams

    async def create_log_stream(self, caller: Caller, request: Request) -> Result:
        name, now_ms = request["logStreamName"], self._clock.now_ms()

        def create(tx: Transaction, group: store.LogGroup) -> None:
            if not store.insert_stream(tx, group.group_id, name, now_ms=now_ms):
                raise ResourceAlreadyExists("The specified log stream already exists")

        return await self._change_group(requested_group(caller.account_id, caller.region, request), create)

    async def delete_log_stream(self, caller: Caller, request: Request) -> Result:
        def delete(tx: Transaction, group: store.LogGroup) -> None:
            stream = store.find_stream(tx, group.group_id, request["logStreamName"])
            if stream is None:
                raise stream_not_found()
            store.delete_stream(tx, group.group_id, stream.stream_id)

        return await self._change_group(requested_group(caller.account_id, caller.region, request), delete)

    async def describe_log_streams(self, caller: Caller, request: Request) -> Result:
        key = requested_group(caller.account_id, caller.region, request)
        prefix, limit = request.get("logStreamNamePrefix", ""), request.get("limit", DEFAULT_PAGE)
        by_time = request.get("orderBy") == "LastEventTime"
        if by_time and prefix:
            raise InvalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
        token, descending = request.get("nextToken"), request.get("descending", False)

        def find(tx: Transaction) -> list[store.LogStream]:
            group_id = store.existing_group(tx, key).group_id
            if by_time:
                start = read_token(token, int, str) if token else None
                return store.list_streams_by_time(tx, group_id, start=start, limit=limit + 1, descending=descending)
            name = read_token(token, str)[0] if token else ""
            return store.list_streams_by_name(
                tx, group_id, store.NameRange(prefix, name), limit=limit + 1, descending=descending
            )

        await self._writer.flush()
        found = await self._database.scan(find)
        result: Result = {"logStreams": [_describe_stream(key, stream) for stream in found[:limit]]}
        if len(found) > limit:
            last = found[limit]
            result["nextToken"] = write_token(last.last_event_ms, last.name) if by_time else write_token(last.name)
        return result

    async def _change_group(self, key: GroupKey, change: Callable[[Transaction, store.LogGroup], None]) -> Result:
        """Raises ResourceNotFound."""
        await self._database.write(lambda tx: change(tx, store.existing_group(tx, key)))
        return {}


def _resource(caller: Caller, request: Request) -> GroupKey:
    return identified_group(caller.account_id, caller.region, request["resourceArn"])


def _find_groups(
    tx: Transaction, start: GroupKey, prefix: str, is_wanted: Callable[[store.LogGroup], bool], limit: int
) -> tuple[list[store.LogGroup], str | None]:
    """Up to `limit` wanted groups from `start` on, and the name to go on with (perhaps before `limit` is reached)."""
    found: list[store.LogGroup] = []
    read = store.list_groups(tx, start, MAX_GROUPS_READ)
    for group in read:
        if not group.name.startswith(prefix):
            return found, None
        if len(found) == limit:
            return found, group.name
        if is_wanted(group):
            found.append(group)
    return found, read[-1].name + "\0" if len(read) == MAX_GROUPS_READ else None


def _describe_group(caller: Caller, group: store.LogGroup) -> Result:
    arn = group_arn(GroupKey(caller.account_id, caller.region, group.name))
    return {
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "retentionInDays": group.retention_days or None,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": group.stored_bytes,
        "kmsKeyId": group.kms_key_id or None,
        "logGroupClass": group.group_class,
        "deletionProtectionEnabled": group.is_protected,
    }


def _describe_stream(key: GroupKey, stream: store.LogStream) -> Result:
    """`storedBytes` is always zero at AWS since 2019 (DescribeLogStreams, LogStream)."""
    result: Result = {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": stream_arn(key, stream.name),
        "storedBytes": 0,
        "uploadSequenceToken": f"{stream.stream_id:056d}",
    }
    if stream.last_ingestion_ms:
        result |= {
            "firstEventTimestamp": stream.first_event_ms,
            "lastEventTimestamp": stream.last_event_ms,
            "lastIngestionTime": stream.last_ingestion_ms,
        }
    return result
