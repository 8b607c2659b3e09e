"""Scheduler's own metrics: what CloudWatch shows under AWS/Scheduler for a schedule group, and for the account.

"List of metrics", https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html. Nothing throttles
schedules here, so there is no InvocationThrottleCount.
"""

from lambent.kit.arn import Arn
from lambent.kit.meter import Meter, Series

NAMESPACE = "AWS/Scheduler"


def count(meter: Meter, schedule_arn: str, metric: str) -> None:
    schedule = Arn.parse(schedule_arn)
    by_group = (("ScheduleGroup", schedule.resource.split("/")[1]),)
    meter.series(Series(schedule.account_id, schedule.region, NAMESPACE, metric, (by_group, ()))).add()
