"""One schedule of EventBridge Scheduler for a site, which runs the function when the website is due to change."""

import json
from dataclasses import dataclass
from typing import Any

from sitebuilder import timetable


@dataclass(frozen=True, slots=True)
class Timer:
    scheduler: Any
    """boto3's client."""
    name: str
    function_arn: str
    role_arn: str
    site: str

    def set(self, moment: float) -> None:
        """The schedule removes itself when it is done."""
        schedule = {
            "Name": self.name,
            "ScheduleExpression": timetable.expression(moment),
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": self.function_arn,
                "RoleArn": self.role_arn,
                "Input": json.dumps({"action": "build", "cause": "timer", "site": self.site}),
            },
        }
        try:
            self.scheduler.update_schedule(**schedule)
        except self.scheduler.exceptions.ResourceNotFoundException:
            self.scheduler.create_schedule(**schedule)

    def clear(self) -> None:
        try:
            self.scheduler.delete_schedule(Name=self.name)
        except self.scheduler.exceptions.ResourceNotFoundException:
            return
