"""A queue as a source: whether a mapping may read it, and its messages as functions receive them.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, "Example standard queue message event".
"""

from typing import Any

from lambent.kit.arn import Arn
from lambent.services.caller import Caller
from lambent.services.lambda_ import event_source_queues, names, store
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.services.sqs import access, contents, documents, queues, receipts
from lambent.services.sqs import store as queue_store
from lambent.services.sqs.contents import Attribute
from lambent.services.sqs.message_store import Received
from lambent.services.sqs.queues import Queue
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError


def find(tx: Transaction, source_arn: str) -> Queue | None:
    key = queues.parse_arn(source_arn)
    return queue_store.find_queue(tx, key) if key else None


def begin(tx: Transaction, mapping: EventSourceMapping, now: float) -> None:
    """May this mapping read this queue? Raises InvalidParameterValue."""
    queue = find(tx, mapping.source_arn)
    if queue is None:
        raise _refused("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
    reader = Caller(
        mapping.account_id, mapping.region, str(Arn("iam", "", mapping.account_id, "root")), "lambda", mapping.uuid
    )
    try:
        access.check(reader, queue, "ReceiveMessage", now)
    except ServiceError as error:
        raise _refused(error.query_code or error.code, error.message) from error
    reference = names.parse_arn(mapping.function_arn)
    function = store.find_function(tx, reference.key) if reference else None
    if function is not None:
        event_source_queues.check_timeouts(
            queue_seconds=queue.settings.visibility_seconds, function_seconds=function.configuration.timeout_seconds
        )


def _refused(code: str, message: str) -> InvalidParameterValue:
    return InvalidParameterValue(
        f"Error occurred while ReceiveMessage. SQS Error Code: {code}. SQS Error Message: {message}"
    )


def event_record(queue: Queue, message: Received) -> dict[str, Any]:
    """A message without attributes has no digest of them, as in ReceiveMessage."""
    attributes = message.details.attributes
    return {
        "messageId": message.message_id,
        "receiptHandle": receipts.write(message.receipt(queue.box_id)),
        "body": message.body,
        "attributes": documents.system_attributes(queue, message),
        "messageAttributes": {name: _attribute(one) for name, one in attributes.items()},
        **({"md5OfMessageAttributes": contents.attributes_md5(attributes)} if attributes else {}),
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.key.arn,
        "awsRegion": queue.key.region,
    }


def _attribute(attribute: Attribute) -> dict[str, Any]:
    return {
        "binaryValue" if attribute.is_binary else "stringValue": attribute.value,
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": attribute.data_type,
    }
