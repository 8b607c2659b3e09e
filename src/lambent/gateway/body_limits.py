"""How long a request body may be that is read before the operation is called. Streamed ones (objects) are not in here.

Somewhat above AWS's own figures: the services refuse in AWS's words at the exact size, this is what is ever held.
"""

MIB = 1024 * 1024

#: Of the query protocol, read before it is known who asks: SQS takes 1 MiB, three times that when percent-encoded.
FORM = 4 * MIB

_DEFAULT = 8 * MIB
#: The largest documents S3 takes: a policy has 20 KB, 1,000 keys to delete of 1,024 bytes 6 MB when escaped.
_S3 = 8 * MIB
#: 50 MB of zipped code in base64, and the rest of the document.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_CODE = 72 * MIB

_OF_OPERATION = {
    ("lambda", "CreateFunction"): _CODE,
    ("lambda", "UpdateFunctionCode"): _CODE,
    ("lambda", "PublishLayerVersion"): _CODE,
    # Batches of 10,000 log events have 1 MB; https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    ("logs", "PutLogEvents"): 4 * MIB,
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html: 16 MB a batch
    ("dynamodb", "BatchWriteItem"): 20 * MIB,
    # 10 MiB of records, in base64, with 500 keys of 256 characters;
    # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
    ("kinesis", "PutRecord"): 15 * MIB,
    ("kinesis", "PutRecords"): 16 * MIB,
}
_OF_SERVICE = {"s3": _S3}


def of(service: str, operation: str) -> int:
    """In bytes."""
    return _OF_OPERATION.get((service, operation)) or _OF_SERVICE.get(service, _DEFAULT)
