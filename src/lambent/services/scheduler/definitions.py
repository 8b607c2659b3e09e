"""From a request to a schedule's definition: the rules that the model does not express, in AWS's sentences."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from lambent.kit.arn import Arn
from lambent.services.schedule_expressions import At, InvalidSchedule
from lambent.services.scheduler import timing, universal_targets
from lambent.services.scheduler.errors import invalid
from lambent.services.scheduler.schedules import Definition, Timetable

Request = Mapping[str, Any]
Accepts = Callable[[str], bool]
"""Whether there is a target of that ARN's kind."""

#: "The maximum size of the Input field is 256 KB" (Target).
MAX_INPUT_BYTES = 256 << 10
#: AWS's sentence says so.
MAX_START_AGE_MS = 5 * 60_000

#: Kinds of target whose Input must be JSON (Target, "Input").
_JSON_KINDS = ("lambda", "events", "scheduler")


def read_definition(request: Request, now_ms: int, accepts: Accepts) -> Definition:
    """Raises ValidationError."""
    target = request["Target"]
    _check_target(target, accepts)
    return Definition(
        timetable=_read_timetable(request, now_ms),
        is_deleted_after=request.get("ActionAfterCompletion", "NONE") == "DELETE",
        description=request.get("Description", ""),
        kms_key_arn=request.get("KmsKeyArn", ""),
        target=target,
    )


def _read_timetable(request: Request, now_ms: int) -> Timetable:
    expression = request["ScheduleExpression"]
    zone = request.get("ScheduleExpressionTimezone", "UTC")
    try:
        is_once = isinstance(timing.parse(expression), At)
    except InvalidSchedule as error:
        raise invalid(str(error)) from error
    _check_zone(zone)
    start_ms, end_ms = _milliseconds(request.get("StartDate")), _milliseconds(request.get("EndDate"))
    if not is_once:  # "EventBridge Scheduler ignores StartDate for one-time schedules", and EndDate as well
        if start_ms is not None and start_ms < now_ms - MAX_START_AGE_MS:
            raise invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
        if end_ms is not None and end_ms < now_ms:
            raise invalid("The EndDate you specify cannot be in the past.")
        if start_ms is not None and end_ms is not None and end_ms <= start_ms:
            raise invalid("The EndDate you specify must be later than the StartDate.")
    return Timetable(
        expression=expression,
        zone=zone,
        start_ms=start_ms,
        end_ms=end_ms,
        window_minutes=_read_window(request["FlexibleTimeWindow"]),
        is_enabled=request.get("State", "ENABLED") == "ENABLED",
    )


def _read_window(window: Request) -> int:
    minutes: int | None = window.get("MaximumWindowInMinutes")
    if window["Mode"] == "OFF":
        if minutes is not None:
            raise invalid("MaximumWindowInMinutes is not allowed when the FlexibleTimeWindow Mode is OFF.")
        return 0
    if minutes is None:
        raise invalid("MaximumWindowInMinutes is required when the FlexibleTimeWindow Mode is FLEXIBLE.")
    return minutes


def _check_zone(zone: str) -> None:
    if zone == "UTC":
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid(f"Invalid ScheduleExpressionTimezone {zone}.") from error


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _check_target(target: Request, accepts: Accepts) -> None:
    kind = _kind_of(target["Arn"], accepts)
    _check_input(target, kind)
    if kind == "kinesis" and "KinesisParameters" not in target:
        raise invalid("KinesisParameters is required for a Kinesis stream.")
    if kind == "events" and "EventBridgeParameters" not in target:
        raise invalid("EventBridgeParameters is required for an event bus.")
    if target["Arn"].endswith(".fifo") and kind == "sqs" and "MessageGroupId" not in target.get("SqsParameters", {}):
        raise invalid("FIFO queue targets require a MessageGroupId.")
    if target.get("DeadLetterConfig", {}).get("Arn", "").endswith(".fifo"):
        raise invalid("A FIFO queue cannot be the dead-letter queue of a schedule.")


def _kind_of(arn: str, accepts: Accepts) -> str:
    action = universal_targets.parse(arn)
    if action is not None and action.only_reads:
        raise invalid(f"{action.action} only reads: it cannot be the action of a universal target.")
    if not accepts(arn):
        raise invalid("Provided Arn is not in correct format.")
    return Arn.parse(arn).service


def _check_input(target: Request, kind: str) -> None:
    text = target.get("Input")
    if text is None:
        if kind == "scheduler":
            raise invalid("A universal target needs an Input: the request of its action.")
        return
    if len(text.encode()) > MAX_INPUT_BYTES:
        raise invalid(f"Input must have length less than or equal to {MAX_INPUT_BYTES}")
    if kind in _JSON_KINDS:
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise invalid("Input must be well-formed JSON for this target.") from error
        if kind == "scheduler" and not isinstance(document, dict):
            raise invalid("The Input of a universal target must be a JSON object.")
