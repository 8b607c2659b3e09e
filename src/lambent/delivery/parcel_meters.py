"""What topics, rules and functions' outcomes came to, as CloudWatch counts it: by topic, by rule, by function.

Names: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html and
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html. A delivery that has to be tried again counts
when it has come to its end.
"""

from collections.abc import Callable

from lambent.delivery.parcel_store import Parcel
from lambent.kit.arn import Arn
from lambent.kit.meter import Meter, Series


def count_topic(meter: Meter, parcel: Parcel, *, taken: bool) -> None:
    metric = "NumberOfNotificationsDelivered" if taken else "NumberOfNotificationsFailed"
    topic = Arn.parse(parcel.message.sender.arn)
    dimensions = ((("TopicName", topic.resource),),)
    meter.series(Series(topic.account_id, topic.region, "AWS/SNS", metric, dimensions)).add()


def count_rule(meter: Meter, parcel: Parcel, *, taken: bool) -> None:
    """Every invocation of a target, and those that failed for good."""
    rule = Arn.parse(parcel.message.sender.arn)
    by_rule = (("RuleName", rule.resource.rpartition("/")[2]),)
    for metric in ("Invocations",) if taken else ("Invocations", "FailedInvocations"):
        meter.series(Series(rule.account_id, rule.region, "AWS/Events", metric, (by_rule, ()))).add()


def count_outcome(meter: Meter, parcel: Parcel, *, taken: bool) -> None:
    """Of a function: only what did not arrive has a metric. Dead letters say an error's code, records do not."""
    if taken:
        return
    metric = "DeadLetterErrors" if "ErrorCode" in parcel.message.attributes else "DestinationDeliveryFailures"
    function = Arn.parse(parcel.message.sender.arn)
    by_name = (("FunctionName", function.resource.split(":")[1]),)
    meter.series(Series(function.account_id, function.region, "AWS/Lambda", metric, (by_name, ()))).add()


#: By owner of the parcel.
COUNTS: dict[str, Callable[..., None]] = {"sns": count_topic, "rule": count_rule, "lambda": count_outcome}
