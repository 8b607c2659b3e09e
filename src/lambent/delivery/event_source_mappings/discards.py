"""The record of a discarded batch, as a failure destination receives it, and its key in a bucket.

"Retain discarded records for a DynamoDB event source in Lambda" and the same for Kinesis,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html and kinesis-on-failure-destination.html:
metadata about the failed invocation, and for a bucket the whole event, in an object whose key is
`aws/lambda/<ESM-UUID>/<shardID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from lambent.delivery.event_source_mappings import records as event_records
from lambent.delivery.event_source_mappings.failures import DiscardCondition
from lambent.delivery.event_source_mappings.records import PreparedRecord
from lambent.kit.frozen import frozen

LATEST = "$LATEST"

#: Table streams know the second of a change, Kinesis streams the millisecond of a record: the guide's examples show it.
OF_TABLES = "DDBStreamBatchInfo"
OF_STREAMS = "KinesisBatchInfo"


@frozen
class Discard:
    """A batch that was given up."""

    condition: DiscardCondition
    records: Sequence[PreparedRecord]
    """Empty if it was the end of a tumbling window that failed."""
    shard_id: str
    source_arn: str
    batch_info: str
    function_arn: str
    invocations: int
    request_id: str
    """Of the last invocation."""
    function_error: str | None
    discarded_ms: int


def record(discard: Discard, *, with_event: bool) -> bytes:
    """JSON."""
    context: dict[str, Any] = {
        "requestContext": {
            "requestId": discard.request_id,
            "functionArn": discard.function_arn,
            "condition": discard.condition.value,
            "approximateInvokeCount": discard.invocations,
        }
    }
    if discard.function_error is not None:
        context["responseContext"] = {
            "statusCode": 200,
            "executedVersion": LATEST,
            "functionError": discard.function_error,
        }
    context |= {
        "version": "1.0",
        "timestamp": _milliseconds(discard.discarded_ms),
        discard.batch_info: _batch_info(discard),
    }
    if with_event:
        context["payload"] = orjson.Fragment(event_records.event(discard.records))
    return orjson.dumps(context)


def _batch_info(discard: Discard) -> dict[str, Any]:
    info: dict[str, Any] = {"shardId": discard.shard_id}
    if discard.records:
        arrival = _seconds if discard.batch_info == OF_TABLES else _milliseconds
        first, last = discard.records[0], discard.records[-1]
        info |= {
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": arrival(first.time_ms),
            "approximateArrivalOfLastRecord": arrival(last.time_ms),
        }
    return {**info, "batchSize": len(discard.records), "streamArn": discard.source_arn}


def object_key(uuid: str, discard: Discard, random_uuid: str) -> str:
    moment = _moment(discard.discarded_ms)
    return f"aws/lambda/{uuid}/{discard.shard_id}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{random_uuid}"


def _milliseconds(time_ms: int) -> str:
    return f"{_moment(time_ms):%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def _seconds(time_ms: int) -> str:
    return f"{_moment(time_ms):%Y-%m-%dT%H:%M:%SZ}"


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)
