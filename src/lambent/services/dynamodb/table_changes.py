"""UpdateTable's parameters applied to a definition, or AWS's refusal.

Most kinds of change must come alone, as at AWS; the sentences have the same sources as those of `table_definitions`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.dynamodb import table_definitions as definitions
from lambent.services.dynamodb.errors import LimitExceeded, ResourceNotFound, ValidationException, invalid_values
from lambent.services.dynamodb.stream_labels import label_of
from lambent.services.dynamodb.tables import Definition, Index, IndexStatus, Table, Throughput

Request = Mapping[str, Any]

#: What a request may change, and those of them that must be its only change, by what AWS calls them.
_CHANGES = (
    "ProvisionedThroughput", "BillingMode", "StreamSpecification", "GlobalSecondaryIndexUpdates", "SSESpecification",
    "ReplicaUpdates", "TableClass", "DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput",
)  # fmt: skip
_ALONE = {
    "SSESpecification": "Server-Side Encryption",
    "TableClass": "TableClass",
    "DeletionProtectionEnabled": "DeletionProtection",
}
_IOPS = ("ProvisionedThroughput", "BillingMode")


def change(table: Table, request: Request, *, now_ms: int) -> Definition:
    """Raises ValidationException, ResourceNotFound (an index), LimitExceeded."""
    _check_combination(request)
    definition = _change_billing(table.definition, request, now_ms)
    if "StreamSpecification" in request:
        definition = _change_stream(table, definition, request["StreamSpecification"], now_ms)
    if request.get("GlobalSecondaryIndexUpdates"):
        definition = _change_indexes(table, definition, request, now_ms)
    if "SSESpecification" in request:
        definition = dataclasses.replace(definition, sse=definitions.read_encryption(request["SSESpecification"]))
    if "TableClass" in request:
        definition = dataclasses.replace(definition, table_class=request["TableClass"], table_class_since_ms=now_ms)
    if "DeletionProtectionEnabled" in request:
        definition = dataclasses.replace(definition, is_protected=request["DeletionProtectionEnabled"])
    extras = {name: request[name] for name in ("OnDemandThroughput", "WarmThroughput") if name in request}
    return dataclasses.replace(definition, extras={**definition.extras, **extras})


def _check_combination(request: Request) -> None:
    changes = [name for name in _CHANGES if name in request]
    if not changes:
        raise ValidationException(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
            "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, "
            "MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is "
            "required"
        )
    for name, called in _ALONE.items():
        if name in request and len(changes) > 1:
            raise invalid_values(f"{called} modification must be the only operation in the request")
    if request.get("ReplicaUpdates"):
        raise ValidationException("Replicas are not supported: a table of Lambent is in one region")
    updates = request.get("GlobalSecondaryIndexUpdates", ())
    changes_indexes = any("Create" in update or "Delete" in update for update in updates)
    changes_iops = any(name in request for name in _IOPS)
    if changes_iops and "StreamSpecification" in request:
        raise invalid_values("You cannot modify stream status while updating table IOPS")
    if changes_iops and changes_indexes:
        raise invalid_values("You cannot create or delete index while updating table IOPS")
    if changes_indexes and "StreamSpecification" in request:
        raise invalid_values("You cannot create or delete index while changing stream status")


def _change_billing(definition: Definition, request: Request, now_ms: int) -> Definition:
    mode, units = request.get("BillingMode"), request.get("ProvisionedThroughput")
    if mode is None and units is None:
        return definition
    is_on_demand = definition.is_on_demand if mode is None else mode == "PAY_PER_REQUEST"
    if is_on_demand or units is not None:
        wanted = definitions.read_billing(units, is_on_demand=is_on_demand)
    elif definition.is_on_demand:
        raise invalid_values("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    else:
        wanted = definition.throughput
    if is_on_demand:
        since = definition.on_demand_since_ms if definition.is_on_demand else now_ms
        without = tuple(dataclasses.replace(index, throughput=Throughput()) for index in definition.indexes)
        return dataclasses.replace(
            definition, is_on_demand=True, on_demand_since_ms=since, throughput=Throughput(), indexes=without
        )
    if mode is None:
        _refuse_no_change("table", definition.throughput, wanted)
    throughput = _adjusted(definition.throughput, wanted, now_ms)
    return dataclasses.replace(definition, is_on_demand=False, throughput=throughput)


def _refuse_no_change(what: str, current: Throughput, wanted: Throughput) -> None:
    if (current.read_units, current.write_units) == (wanted.read_units, wanted.write_units):
        raise ValidationException(
            f"The provisioned throughput for the {what} will not change. "
            "The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the {what}: {current.read_units}. "
            f"Requested ReadCapacityUnits: {wanted.read_units}. "
            f"Current WriteCapacityUnits provisioned for the {what}: {current.write_units}. "
            f"Requested WriteCapacityUnits: {wanted.write_units}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )


def _adjusted(current: Throughput, wanted: Throughput, now_ms: int) -> Throughput:
    grows = wanted.read_units > current.read_units or wanted.write_units > current.write_units
    shrinks = wanted.read_units < current.read_units or wanted.write_units < current.write_units
    return Throughput(
        wanted.read_units,
        wanted.write_units,
        increased_ms=now_ms if grows else current.increased_ms,
        decreased_ms=now_ms if shrinks else current.decreased_ms,
        decreases_today=current.decreases_today + shrinks,
    )


def _change_stream(table: Table, definition: Definition, given: Mapping[str, Any], now_ms: int) -> Definition:
    is_enabled, view = given["StreamEnabled"], given.get("StreamViewType", "")
    if is_enabled and not view:
        raise invalid_values("If stream is being enabled then UpdateViewType is required")
    if view and not is_enabled:
        raise invalid_values("If stream is being disabled, then UpdateViewType must not be specified")
    if is_enabled and definition.stream_view:
        raise ValidationException(f"Table already has an enabled stream: TableName: {table.name}")
    if not is_enabled and not definition.stream_view:
        raise ValidationException(f"Table has no stream to disable: TableName: {table.name}")
    label = label_of(now_ms) if is_enabled else definition.stream_label
    return dataclasses.replace(definition, stream_view=view, stream_label=label)


def _change_indexes(table: Table, definition: Definition, request: Request, now_ms: int) -> Definition:
    updates = request["GlobalSecondaryIndexUpdates"]
    _check_updates(updates)
    attributes = dict(definition.attributes)
    if "AttributeDefinitions" in request:
        attributes |= definitions.read_attributes(request["AttributeDefinitions"])
    indexes = list(definition.indexes)
    for update in updates:
        if "Create" in update:
            if table.index(update["Create"]["IndexName"]) is not None:
                raise ValidationException("Attempting to create an index which already exists")
            _check_defined(update["Create"], attributes)
            created = definitions.read_global_index(update["Create"], attributes, is_on_demand=definition.is_on_demand)
            indexes.append(dataclasses.replace(created, status=IndexStatus.CREATING))
        elif "Delete" in update:
            number = _find(table, indexes, update["Delete"]["IndexName"], "delete")
            indexes[number] = dataclasses.replace(indexes[number], status=IndexStatus.DELETING)
        else:
            number = _find(table, indexes, update["Update"]["IndexName"], "update")
            indexes[number] = _change_index(indexes[number], update["Update"], now_ms)
    definitions.check_index_counts([index for index in indexes if index.status is not IndexStatus.DELETING])
    used = {name for index in indexes for name in index.schema.names} | {*definition.schema.names}
    kept = tuple((name, kind) for name, kind in attributes.items() if name in used)
    return dataclasses.replace(definition, attributes=kept, indexes=tuple(indexes))


def _change_index(index: Index, given: Request, now_ms: int) -> Index:
    extras = {name: given[name] for name in ("OnDemandThroughput", "WarmThroughput") if name in given}
    throughput = index.throughput
    if "ProvisionedThroughput" in given:
        wanted = definitions.read_throughput(given["ProvisionedThroughput"])
        _refuse_no_change(f"index {index.name}", throughput, wanted)
        throughput = _adjusted(throughput, wanted, now_ms)
    return dataclasses.replace(index, throughput=throughput, extras={**index.extras, **extras})


def _check_defined(created: Request, attributes: Mapping[str, str]) -> None:
    if any(element["AttributeName"] not in attributes for element in created["KeySchema"]):
        raise invalid_values(f"AttributeDefinitions is not specified for index: {created['IndexName']}")


def _check_updates(updates: Sequence[Request]) -> None:
    names: set[str] = set()
    for update in updates:
        if len(update) > 1:
            raise invalid_values(
                "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
            )
        given = update.get("Create") or update.get("Update") or update.get("Delete")
        if given is None:
            raise invalid_values(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if given["IndexName"] in names:
            raise invalid_values(
                "Only one global secondary index update per index is allowed simultaneously. "
                f"Index: {given['IndexName']}"
            )
        names.add(given["IndexName"])
    if sum("Create" in update or "Delete" in update for update in updates) > 1:
        raise LimitExceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )


def _find(table: Table, indexes: Sequence[Index], name: str, verb: str) -> int:
    for number, index in enumerate(indexes):
        if index.name == name and index.status is not IndexStatus.DELETING:
            if not index.is_global:
                raise ValidationException(f"Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}")
            return number
    raise ResourceNotFound(f"Requested resource not found: Table: {table.name} Index: {name} not found")
