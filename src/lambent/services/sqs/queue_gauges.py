"""How full queues are, for CloudWatch: AWS/SQS, asked for once a minute.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html: a
queue is told of while it is active, which is for six hours after it last held messages.
"""

from collections.abc import Iterable

from lambent.kit.clock import Clock
from lambent.kit.meter import Sample, Series
from lambent.services.sqs import depth_store
from lambent.services.sqs.depth_store import Depth
from lambent.services.sqs.queue_meters import NAMESPACE
from lambent.services.sqs.queues import QueueKey
from lambent.storage.database import Database

ACTIVE_MS = 6 * 3_600_000


class QueueGauges:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._active: dict[QueueKey, int] = {}
        """When they held messages last."""

    async def read(self) -> list[Sample]:
        now_ms = self._clock.now_ms()
        depths = await self._database.scan(lambda tx: depth_store.depths(tx, now_ms))
        self._active.update(dict.fromkeys(depths, now_ms))
        self._active = {key: last_ms for key, last_ms in self._active.items() if now_ms - last_ms < ACTIVE_MS}
        return [sample for key in self._active for sample in _samples(key, depths.get(key, _EMPTY), now_ms)]


_EMPTY = Depth()


def _samples(key: QueueKey, depth: Depth, now_ms: int) -> Iterable[Sample]:
    age_seconds = 0.0 if depth.oldest_ms is None else max(0.0, (now_ms - depth.oldest_ms) / 1000)
    values: list[tuple[str, float, str]] = [
        ("ApproximateNumberOfMessagesVisible", depth.visible, "Count"),
        ("ApproximateNumberOfMessagesNotVisible", depth.in_flight, "Count"),
        ("ApproximateNumberOfMessagesDelayed", depth.delayed, "Count"),
        ("ApproximateAgeOfOldestMessage", age_seconds, "Seconds"),
    ]
    if key.is_fifo:
        values.append(("ApproximateNumberOfGroupsWithInflightMessages", depth.groups_in_flight, "Count"))
    dimensions = ((("QueueName", key.name),),)
    for metric, value, unit in values:
        yield Series(key.account_id, key.region, NAMESPACE, metric, dimensions, unit), float(value)
