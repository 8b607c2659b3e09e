"""TableDescription: what DescribeTable and the operations that change tables say of one."""

from collections.abc import Mapping
from typing import Any

from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.table_store import Volume
from lambent.services.dynamodb.tables import Index, IndexStatus, Projection, Restore, Table, Throughput

Described = dict[str, Any]


def describe_table(table: Table, volumes: Mapping[int, Volume], *, status: str = "") -> Described:
    """`volumes` by the ids of the table and its indexes; what is not in it is said to be empty.

    `status`: other than it is.
    """
    definition = table.definition
    volume = volumes.get(table.table_id, Volume())
    described: Described = {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in definition.attributes
        ],
        "TableName": table.name,
        "KeySchema": describe_schema(table.schema),
        "TableStatus": status or ("CREATING" if table.is_filling else "ACTIVE"),
        "CreationDateTime": definition.created_ms / 1000,
        "ProvisionedThroughput": _describe_throughput(definition.throughput),
        "TableSizeBytes": volume.size_bytes,
        "ItemCount": volume.items,
        "TableArn": table.arn,
        "TableId": definition.uuid,
        "DeletionProtectionEnabled": definition.is_protected,
        **_describe_extras(definition.extras),
    }
    if definition.on_demand_since_ms or definition.is_on_demand:
        described["BillingModeSummary"] = {
            "BillingMode": "PAY_PER_REQUEST" if definition.is_on_demand else "PROVISIONED",
            "LastUpdateToPayPerRequestDateTime": definition.on_demand_since_ms / 1000,
        }
    if definition.table_class:
        described["TableClassSummary"] = {"TableClass": definition.table_class}
        if definition.table_class_since_ms:
            described["TableClassSummary"]["LastUpdateDateTime"] = definition.table_class_since_ms / 1000
    if definition.sse.get("Enabled"):
        described["SSEDescription"] = describe_encryption(table)
    described |= _describe_stream(table)
    if table.local_indexes:
        described["LocalSecondaryIndexes"] = [_describe_index(table, index, volumes) for index in table.local_indexes]
    if table.global_indexes:
        described["GlobalSecondaryIndexes"] = [
            _describe_index(table, index, volumes)
            | {
                # While a table is being restored its indexes have no status (ACK's DynamoDB notes, DDB-TABLE-282).
                **({} if table.is_filling else {"IndexStatus": index.status.value}),
                "ProvisionedThroughput": _describe_throughput(index.throughput),
                **({"Backfilling": True} if index.status is IndexStatus.CREATING else {}),
                **_describe_extras(index.extras),
            }
            for index in table.global_indexes
        ]
    if definition.restore is not None:
        described["RestoreSummary"] = _describe_restore(definition.restore)
    return described


def describe_schema(schema: KeySchema) -> list[dict[str, str]]:
    described = [{"AttributeName": schema.partition, "KeyType": "HASH"}]
    if schema.sort is not None:
        described.append({"AttributeName": schema.sort, "KeyType": "RANGE"})
    return described


def describe_projection(index: Index) -> Described:
    described: Described = {"ProjectionType": index.projection.value}
    if index.projection is Projection.INCLUDE:
        described["NonKeyAttributes"] = list(index.included)
    return described


def describe_encryption(table: Table) -> Described:
    """The key is named and nothing more: data lies on the disk as its owner encrypts it."""
    key = table.definition.sse.get("KMSMasterKeyId", "alias/aws/dynamodb")
    if not key.startswith("arn:"):
        key = (
            f"arn:aws:kms:{table.key.region}:{table.key.account_id}:{key if key.startswith('alias/') else f'key/{key}'}"
        )
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}


def _describe_throughput(throughput: Throughput) -> Described:
    described: Described = {
        "NumberOfDecreasesToday": throughput.decreases_today,
        "ReadCapacityUnits": throughput.read_units,
        "WriteCapacityUnits": throughput.write_units,
    }
    if throughput.increased_ms:
        described["LastIncreaseDateTime"] = throughput.increased_ms / 1000
    if throughput.decreased_ms:
        described["LastDecreaseDateTime"] = throughput.decreased_ms / 1000
    return described


def _describe_index(table: Table, index: Index, volumes: Mapping[int, Volume]) -> Described:
    volume = volumes.get(index.index_id, Volume())
    return {
        "IndexName": index.name,
        "KeySchema": describe_schema(index.schema),
        "Projection": describe_projection(index),
        "IndexSizeBytes": volume.size_bytes,
        "ItemCount": volume.items,
        "IndexArn": f"{table.arn}/index/{index.name}",
    }


def _describe_restore(restore: Restore) -> Described:
    """Kept for good: at AWS it is gone as soon as the table is ACTIVE (ACK's DynamoDB notes, DDB-TABLE-216)."""
    described: Described = {"SourceBackupArn": restore.backup_arn} if restore.backup_arn else {}
    return described | {
        "SourceTableArn": restore.table_arn,
        "RestoreDateTime": restore.time_ms / 1000,
        "RestoreInProgress": restore.is_in_progress,
    }


def _describe_stream(table: Table) -> Described:
    described: Described = {}
    if table.stream_view:
        described["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream_view}
    if table.stream_arn:
        described["LatestStreamLabel"] = table.definition.stream_label
        described["LatestStreamArn"] = table.stream_arn
    return described


def _describe_extras(extras: Mapping[str, Any]) -> Described:
    described: Described = {}
    if "OnDemandThroughput" in extras:
        described["OnDemandThroughput"] = extras["OnDemandThroughput"]
    if "WarmThroughput" in extras:
        described["WarmThroughput"] = {**extras["WarmThroughput"], "Status": "ACTIVE"}
    return described
