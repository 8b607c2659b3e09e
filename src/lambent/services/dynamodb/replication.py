"""Replication: a table's changes as records of the Kinesis data stream that is its destination.

A record is JSON in the form of "Using Kinesis Data Streams to capture changes to DynamoDB" (Developer Guide, kds.html;
the order of its members, `userIdentity: null` and the upper-case digits of the partition key are those of records that
people have published). All records of an item have one partition key, so they stand in the order of its changes.

DynamoDB does not know Kinesis: who puts the records into streams, in the transaction of the write, is given by `app`.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services.dynamodb import streams
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.streams import ItemChange
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.values import Item
from lambent.storage.transaction import Transaction

Replicate = Callable[[Transaction, Table, Sequence[ItemChange]], None]
"""Changes of a table with a destination, in their order, none of them empty. A stream that does not take one, or is
gone, is no error: the items are written all the same."""


@frozen
class Replication:
    replicate: Replicate
    find_failure: Callable[[Transaction, TableKey, str], str]
    """Why the stream of that ARN cannot be a destination of the table, in AWS's words; "" if it can."""


def partition_key_of(keys: Item) -> str:
    """Of an item's records: 32 digits."""
    return hashlib.blake2b(orjson.dumps(keys), digest_size=16).hexdigest().upper()


def record_of(table: Table, change: ItemChange, *, event_id: str, now: float) -> bytes:
    """`now` in seconds is what a destination tells that was set to microseconds."""
    destination = table.destination
    assert destination is not None
    kept = streams.payload_of(change, "NEW_AND_OLD_IMAGES")
    is_precise = destination.precision == "MICROSECOND"
    body: dict[str, Any] = {
        "ApproximateCreationDateTime": int(now * 1_000_000) if is_precise else change.time_ms,
        "Keys": kept["keys"],
    }
    if "new" in kept:
        body["NewImage"] = kept["new"]
    if "old" in kept:
        body["OldImage"] = kept["old"]
    body["SizeBytes"] = kept["size"]
    if destination.precision:
        body["ApproximateCreationDateTimePrecision"] = destination.precision
    return orjson.dumps(
        {
            "awsRegion": table.key.region,
            "eventID": event_id,
            "eventName": kept["name"],
            "userIdentity": streams.EXPIRY_IDENTITY if change.is_expiry else None,
            "recordFormat": "application/json",
            "tableName": table.name,
            "dynamodb": body,
            "eventSource": "aws:dynamodb",
        }
    )
