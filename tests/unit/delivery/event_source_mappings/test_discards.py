"""The record of a discarded batch, as the developer guide shows it."""

import json
from dataclasses import replace

from lambent.delivery.event_source_mappings import discards
from lambent.delivery.event_source_mappings.discards import Discard
from lambent.delivery.event_source_mappings.failures import DiscardCondition
from lambent.delivery.event_source_mappings.records import PreparedRecord

ARN = "arn:aws:dynamodb:us-east-2:123456789012:table/mytable/stream/2019-11-14T00:00:00.000"
FIRST = PreparedRecord(1, 1_573_689_272_500, "800000000003126276362", b'{"a":1}')
LAST = PreparedRecord(2, 1_573_689_273_000, "800000000003126276363", b'{"a":2}')
DISCARD = Discard(
    condition=DiscardCondition.RETRIES_EXHAUSTED,
    records=(FIRST, LAST),
    shard_id="shardId-00000001573689847184-864758bb",
    source_arn=ARN,
    batch_info="DDBStreamBatchInfo",
    function_arn="arn:aws:lambda:us-east-2:123456789012:function:myfunction",
    invocations=1,
    request_id="316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
    function_error="Unhandled",
    discarded_ms=1_573_689_335_367,
)


def test_the_record() -> None:
    expected = {
        "requestContext": {
            "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
            "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:myfunction",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2019-11-13T23:55:35.367Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000001573689847184-864758bb",
            "startSequenceNumber": "800000000003126276362",
            "endSequenceNumber": "800000000003126276363",
            "approximateArrivalOfFirstRecord": "2019-11-13T23:54:32Z",
            "approximateArrivalOfLastRecord": "2019-11-13T23:54:33Z",
            "batchSize": 2,
            "streamArn": ARN,
        },
    }
    assert json.loads(discards.record(DISCARD, with_event=False)) == expected
    payload = {"Records": [{"a": 1}, {"a": 2}]}
    assert json.loads(discards.record(DISCARD, with_event=True)) == {**expected, "payload": payload}


def test_records_of_kinesis_streams_have_milliseconds() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html: `2019-11-14T00:38:04.835Z`."""
    info = json.loads(discards.record(replace(DISCARD, batch_info=discards.OF_STREAMS), with_event=False))
    assert info["KinesisBatchInfo"]["approximateArrivalOfFirstRecord"] == "2019-11-13T23:54:32.500Z"
    assert info["KinesisBatchInfo"]["approximateArrivalOfLastRecord"] == "2019-11-13T23:54:33.000Z"


def test_a_function_that_was_never_reached_has_no_response() -> None:
    never = replace(DISCARD, condition=DiscardCondition.TOO_OLD, invocations=0, function_error=None)
    document = json.loads(discards.record(never, with_event=False))
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in document


def test_the_end_of_a_window_has_no_records() -> None:
    document = json.loads(discards.record(replace(DISCARD, records=()), with_event=False))
    assert document["DDBStreamBatchInfo"] == {"shardId": DISCARD.shard_id, "batchSize": 0, "streamArn": ARN}


def test_the_object_key() -> None:
    key = discards.object_key("uuid", DISCARD, "random")
    assert key == "aws/lambda/uuid/shardId-00000001573689847184-864758bb/2019/11/13/2019-11-13T23.55.35-random"
