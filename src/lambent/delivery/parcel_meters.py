"""What sending came to, as CloudWatch counts it: by the topic or function that sent, and by where it went to.

Names: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html and
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html. A delivery that has to be tried again counts
when it has come to its end. Rules count for themselves (`rule_deliveries`).
"""

from collections.abc import Mapping

from lambent.delivery.parcel_store import Parcel
from lambent.delivery.targets import Attribute
from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.kit.meter import Meter, Series
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.stream_meters import StreamMeter
from lambent.services.sns.topic_meters import TopicMeters
from lambent.services.sqs.queue_meters import QueueMeter
from lambent.services.sqs.queues import QueueKey


@frozen
class Arrival:
    """A parcel that its target has taken: what is left to be counted of it."""

    owner: str
    sender_arn: str
    target_arn: str
    size_bytes: int


def arrival_of(parcel: Parcel) -> Arrival:
    message = parcel.message
    size = len(message.body) + len(message.partition_key) + _size(message.attributes)
    return Arrival(parcel.owner, message.sender.arn, message.target_arn, size)


def _size(attributes: Mapping[str, Attribute]) -> int:
    return sum(len(name) + len(one.data_type) + len(one.value) for name, one in attributes.items())


def count_arrival(meter: Meter, arrival: Arrival) -> None:
    if arrival.owner == "sns":
        _count_topic(meter, arrival.sender_arn, "NumberOfNotificationsDelivered")
    if not arrival.target_arn.startswith("arn:"):
        return
    target = Arn.parse(arrival.target_arn)
    match target.service:
        case "sqs":
            QueueMeter(meter, QueueKey(target.account_id, target.region, target.resource)).sent(arrival.size_bytes)
        case "sns":
            TopicMeters(meter).published(arrival.target_arn, arrival.size_bytes)
        case "kinesis":
            key = StreamKey(target.account_id, target.region, target.resource.removeprefix("stream/"))
            StreamMeter(meter, key).took(1, arrival.size_bytes)


def count_filtered(meter: Meter, topic_arn: str, reason: str) -> None:
    """Of a topic's message that a subscription does not want; `reason` is how the metric for it ends, or ""."""
    for metric in {"NumberOfNotificationsFilteredOut", f"NumberOfNotificationsFilteredOut{reason}"}:
        _count_topic(meter, topic_arn, metric)


def count_failure(meter: Meter, parcel: Parcel, *, is_buried: bool = False) -> None:
    """Of a parcel that was given up; `is_buried`: a dead-letter queue has it."""
    match parcel.owner:
        case "sns":
            topic_arn = parcel.message.sender.arn
            _count_topic(meter, topic_arn, "NumberOfNotificationsFailed")
            if parcel.terms.get("dead_letter"):
                metric = "RedrivenToDlq" if is_buried else "FailedToRedriveToDlq"
                _count_topic(meter, topic_arn, f"NumberOfNotifications{metric}")
        case "lambda":
            _count_outcome(meter, parcel)


def _count_topic(meter: Meter, arn: str, metric: str) -> None:
    topic = Arn.parse(arn)
    dimensions = ((("TopicName", topic.resource),),)
    meter.series(Series(topic.account_id, topic.region, "AWS/SNS", metric, dimensions)).add()


def _count_outcome(meter: Meter, parcel: Parcel) -> None:
    """Of a function: only what did not arrive has a metric. Dead letters say an error's code, records do not."""
    metric = "DeadLetterErrors" if "ErrorCode" in parcel.message.attributes else "DestinationDeliveryFailures"
    function = Arn.parse(parcel.message.sender.arn)
    by_name = (("FunctionName", function.resource.split(":")[1]),)
    meter.series(Series(function.account_id, function.region, "AWS/Lambda", metric, (by_name, ()))).add()
