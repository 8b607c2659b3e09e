"""CreateTable's parameters as a definition, or AWS's refusal.

The sentences are AWS's, as recorded against the real service by dynalite's tests and by the error catalogue of the ACK
project's DynamoDB notes (finding DDB-TABLE-442). Next: `table_changes` (UpdateTable).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.dynamodb.errors import ValidationException, invalid_values
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.names import check_name
from lambent.services.dynamodb.stream_labels import label_of
from lambent.services.dynamodb.tables import Definition, Index, Projection, Throughput

Request = Mapping[str, Any]

#: Developer Guide, "Quotas", secondary indexes per table.
MAX_LOCAL_INDEXES = 5
MAX_GLOBAL_INDEXES = 20
#: ... and attributes named by INCLUDE, counted over all indexes of a table.
MAX_INCLUDED = 100
MAX_TAGS = 50
_MAX_UNITS = 1_000_000_000_000


def define(request: Request, *, uuid: str, now_ms: int) -> Definition:
    """Raises ValidationException."""
    check_name(request["TableName"])
    is_on_demand = request.get("BillingMode") == "PAY_PER_REQUEST"
    throughput = read_billing(request.get("ProvisionedThroughput"), is_on_demand=is_on_demand)
    attributes = read_attributes(request.get("AttributeDefinitions", ()))
    if "KeySchema" not in request:
        raise invalid_values('Missing required parameter in input: "KeySchema"')
    schema = read_schema(request["KeySchema"], attributes)
    indexes = _read_indexes(request, attributes, schema, is_on_demand=is_on_demand)
    check_all_attributes_used(attributes, schema, indexes)
    stream_view = read_stream(request.get("StreamSpecification"))
    return Definition(
        uuid=uuid,
        created_ms=now_ms,
        attributes=tuple(attributes.items()),
        schema=schema,
        indexes=indexes,
        is_on_demand=is_on_demand,
        on_demand_since_ms=now_ms if is_on_demand else 0,
        throughput=throughput,
        stream_view=stream_view,
        stream_label=label_of(now_ms) if stream_view else "",
        is_protected=request.get("DeletionProtectionEnabled", False),
        table_class=request.get("TableClass", ""),
        sse=read_encryption(request.get("SSESpecification", {})),
        extras=_extras(request),
        tags=read_tags(request.get("Tags", ())),
    )


def read_billing(given: Mapping[str, int] | None, *, is_on_demand: bool) -> Throughput:
    if is_on_demand:
        if given is not None:
            raise invalid_values(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return Throughput()
    if given is None:
        raise invalid_values(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    return read_throughput(given)


def read_throughput(given: Mapping[str, int]) -> Throughput:
    for name in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if given[name] > _MAX_UNITS:
            raise ValidationException(f"Given value {given[name]} for {name} is out of bounds")
    return Throughput(given["ReadCapacityUnits"], given["WriteCapacityUnits"])


def read_attributes(definitions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Attribute name -> type."""
    found: dict[str, str] = {}
    for one in definitions:
        if one["AttributeName"] in found:
            raise ValidationException(f"Attribute Name is duplicated: {one['AttributeName']}")
        found[one["AttributeName"]] = one["AttributeType"]
    return found


def read_schema(elements: Sequence[Mapping[str, str]], attributes: Mapping[str, str]) -> KeySchema:
    """Of a table or an index."""
    if len(elements) > 2:
        kind = "RANGE" if sum(one["KeyType"] == "RANGE" for one in elements) > 1 else "HASH"
        raise invalid_values(f"The KeySchema exceeds the maximum allowed number of {kind} key attributes")
    names = [one["AttributeName"] for one in elements]
    if elements[0]["KeyType"] != "HASH":
        raise ValidationException("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(elements) == 2:
        if names[0] == names[1]:
            raise ValidationException("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        if elements[1]["KeyType"] != "RANGE":
            raise ValidationException("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if any(name not in attributes for name in names):
        raise invalid_values(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(attributes)}]"
        )
    sort = names[1] if len(names) == 2 else None
    return KeySchema(
        partition=names[0],
        partition_type=attributes[names[0]],
        sort=sort,
        sort_type=attributes[sort] if sort is not None else None,
    )


def read_global_index(given: Request, attributes: Mapping[str, str], *, is_on_demand: bool) -> Index:
    name = given["IndexName"]
    schema = read_schema(given["KeySchema"], attributes)
    projection, included = _read_projection(given["Projection"])
    units = given.get("ProvisionedThroughput")
    if is_on_demand and units is not None:
        raise invalid_values(
            f"ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        )
    if not is_on_demand and units is None:
        raise invalid_values(f"ProvisionedThroughput is not specified for index: {name}")
    return Index(
        index_id=0,
        name=name,
        schema=schema,
        is_global=True,
        projection=projection,
        included=included,
        throughput=read_throughput(units) if units is not None else Throughput(),
        extras=_extras(given),
    )


def check_index_counts(indexes: Sequence[Index]) -> None:
    local = sum(not index.is_global for index in indexes)
    if local > MAX_LOCAL_INDEXES:
        raise invalid_values(f"Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL_INDEXES}")
    if len(indexes) - local > MAX_GLOBAL_INDEXES:
        raise invalid_values(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}")
    if sum(len(index.included) for index in indexes) > MAX_INCLUDED:
        raise invalid_values(
            f"Number of Projection attributes exceeds the limit of {MAX_INCLUDED} across all indexes of a table"
        )
    names: set[str] = set()
    for index in indexes:
        if index.name in names:
            raise invalid_values(f"Duplicate index name: {index.name}")
        names.add(index.name)


def check_all_attributes_used(attributes: Mapping[str, str], schema: KeySchema, indexes: Sequence[Index]) -> None:
    used = {*schema.names, *(name for index in indexes for name in index.schema.names)}
    if used >= attributes.keys():
        return
    if not indexes:
        raise invalid_values(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    raise invalid_values(
        f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(attributes)}], "
        f"keys used: [{', '.join(sorted(used))}]"
    )


def read_stream(given: Mapping[str, Any] | None) -> str:
    """CreateTable's: the view type, or "" for no stream."""
    view = str(given.get("StreamViewType", "")) if given else ""
    is_enabled = bool(given and given.get("StreamEnabled"))
    if is_enabled and not view:
        raise invalid_values("Table is being created with a stream enabled, UpdateViewType is required")
    if view and not is_enabled:
        raise invalid_values("Table is being created with a stream disabled, UpdateViewType should not be specified")
    return view


def read_encryption(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if not given.get("Enabled"):
        for name in ("SSEType", "KMSMasterKeyId"):
            if name in given:
                raise invalid_values(f"{name} can not be specified if Enabled is false")
    if given.get("SSEType") == "AES256":
        raise invalid_values("SSEType AES256 is not supported")
    if "KMSMasterKeyId" in given and "SSEType" not in given:
        raise invalid_values("SSEType KMS is required if KMSMasterKeyId is specified")
    return given


def read_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) > MAX_TAGS:
        raise too_many_tags()
    return tags


def too_many_tags() -> ValidationException:
    return ValidationException("Number of Tags exceed the current limit for the provided ResourceArn")


def _read_indexes(
    request: Request, attributes: Mapping[str, str], schema: KeySchema, *, is_on_demand: bool
) -> tuple[Index, ...]:
    found: list[Index] = []
    if "LocalSecondaryIndexes" in request:
        given = request["LocalSecondaryIndexes"]
        if not given:
            raise invalid_values("List of LocalSecondaryIndexes is empty")
        if schema.sort is None:
            raise invalid_values(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
            )
        found += [_read_local_index(one, attributes, schema) for one in given]
    if "GlobalSecondaryIndexes" in request:
        given = request["GlobalSecondaryIndexes"]
        if not given:
            raise invalid_values("List of GlobalSecondaryIndexes is empty")
        found += [read_global_index(one, attributes, is_on_demand=is_on_demand) for one in given]
    check_index_counts(found)
    return tuple(found)


def _read_local_index(given: Request, attributes: Mapping[str, str], table: KeySchema) -> Index:
    name = given["IndexName"]
    schema = read_schema(given["KeySchema"], attributes)
    if schema.sort is None:
        raise invalid_values(f"Index KeySchema does not have a range key for index: {name}")
    if schema.partition != table.partition:
        raise invalid_values(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
            f"index hash key: {schema.partition}, table hash key: {table.partition}"
        )
    projection, included = _read_projection(given["Projection"])
    return Index(0, name, schema, is_global=False, projection=projection, included=included)


def _read_projection(given: Mapping[str, Any]) -> tuple[Projection, tuple[str, ...]]:
    kind = given.get("ProjectionType")
    if kind is None:
        raise invalid_values("Unknown ProjectionType: null")
    included = tuple(given.get("NonKeyAttributes", ()))
    if "NonKeyAttributes" in given and kind != "INCLUDE":
        raise invalid_values(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not included:
        raise invalid_values("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    for number, name in enumerate(included):
        if name in included[:number]:
            raise invalid_values(f"Duplicate element in NonKeyAttributes: {name}")
    return Projection(kind), included


def _extras(given: Request) -> dict[str, Any]:
    return {name: given[name] for name in ("OnDemandThroughput", "WarmThroughput") if name in given}
