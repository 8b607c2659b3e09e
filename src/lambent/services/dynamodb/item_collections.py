"""Item collections: all items of a table and its local indexes with one partition key (ReturnItemCollectionMetrics).

Only tables with local secondary indexes have them. AWS estimates; we count, and give the gigabyte it lies in. The limit
of 10 GB is not enforced: nothing here degrades when a collection outgrows it.
"""

from collections.abc import Sequence
from typing import Any

from lambent.services.dynamodb import item_store
from lambent.services.dynamodb.keys import partition_bytes
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.values import Item
from lambent.storage.transaction import Transaction

_GIGABYTE = 1024**3


def describe_collection(tx: Transaction, table: Table, key: Item) -> dict[str, Any]:
    """`key`: the key attributes of one of its items."""
    partition = key[table.schema.partition]
    size = item_store.collection_size(tx, table.table_id, partition_bytes(partition))
    lower = size // _GIGABYTE
    return {
        "ItemCollectionKey": {table.schema.partition: partition},
        "SizeEstimateRangeGB": [float(lower), float(lower + 1)],
    }


def describe_collections(tx: Transaction, keys: Sequence[tuple[Table, Item]]) -> dict[str, list[dict[str, Any]]]:
    """By table, for what a batch or transaction wrote; each collection once."""
    described: dict[str, list[dict[str, Any]]] = {}
    for table, key in keys:
        if table.local_indexes:
            collections = described.setdefault(table.name, [])
            one = describe_collection(tx, table, key)
            if one not in collections:
                collections.append(one)
    return described
