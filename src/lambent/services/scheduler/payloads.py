"""What a schedule sends: its Input with the context attributes filled in, or AWS's default notification.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

import orjson

from lambent.services.scheduler.schedules import Schedule

#: Stays in place until an attempt is made: `with_attempt`.
ATTEMPT = b"<aws.scheduler.attempt-number>"


def payload(schedule: Schedule, occurrence_ms: int, execution_id: str) -> bytes:
    """All but the number of the attempt."""
    text = schedule.definition.target.get("Input")
    if text is None:
        return _notification(schedule, occurrence_ms, execution_id)
    if "<aws.scheduler." in text:
        text = (
            text.replace("<aws.scheduler.schedule-arn>", schedule.key.arn)
            .replace("<aws.scheduler.scheduled-time>", iso_time(occurrence_ms))
            .replace("<aws.scheduler.execution-id>", execution_id)
        )
    sent: bytes = text.encode()
    return sent


def with_attempt(body: bytes, attempt: int) -> bytes:
    """`attempt` counts from 1."""
    return body.replace(ATTEMPT, str(attempt).encode())


def iso_time(time_ms: int) -> str:
    """`2022-03-22T18:59:43Z`"""
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _notification(schedule: Schedule, occurrence_ms: int, execution_id: str) -> bytes:
    """As functions without an Input receive it; `detail` is a string, `id` a UUID."""
    return orjson.dumps(
        {
            "version": "0",
            "id": str(uuid5(NAMESPACE_URL, f"{schedule.key.arn}/{execution_id}")),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": schedule.key.account_id,
            "time": iso_time(occurrence_ms),
            "region": schedule.key.region,
            "resources": [schedule.key.arn],
            "detail": "{}",
        }
    )
