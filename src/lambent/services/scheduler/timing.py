"""When a schedule fires: its first time, the one that follows, and what is made of times that were missed.

Sources: EventBridge Scheduler User Guide, "Schedule types" ("If you do not provide a StartDate for a rate-based
schedule, your schedule starts invoking the target immediately"; one-time schedules ignore start and end) and
"Configuring flexible time windows". What AWS does with times that passed while it was down is not documented. Here a
time that was missed fires late, once: the one that was next. Of those behind it only the ones whose time window is
still open follow, then the regular times.
"""

import functools
from collections.abc import Callable
from dataclasses import replace

from lambent.services import schedule_expressions
from lambent.services.schedule_expressions import At, Rate
from lambent.services.schedule_expressions import Schedule as Expression
from lambent.services.scheduler.schedules import Plan, Timetable

Spread = Callable[[], float]
"""A number from 0 to below 1: where in its flexible time window an occurrence falls."""

#: "All schedule types invoke their targets with 60 second precision": a one-time schedule made this much too late
#: fires at once; one for an earlier time never does.
AT_GRACE_MS = 60_000
_MINUTE_MS = 60_000


@functools.lru_cache(4096)
def parse(expression: str) -> Expression:
    """Raises InvalidSchedule."""
    return schedule_expressions.parse(expression)


def first_plan(timetable: Timetable, now_ms: int, spread: Spread, *, anchor_ms: int | None = None) -> Plan:
    """Of a schedule that is created, changed or enabled now. `anchor_ms`: where its rate was counted from before."""
    expression = parse(timetable.expression)
    start_ms = timetable.start_ms
    anchor_ms = start_ms if start_ms is not None else min(anchor_ms if anchor_ms is not None else now_ms, now_ms)
    plan = Plan(anchor_ms, None, None, now_ms)
    if not timetable.is_enabled:
        return plan
    after_ms = now_ms - AT_GRACE_MS if isinstance(expression, At) else now_ms - 1
    return _planned(timetable, plan, after_ms, spread)


def following_plan(timetable: Timetable, plan: Plan, now_ms: int, spread: Spread) -> Plan:
    """After the planned occurrence was sent."""
    assert plan.occurrence_ms is not None
    if isinstance(parse(timetable.expression), At):
        return Plan(plan.anchor_ms, None, None, now_ms)
    window_ms = timetable.window_minutes * _MINUTE_MS
    after_ms = max(plan.occurrence_ms, now_ms - window_ms)
    return _planned(timetable, replace(plan, planned_ms=now_ms), after_ms, spread)


def _planned(timetable: Timetable, plan: Plan, after_ms: int, spread: Spread) -> Plan:
    occurrence_ms = _occurrence_after(timetable, plan.anchor_ms, after_ms)
    if occurrence_ms is None:
        return replace(plan, occurrence_ms=None, due_ms=None)
    delay_ms = int(spread() * timetable.window_minutes * _MINUTE_MS) if timetable.window_minutes else 0
    return replace(plan, occurrence_ms=occurrence_ms, due_ms=occurrence_ms + delay_ms)


def _occurrence_after(timetable: Timetable, anchor_ms: int, after_ms: int) -> int | None:
    expression = parse(timetable.expression)
    if isinstance(expression, At):
        return expression.next_after(after_ms, timetable.zone)
    start_ms = anchor_ms if isinstance(expression, Rate) else timetable.start_ms or 0
    found = expression.next_after(after_ms, timetable.zone, start_ms=start_ms)
    if found is None or (timetable.end_ms is not None and found > timetable.end_ms):
        return None
    return found
