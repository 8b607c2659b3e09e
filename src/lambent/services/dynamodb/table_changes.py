"""UpdateTable's parameters applied to a definition, or AWS's refusal.

One kind of change at a time, as at AWS: "You can only perform one of the following operations at once: modify the
provisioned throughput settings of the table, remove a global secondary index, create a new one" (API Reference,
UpdateTable), which also keeps a definition's next epoch easy to explain.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.dynamodb import table_definitions as definitions
from lambent.services.dynamodb.errors import LimitExceeded, ResourceNotFound, ValidationException, invalid_values
from lambent.services.dynamodb.stream_labels import label_of
from lambent.services.dynamodb.tables import Definition, Index, IndexStatus, Table, Throughput

Request = Mapping[str, Any]

_CHANGES = (
    "ProvisionedThroughput", "BillingMode", "StreamSpecification", "GlobalSecondaryIndexUpdates", "SSESpecification",
    "ReplicaUpdates", "TableClass", "DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput",
)  # fmt: skip


def change(table: Table, request: Request, *, now_ms: int) -> Definition:
    """Raises ValidationException, ResourceNotFound (an index), LimitExceeded."""
    if not any(name in request for name in _CHANGES):
        raise ValidationException(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    if request.get("ReplicaUpdates"):
        raise ValidationException("Replicas are not supported: a table of Lambent is in one region")
    definition = _change_billing(table.definition, request, now_ms)
    if "StreamSpecification" in request:
        definition = _change_stream(definition, request["StreamSpecification"], now_ms)
    if request.get("GlobalSecondaryIndexUpdates"):
        definition = _change_indexes(table, definition, request, now_ms)
    if "SSESpecification" in request:
        definition = dataclasses.replace(definition, sse=request["SSESpecification"])
    if "TableClass" in request:
        definition = dataclasses.replace(definition, table_class=request["TableClass"], table_class_since_ms=now_ms)
    if "DeletionProtectionEnabled" in request:
        definition = dataclasses.replace(definition, is_protected=request["DeletionProtectionEnabled"])
    extras = {name: request[name] for name in ("OnDemandThroughput", "WarmThroughput") if name in request}
    return dataclasses.replace(definition, extras={**definition.extras, **extras})


def _change_billing(definition: Definition, request: Request, now_ms: int) -> Definition:
    mode, units = request.get("BillingMode"), request.get("ProvisionedThroughput")
    if mode is None and units is None:
        return definition
    is_on_demand = definition.is_on_demand if mode is None else mode == "PAY_PER_REQUEST"
    if is_on_demand or definition.is_on_demand or units is not None:
        wanted = definitions.read_billing(units, is_on_demand=is_on_demand)
    else:
        wanted = definition.throughput
    if is_on_demand:
        since = definition.on_demand_since_ms if definition.is_on_demand else now_ms
        without = tuple(dataclasses.replace(index, throughput=Throughput()) for index in definition.indexes)
        return dataclasses.replace(
            definition, is_on_demand=True, on_demand_since_ms=since, throughput=Throughput(), indexes=without
        )
    if mode is None:
        _refuse_no_change(definition.throughput, wanted)
    throughput = _adjusted(definition.throughput, wanted, now_ms)
    return dataclasses.replace(definition, is_on_demand=False, throughput=throughput)


def _refuse_no_change(current: Throughput, wanted: Throughput) -> None:
    if (current.read_units, current.write_units) == (wanted.read_units, wanted.write_units):
        raise ValidationException(
            "The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {current.read_units}. "
            f"Requested ReadCapacityUnits: {wanted.read_units}. "
            f"Current WriteCapacityUnits provisioned for the table: {current.write_units}. "
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


def _change_stream(definition: Definition, given: Mapping[str, Any], now_ms: int) -> Definition:
    view = definitions.read_stream(given)
    if view and definition.stream_view:
        raise ValidationException("Table already has an enabled stream")
    if not view and not definition.stream_view:
        raise ValidationException("Table already has a disabled stream")
    label = definition.stream_label
    if view:
        label = label_of(now_ms) if label_of(now_ms) != label else label_of(now_ms + 1)
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
            created = definitions.read_global_index(update["Create"], attributes, is_on_demand=definition.is_on_demand)
            _refuse_taken(table, created.name)
            indexes.append(dataclasses.replace(created, status=IndexStatus.CREATING))
        elif "Delete" in update:
            number = _find(table, indexes, update["Delete"]["IndexName"])
            indexes[number] = dataclasses.replace(indexes[number], status=IndexStatus.DELETING)
        else:
            number = _find(table, indexes, update["Update"]["IndexName"])
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
        throughput = _adjusted(throughput, wanted, now_ms)
    return dataclasses.replace(index, throughput=throughput, extras={**index.extras, **extras})


def _check_updates(updates: Sequence[Request]) -> None:
    names: set[str] = set()
    for update in updates:
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


def _refuse_taken(table: Table, name: str) -> None:
    found = table.index(name)
    if found is not None:
        raise ValidationException(
            f"Attempting to create an index which already exists: {name}"
            if found.status is not IndexStatus.DELETING
            else f"Attempting to create an index which is being deleted: {name}"
        )


def _find(table: Table, indexes: Sequence[Index], name: str) -> int:
    for number, index in enumerate(indexes):
        if index.name == name and index.is_global and index.status is not IndexStatus.DELETING:
            return number
    raise ResourceNotFound(f"Requested resource not found: Table: {table.name} Index: {name} not found")
