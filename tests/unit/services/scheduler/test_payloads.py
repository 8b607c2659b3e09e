"""What schedules send."""

from uuid import UUID

import orjson

from lambent.services.scheduler import payloads
from lambent.services.scheduler.schedules import Definition, Plan, Schedule, ScheduleKey, Timetable

TIME_MS = 1_647_975_583_000
ARN = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s"


def schedule(**target: str) -> Schedule:
    timetable = Timetable("rate(1 day)", "UTC", None, None, 0, True)
    return Schedule(
        key=ScheduleKey("000000000000", "us-east-1", "default", "s"),
        definition=Definition(timetable, False, "", "", target),
        plan=Plan(0, TIME_MS, TIME_MS, 0),
        client_token="",
        created_ms=0,
        modified_ms=0,
    )


def test_context_attributes() -> None:
    text = "<aws.scheduler.schedule-arn> <aws.scheduler.scheduled-time> <aws.scheduler.execution-id> <aws.scheduler.x>"
    assert payloads.payload(schedule(Input=text), TIME_MS, "d32c5") == (
        f"{ARN} 2022-03-22T18:59:43Z d32c5 <aws.scheduler.x>".encode()
    )


def test_the_number_of_the_attempt_is_known_only_when_it_is_made() -> None:
    body = payloads.payload(schedule(Input="n=<aws.scheduler.attempt-number>"), TIME_MS, "d32c5")
    assert payloads.with_attempt(body, 1) == b"n=1"
    assert payloads.with_attempt(body, 12) == b"n=12"


def test_without_an_input_there_is_a_notification() -> None:
    """Its id is a UUID, as those who show what their functions received have it; each occurrence has its own."""
    notification = orjson.loads(payloads.payload(schedule(), TIME_MS, "d32c5"))
    assert str(UUID(notification.pop("id"))) != orjson.loads(payloads.payload(schedule(), TIME_MS, "d32c6"))["id"]
    assert notification == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": "2022-03-22T18:59:43Z",
        "region": "us-east-1",
        "resources": [ARN],
        "detail": "{}",
    }
