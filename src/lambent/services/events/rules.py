"""Rules: which events they choose, when they fire by themselves, and what PutRule takes for one."""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services import event_patterns, schedule_expressions
from lambent.services.event_pattern_values import InvalidPattern
from lambent.services.event_patterns import Pattern
from lambent.services.events import wildcard_complexity
from lambent.services.events.errors import InvalidEventPattern, ValidationException
from lambent.services.events.names import DEFAULT_BUS, RuleKey
from lambent.services.schedule_expressions import At, InvalidSchedule, Rate, Schedule

#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
MAX_RULES = 300


class State(Enum):
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    #: There is no CloudTrail here: the same as ENABLED.
    ENABLED_WITH_CLOUDTRAIL = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


@frozen
class Rule:
    key: RuleKey
    pattern: str = ""
    schedule: str = ""
    state: State = State.ENABLED
    description: str = ""
    role_arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    started_ms: int = 0
    """What a rate counts from: when the schedule was put, or the rule enabled."""
    next_ms: int | None = None
    """When the schedule is next due."""

    @property
    def is_enabled(self) -> bool:
        return self.state is not State.DISABLED


def requested_rule(key: RuleKey, request: Mapping[str, Any]) -> Rule:
    """Raises ValidationException, InvalidEventPattern."""
    pattern, schedule = request.get("EventPattern", ""), request.get("ScheduleExpression", "")
    if not pattern and not schedule:
        raise ValidationException("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if schedule:
        if key.bus != DEFAULT_BUS:
            raise ValidationException("ScheduleExpression is supported only on the default event bus.")
        parse_schedule(schedule)
    if pattern:
        parse_pattern(pattern)
    return Rule(
        key,
        pattern=pattern,
        schedule=schedule,
        state=State(request.get("State", "ENABLED")),
        description=request.get("Description", ""),
        role_arn=request.get("RoleArn", ""),
    )


def parse_pattern(text: str) -> Pattern:
    """Raises InvalidEventPattern. A pattern that asks nothing is none, other than in an event source mapping."""
    if not text.strip("{} \t\r\n"):
        raise InvalidEventPattern("Event pattern is not valid. Reason: Empty objects are not allowed")
    try:
        pattern = event_patterns.compile_pattern(text)
        wildcard_complexity.check_complexity(orjson.loads(text))
    except InvalidPattern as error:
        raise InvalidEventPattern(f"Event pattern is not valid. Reason: {error}") from error
    return pattern


def parse_schedule(text: str) -> Schedule:
    """Rules have no `at(...)`, and `rate(1 minutes)` is none of theirs. Raises ValidationException.

    "If the value is equal to 1, then the unit must be singular" (the user guide, "Rate expressions").
    """
    try:
        schedule = schedule_expressions.parse(text)
    except InvalidSchedule as error:
        raise ValidationException("Parameter ScheduleExpression is not valid.") from error
    if isinstance(schedule, At) or (isinstance(schedule, Rate) and not schedule.is_grammatical):
        raise ValidationException("Parameter ScheduleExpression is not valid.")
    return schedule


def next_time(rule: Rule, after_ms: int) -> int | None:
    """When an enabled rule's schedule is due after a time; a rate for the first time a period after its start."""
    if not rule.schedule or not rule.is_enabled:
        return None
    schedule = parse_schedule(rule.schedule)
    return schedule.next_after(max(after_ms, rule.started_ms), start_ms=rule.started_ms)
