"""PutSubscriptionFilter, DescribeSubscriptionFilters, DeleteSubscriptionFilter.

Whether a destination takes messages is asked through a callable: functions and streams are other services.
"""

from collections.abc import Callable
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.logs import store, subscription_store
from lambent.services.logs.errors import InvalidOperation, InvalidParameter, LimitExceeded, ResourceNotFound
from lambent.services.logs.filter_patterns import compile_message_filter
from lambent.services.logs.names import GroupKey
from lambent.services.logs.page_tokens import read_token, write_token
from lambent.services.logs.subscriptions import (
    BY_LOG_STREAM,
    MAX_FILTERS,
    SubscriptionFilter,
    check_destination,
    unreachable,
)
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

Probe = Callable[[Transaction, GroupKey, SubscriptionFilter], bool]
"""Whether the destination takes this group's messages; it may be sent a test message to find out."""

#: DescribeSubscriptionFilters: "the default is up to 50 items".
DEFAULT_PAGE = 50


class SubscriptionOperations:
    def __init__(self, database: Database, clock: Clock, probe: Probe) -> None:
        self._database = database
        self._clock = clock
        self._probe = probe

    async def put_subscription_filter(self, caller: Caller, request: Request) -> Result:
        wanted = self._requested(caller, request)
        key = GroupKey(caller.account_id, caller.region, request["logGroupName"])
        await self._database.write(lambda tx: self._put(tx, key, wanted))
        return {}

    def _requested(self, caller: Caller, request: Request) -> SubscriptionFilter:
        """Raises InvalidParameter, AccessDenied."""
        for member in ("fieldSelectionCriteria", "emitSystemFields"):
            if request.get(member):  # they select among accounts and regions, which centralization brings together
                raise InvalidParameter(f"{member} is only valid for log groups with centralized logs")
        wanted = SubscriptionFilter(
            name=request["filterName"],
            pattern=request["filterPattern"],
            destination_arn=request["destinationArn"],
            role_arn=request.get("roleArn", ""),
            distribution=request.get("distribution", BY_LOG_STREAM),
            on_transformed=request.get("applyOnTransformedLogs", False),
            created_ms=self._clock.now_ms(),
        )
        check_destination(wanted, caller.account_id)
        compile_message_filter(wanted.pattern)
        return wanted

    def _put(self, tx: Transaction, key: GroupKey, wanted: SubscriptionFilter) -> None:
        group = store.existing_group(tx, key)
        if group.group_class != "STANDARD":  # User Guide, "Log classes": the others have no subscription filters
            raise InvalidOperation("Subscription filters are only supported for log groups of the Standard class")
        present = {one.name for one in subscription_store.list_filters(tx, group.group_id)}
        if wanted.name not in present and len(present) >= MAX_FILTERS:
            raise LimitExceeded("Resource limit exceeded.")
        if not self._probe(tx, key, wanted):
            raise unreachable(wanted)
        if wanted.name in present:
            subscription_store.update_filter(tx, group.group_id, wanted)
        else:
            subscription_store.insert_filter(tx, group.group_id, wanted)

    async def describe_subscription_filters(self, caller: Caller, request: Request) -> Result:
        key = GroupKey(caller.account_id, caller.region, request["logGroupName"])
        prefix, limit = request.get("filterNamePrefix", ""), request.get("limit", DEFAULT_PAGE)
        start = read_token(request["nextToken"], str)[0] if "nextToken" in request else ""
        filters = self._database.read(
            lambda tx: subscription_store.list_filters(tx, store.existing_group(tx, key).group_id)
        )
        found = [one for one in filters if one.name.startswith(prefix) and one.name >= start]
        result: Result = {"subscriptionFilters": [_describe(key, one) for one in found[:limit]]}
        return {**result, "nextToken": write_token(found[limit].name)} if len(found) > limit else result

    async def delete_subscription_filter(self, caller: Caller, request: Request) -> Result:
        key = GroupKey(caller.account_id, caller.region, request["logGroupName"])

        def delete(tx: Transaction) -> None:
            group_id = store.existing_group(tx, key).group_id
            if not subscription_store.delete_filter(tx, group_id, request["filterName"]):
                raise ResourceNotFound("The specified subscription filter does not exist.")

        await self._database.write(delete)
        return {}


def _describe(key: GroupKey, subscription: SubscriptionFilter) -> Result:
    return {
        "filterName": subscription.name,
        "logGroupName": key.name,
        "filterPattern": subscription.pattern,
        "destinationArn": subscription.destination_arn,
        "roleArn": subscription.role_arn or None,
        "distribution": subscription.distribution,
        "applyOnTransformedLogs": subscription.on_transformed,
        "creationTime": subscription.created_ms,
    }
