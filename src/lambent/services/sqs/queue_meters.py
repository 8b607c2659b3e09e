"""What goes through queues, for CloudWatch: AWS/SQS, on the path of every request; a queue's metrics are kept at hand.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html. How
full queues are is asked for once a minute (`queue_gauges`).
"""

from lambent.kit.meter import Meter, Series
from lambent.services.sqs.queues import QueueKey

NAMESPACE = "AWS/SQS"

#: Queues whose metrics are at hand.
MAX_QUEUES = 10_000


class QueueMeter:
    """The metrics of one queue."""

    __slots__ = ("_deleted", "_empty", "_received", "_sent", "_sizes")

    def __init__(self, meter: Meter, key: QueueKey) -> None:
        place = (key.account_id, key.region, NAMESPACE)
        dimensions = ((("QueueName", key.name),),)
        self._sent = meter.series(Series(*place, "NumberOfMessagesSent", dimensions))
        self._sizes = meter.series(Series(*place, "SentMessageSize", dimensions, "Bytes"))
        self._received = meter.series(Series(*place, "NumberOfMessagesReceived", dimensions))
        self._empty = meter.series(Series(*place, "NumberOfEmptyReceives", dimensions))
        self._deleted = meter.series(Series(*place, "NumberOfMessagesDeleted", dimensions))

    def sent(self, size_bytes: int) -> None:
        self._sent.add()
        self._sizes.add(size_bytes)

    def received(self, messages: int) -> None:
        """By one ReceiveMessage, or by a mapping."""
        if messages:
            self._received.add(messages)
        else:
            self._empty.add()

    def deleted(self, messages: int = 1) -> None:
        if messages:
            self._deleted.add(messages)


class QueueMeters:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._known: dict[QueueKey, QueueMeter] = {}

    def of(self, key: QueueKey) -> QueueMeter:
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MAX_QUEUES:
                self._known.clear()
            found = self._known[key] = QueueMeter(self._meter, key)
        return found
