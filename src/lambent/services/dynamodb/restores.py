"""What a restored table is like: its source, less what a restore leaves behind, with what the request overrides.

Left behind are streams, time to live, point in time recovery, tags, deletion protection and the table class (API
Reference, RestoreTableFromBackup; ACK's DynamoDB notes, DDB-TABLE-215). The sentences are AWS's, from the same notes
(DDB-TABLE-273 and -279 to -281). Next: `restore_store`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.dynamodb import table_definitions as definitions
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.tables import Definition, Index, IndexStatus, Restore, Throughput

Request = Mapping[str, Any]

_ON_DEMAND = "PAY_PER_REQUEST"


def restored(source: Definition, request: Request, *, origin: Restore, uuid: str, now_ms: int) -> Definition:
    """Raises ValidationException."""
    mode = request.get("BillingModeOverride")
    is_on_demand = source.is_on_demand if mode is None else mode == _ON_DEMAND
    throughput = _read_units(source, request, is_on_demand=is_on_demand)
    if "OnDemandThroughputOverride" in request and not is_on_demand:
        raise _invalid(
            "Cannot override MaxReadRequestUnits for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST"
        )
    indexes = (
        *_read_indexes(source, request.get("LocalSecondaryIndexOverride"), is_global=False, is_on_demand=is_on_demand),
        *_read_indexes(source, request.get("GlobalSecondaryIndexOverride"), is_global=True, is_on_demand=is_on_demand),
    )
    definitions.check_index_counts(indexes)
    used = {*source.schema.names, *(name for index in indexes for name in index.schema.names)}
    sse = request.get("SSESpecificationOverride")
    return Definition(
        uuid=uuid,
        created_ms=now_ms,
        attributes=tuple((name, kind) for name, kind in source.attributes if name in used),
        schema=source.schema,
        indexes=indexes,
        is_on_demand=is_on_demand,
        on_demand_since_ms=now_ms if is_on_demand else 0,
        throughput=throughput,
        sse=source.sse if sse is None else definitions.read_encryption(sse),
        extras=_maxima(source.extras, request.get("OnDemandThroughputOverride"), is_on_demand=is_on_demand),
        restore=origin,
    )


def check_region(request: Request, source_region: str, region: str) -> None:
    """Raises ValidationException."""
    if source_region != region and "SSESpecificationOverride" not in request:
        raise _invalid("sseSpecificationOverride must be provided for cross-region restores")


def _read_units(source: Definition, request: Request, *, is_on_demand: bool) -> Throughput:
    mode, units = request.get("BillingModeOverride"), request.get("ProvisionedThroughputOverride")
    if is_on_demand:
        if units is not None and mode is not None:
            raise _invalid("Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST")
        if units is not None:
            raise _invalid("Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED")
        return Throughput()
    if units is not None:
        return definitions.read_throughput(units)
    if mode is not None:
        raise _invalid("Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED")
    return _units_only(source.throughput)


def _read_indexes(
    source: Definition, given: Sequence[Request] | None, *, is_global: bool, is_on_demand: bool
) -> list[Index]:
    """None: all that the source has; []: none."""
    there = [
        index for index in source.indexes if index.is_global is is_global and index.status is not IndexStatus.DELETING
    ]
    if given is None:
        chosen = [_as_new(index, index.name, index.throughput, index.extras, is_on_demand) for index in there]
    else:
        chosen = [
            _as_new(
                _matching(one, there),
                one["IndexName"],
                _read_index_units(one, is_on_demand=is_on_demand) if is_global else Throughput(),
                one,
                is_on_demand,
            )
            for one in given
        ]
    for index in chosen:
        if is_global and not is_on_demand and not index.throughput.read_units:
            raise _no_units(index.name)
    return chosen


def _read_index_units(given: Request, *, is_on_demand: bool) -> Throughput:
    units = given.get("ProvisionedThroughput")
    if is_on_demand:
        if units is not None:
            raise _invalid(
                "Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST for index "
                f"{given['IndexName']}"
            )
        return Throughput()
    if units is None:
        raise _no_units(given["IndexName"])
    return definitions.read_throughput(units)


def _matching(given: Request, there: Sequence[Index]) -> Index:
    """Of the same key and projection; the name may be another."""
    names = tuple(element["AttributeName"] for element in given["KeySchema"])
    projection, included = given["Projection"].get("ProjectionType"), given["Projection"].get("NonKeyAttributes", ())
    for index in there:
        if (index.schema.names, index.projection, {*index.included}) == (names, projection, {*included}):
            return index
    raise _invalid(
        f"Index {given['IndexName']} does not match a secondary index that existed in the source table and cannot be "
        "created during the restore operation"
    )


def _as_new(index: Index, name: str, throughput: Throughput, extras: Request, is_on_demand: bool) -> Index:
    return dataclasses.replace(
        index,
        index_id=0,
        name=name,
        status=IndexStatus.ACTIVE,
        throughput=Throughput() if is_on_demand else _units_only(throughput),
        extras=_maxima(extras, None, is_on_demand=is_on_demand),
    )


def _units_only(throughput: Throughput) -> Throughput:
    """Without its history."""
    return Throughput(throughput.read_units, throughput.write_units)


def _maxima(extras: Request, override: Request | None, *, is_on_demand: bool) -> dict[str, Any]:
    """The recorded OnDemandThroughput, or the one that overrides it."""
    maxima = extras.get("OnDemandThroughput") if override is None else override
    return {"OnDemandThroughput": maxima} if is_on_demand and maxima else {}


def _no_units(index_name: str) -> ValidationException:
    return _invalid(f"Must specify provisioned throughput for index {index_name}")


def _invalid(reason: str) -> ValidationException:
    return ValidationException(f"Invalid Request: {reason}")
