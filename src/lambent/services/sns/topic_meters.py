"""What is published to topics, for CloudWatch: AWS/SNS, NumberOfMessagesPublished and PublishSize.

https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html. What becomes of the messages is counted
where deliveries end.
"""

from lambent.kit.arn import Arn
from lambent.kit.meter import Distribution, Meter, Series

NAMESPACE = "AWS/SNS"

#: Topics whose metrics are at hand.
MAX_TOPICS = 10_000


class TopicMeters:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._known: dict[str, tuple[Distribution, Distribution]] = {}

    def published(self, topic_arn: str, size_bytes: int) -> None:
        """Of a topic that is there."""
        messages, sizes = self._known.get(topic_arn) or self._find(topic_arn)
        messages.add()
        sizes.add(size_bytes)

    def _find(self, topic_arn: str) -> tuple[Distribution, Distribution]:
        if len(self._known) >= MAX_TOPICS:
            self._known.clear()
        topic = Arn.parse(topic_arn)
        place = (topic.account_id, topic.region, NAMESPACE)
        dimensions = ((("TopicName", topic.resource),),)
        found = self._known[topic_arn] = (
            self._meter.series(Series(*place, "NumberOfMessagesPublished", dimensions)),
            self._meter.series(Series(*place, "PublishSize", dimensions, "Bytes")),
        )
        return found
