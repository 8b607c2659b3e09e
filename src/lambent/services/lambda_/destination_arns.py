"""Where the outcome of an invocation or of a batch may be sent, told apart by ARN.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html: for asynchronous invocations queues,
topics, functions and event buses, and buckets for failures; FIFO queues and topics are not among them.
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html: for batches of a stream queues, topics
and buckets.
"""

from enum import Enum

from lambent.kit.arn import Arn
from lambent.services.lambda_ import names


class DestinationKind(Enum):
    """Values are how people call them."""

    FUNCTION = "Lambda function"
    QUEUE = "Amazon SQS standard queue"
    TOPIC = "Amazon SNS standard topic"
    BUS = "Amazon EventBridge event bus"
    BUCKET = "Amazon S3 bucket"


#: DeadLetterConfig, https://docs.aws.amazon.com/lambda/latest/api/API_DeadLetterConfig.html
DEAD_LETTERS = frozenset({DestinationKind.QUEUE, DestinationKind.TOPIC})
ON_SUCCESS = frozenset({DestinationKind.FUNCTION, DestinationKind.QUEUE, DestinationKind.TOPIC, DestinationKind.BUS})
ON_FAILURE = ON_SUCCESS | {DestinationKind.BUCKET}
OF_BATCHES = frozenset({DestinationKind.QUEUE, DestinationKind.TOPIC, DestinationKind.BUCKET})


def kind_of(arn: str) -> DestinationKind | None:
    """None for what nothing can be sent to."""
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        return None
    resource = parsed.resource
    if parsed.service == "lambda":
        return DestinationKind.FUNCTION if names.parse_arn(arn) else None
    if parsed.service == "events":
        return DestinationKind.BUS if resource.startswith("event-bus/") else None
    if "/" in resource or ":" in resource:
        return None
    if parsed.service == "s3":
        return DestinationKind.BUCKET
    plain = {"sqs": DestinationKind.QUEUE, "sns": DestinationKind.TOPIC}.get(parsed.service)
    return None if resource.endswith(".fifo") else plain


def bucket_of(arn: str) -> str | None:
    """`arn:aws:s3:::name` -> name."""
    return Arn.parse(arn).resource if kind_of(arn) is DestinationKind.BUCKET else None


def described(kinds: frozenset[DestinationKind]) -> str:
    """`an Amazon SQS standard queue, ... or ...`, in the order of the enumeration."""
    found = [kind.value for kind in DestinationKind if kind in kinds]
    return f"{', '.join(found[:-1])} or {found[-1]}"
