"""What is set on a table apart from its definition proper: time to live and tags."""

import dataclasses
from collections.abc import Callable
from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import table_store
from lambent.services.dynamodb.errors import ResourceNotFound, ValidationException, invalid_values
from lambent.services.dynamodb.names import TableKey, key_of_arn, read_table_key, table_not_found
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.table_definitions import MAX_TAGS, too_many_tags
from lambent.services.dynamodb.tables import Definition, Table
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

Request = dict[str, Any]
Result = dict[str, Any]


class SettingOperations:
    SERVED = frozenset((
        "UpdateTimeToLive", "DescribeTimeToLive", "TagResource", "UntagResource", "ListTagsOfResource",
    ))  # fmt: skip

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    # Time to live

    async def update_time_to_live(self, caller: Caller, request: Request) -> Result:
        wanted = request["TimeToLiveSpecification"]
        attribute: str = wanted["AttributeName"]
        is_enabled: bool = wanted["Enabled"]

        def change(definition: Definition) -> Definition:
            _check_time_to_live(definition.ttl_attribute, attribute, is_enabled=is_enabled)
            return dataclasses.replace(definition, ttl_attribute=attribute if is_enabled else "")

        key = _key(caller, request)
        await self._change(key, change, missing=table_not_found(key.name))
        return {"TimeToLiveSpecification": wanted}

    async def describe_time_to_live(self, caller: Caller, request: Request) -> Result:
        key = _key(caller, request)
        attribute = self._find(key, missing=table_not_found(key.name)).ttl_attribute
        if not attribute:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}}

    # Tags

    async def tag_resource(self, caller: Caller, request: Request) -> Result:
        if not request["Tags"]:
            raise ValidationException("Atleast one Tag needs to be provided as Input.")  # the spelling is AWS's
        added = {tag["Key"]: tag["Value"] for tag in request["Tags"]}

        def change(definition: Definition) -> Definition:
            tags = {**definition.tags, **added}
            if len(tags) > MAX_TAGS:
                raise too_many_tags()
            return dataclasses.replace(definition, tags=tags)

        return await self._change_tags(caller, request, change)

    async def untag_resource(self, caller: Caller, request: Request) -> Result:
        removed = request["TagKeys"]

        def change(definition: Definition) -> Definition:
            kept = {name: value for name, value in definition.tags.items() if name not in removed}
            return dataclasses.replace(definition, tags=kept)

        return await self._change_tags(caller, request, change)

    async def list_tags_of_resource(self, caller: Caller, request: Request) -> Result:
        key = _resource(caller, request)
        tags = self._find(key, missing=_resource_not_found(request)).definition.tags
        return {"Tags": [{"Key": name, "Value": value} for name, value in tags.items()]}

    async def _change_tags(
        self, caller: Caller, request: Request, change: Callable[[Definition], Definition]
    ) -> Result:
        await self._change(_resource(caller, request), change, missing=_resource_not_found(request))
        return {}

    def _find(self, key: TableKey, *, missing: ServiceError) -> Table:
        table = self._parts.database.read(lambda tx: table_store.find_table(tx, key))
        if table is None or table.is_filling:
            raise missing
        return table

    async def _change(
        self, key: TableKey, change: Callable[[Definition], Definition], *, missing: ServiceError
    ) -> None:
        now_ms = self._parts.clock.now_ms()

        def write(tx: Transaction) -> None:
            table = table_store.find_table(tx, key)
            if table is None or table.is_filling:
                raise missing
            table_store.update_definition(tx, table, change(table.definition), now_ms=now_ms)

        await self._parts.database.write(write)


def _check_time_to_live(current: str, attribute: str, *, is_enabled: bool) -> None:
    if is_enabled and current == attribute:
        raise ValidationException("TimeToLive is already enabled")
    if is_enabled and current:
        raise ValidationException(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {current}"
        )
    if not is_enabled and not current:
        raise ValidationException("TimeToLive is already disabled")
    if not is_enabled and current != attribute:
        raise ValidationException(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {current}"
        )


def _key(caller: Caller, request: Request) -> TableKey:
    return read_table_key(request["TableName"], account_id=caller.account_id, region=caller.region)


def _resource(caller: Caller, request: Request) -> TableKey:
    """Raises ValidationException."""
    arn = request["ResourceArn"]
    if not arn.startswith("arn:"):
        raise invalid_values(f"ARNs must start with 'arn:': {arn}")
    key = key_of_arn(arn)
    if key is None:
        raise invalid_values(f"Provided Arn is not a DynamoDB resource arn: {arn}")
    if key.account_id != caller.account_id or key.region != caller.region:
        raise ValidationException(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return key


def _resource_not_found(request: Request) -> ResourceNotFound:
    """The spelling is AWS's."""
    return ResourceNotFound(f"Requested resource not found: ResourcArn: {request['ResourceArn']} not found")
